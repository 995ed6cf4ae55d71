"""The tokens of an ente's programs: made, shown once, revoked."""
