"""The pages on which citizens send a request to an ente, and follow it."""
