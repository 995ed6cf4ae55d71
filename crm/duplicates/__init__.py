"""Contacts of an ente that may be one person: how alike two are, the search, and what was decided.

Merging itself is `crm.contacts.merging`; here it is only proposed.
"""
