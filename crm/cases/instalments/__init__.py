"""Plans of instalments, tried out: how many there may be for a debt, and what each comes to."""
