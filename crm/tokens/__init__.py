"""Tokens with which an ente's own programs read its data over HTTP: made once, shown once, kept as a digest."""
