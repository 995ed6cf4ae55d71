"""Scenarios of a small fixed cast."""
