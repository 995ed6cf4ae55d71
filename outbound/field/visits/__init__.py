"""Visits: what happened at a door, in the order in which it may happen."""
