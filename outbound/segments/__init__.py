"""Segments: which contacts of an ente somebody means, as conditions that can be read, counted and kept."""
