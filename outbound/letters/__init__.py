"""Letters of campaigns: what they say, the batches that a printing house gets, and what becomes of each letter."""
