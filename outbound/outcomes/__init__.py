"""What came of a conversation: each outcome, what follows from it for the person's data, the campaign and the file."""
