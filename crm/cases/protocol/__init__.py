"""The enti's protocol systems: what is registered there gets a number and a day, once."""
