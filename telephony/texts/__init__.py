"""Conversations by SMS, for those who cannot hear or would rather write: threads in the same queues as calls."""
