"""Calls of another system, taken in so that a centre that moves keeps its history and its service levels."""
