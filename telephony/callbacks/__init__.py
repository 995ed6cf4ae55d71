"""Calling back whoever would rather not wait: he keeps his place, and is called when it is his turn."""
