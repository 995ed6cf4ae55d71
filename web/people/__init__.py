"""Users as their administrators keep them, and everybody's own page."""
