"""Campaigns: whom, why, by which means, and with whose approval."""
