"""Booking, hearing and cancelling an appointment in the voice menu, with nobody's help: over `crm.agendas`."""
