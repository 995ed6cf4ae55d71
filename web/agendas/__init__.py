"""Offices, services and agendas as the staff prepare and follow them."""
