"""Voice flows: their pages, and a call in words on the terminal."""
