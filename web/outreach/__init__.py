"""What a campaign writes: its texts, how they look to those who get them, and what became of them."""
