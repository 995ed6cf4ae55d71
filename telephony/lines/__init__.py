"""The numbers people call, and what each leads to."""
