"""Agents as the telephone sees them: who is there, who is free, since when."""
