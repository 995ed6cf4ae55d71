"""Follow-ups: what was promised or is still to be done about a contact, by when and by whom."""
