"""The access log: who looked at which taxpayers, who changed what, and what was unusual about it."""
