"""Andamento: the figures of the service levels as pictures, each with the table that it is drawn from."""
