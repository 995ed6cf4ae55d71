"""Contacts: one row per ente and codice fiscale, because each ente is a data controller of its own."""
