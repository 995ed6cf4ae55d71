"""Practice: the console again, with invented callers."""
