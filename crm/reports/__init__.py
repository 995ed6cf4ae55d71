"""The report on the service of an ente in a month, quarter or year: made once, kept whole, read by everything."""
