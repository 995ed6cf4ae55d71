"""Watching single workers: locked on a contract until its agreement is entered (L. 300/1970, art. 4)."""
