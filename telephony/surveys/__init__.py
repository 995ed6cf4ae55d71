"""What callers say of a conversation once it is over: a mark from 1 to 5, and why. Nobody can tell whose it is."""
