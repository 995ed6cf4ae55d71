"""Messages that callers leave, to be heard by whoever calls them back."""
