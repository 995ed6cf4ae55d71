"""The feeds from the gestionale: sending one, and watching it being read."""
