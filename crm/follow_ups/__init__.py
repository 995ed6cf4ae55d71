"""Follow-ups: what somebody promised to do about a contact, by when."""
