"""Conversations by SMS on the pages: beside the call in an agent's console, and read back from a file."""
