"""Listening to recorded conversations."""
