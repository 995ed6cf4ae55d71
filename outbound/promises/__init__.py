"""Promises to pay: made in a conversation, judged by what the collection system tells of payments."""
