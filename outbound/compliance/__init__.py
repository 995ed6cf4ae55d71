"""Whether somebody may be called, and when."""
