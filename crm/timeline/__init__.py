"""The timeline of a contact: every call, letter, visit and appointment, in order, as it happens."""
