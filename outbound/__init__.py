"""Campaigns and what belongs to them: segments of contacts, and the lists made of them."""
