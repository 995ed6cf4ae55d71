"""Appointments at the offices of an ente: their desks, what is done there, agendas, and who has which time."""
