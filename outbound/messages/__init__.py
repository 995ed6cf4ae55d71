"""SMS and e-mails of campaigns: their words, what they take and cost, sending them, and what became of them."""
