"""Thresholds of the live board: writing them, their alerts and who took notice, and telling browsers."""
