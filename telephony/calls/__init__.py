"""Calls: their life cycle, their log, their legs, and what the agent writes about them."""
