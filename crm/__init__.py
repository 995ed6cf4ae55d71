"""The contact and its file: enti, users, taxpayers, positions, timeline, service levels, and the shared core."""
