"""The REST resources of the account: calls, conferences, participants, numbers, recordings."""
