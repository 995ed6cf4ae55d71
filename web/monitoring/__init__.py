"""The agreement under which workers may be watched: where it is entered, and where each reads it."""
