"""Messages to people: what is owed to whom, in which words, when, and what became of it. Sending is `telephony`'s."""
