"""Service levels from the command line."""
