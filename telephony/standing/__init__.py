"""How our account stands with the carrier: how many calls a second it may place, and whether the carrier answers."""
