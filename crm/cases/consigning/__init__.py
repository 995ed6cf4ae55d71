"""Documents of a case handed to its taxpayer on a page: the way there by one channel, a one-time code by another."""
