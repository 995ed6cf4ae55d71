"""Demonstration data: three real municipalities, invented taxpayers and debts, through the same feed as real ones."""
