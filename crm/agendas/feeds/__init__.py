"""Agendas that the staff follow in the calendar of their own telephone or computer, by a link that can be revoked."""
