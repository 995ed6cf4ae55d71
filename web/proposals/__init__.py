"""Proposals on screen: the form beside the file, the ente's decisions, and the feeds that are handed over."""
