"""The service's own continuity: its signs of life, what is told of it, and the pages that show it."""
