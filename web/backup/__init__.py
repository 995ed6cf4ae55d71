"""Copies of everything that must survive, encrypted; and bringing it back, for good or to try."""
