"""The supervisor's wallboard: what happens now, and how far today is from the contract's limits."""
