"""Cases: requests to an ente, from where they came in to the answer, with the terms within which each step is due."""
