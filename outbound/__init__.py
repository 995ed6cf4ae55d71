"""Whom the centre turns to by itself: segments and lists of contacts, interviews by telephone."""
