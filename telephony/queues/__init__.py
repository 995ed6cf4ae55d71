"""Queues: who waits, who may answer, and the matching of the two."""
