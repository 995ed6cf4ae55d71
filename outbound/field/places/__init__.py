"""Where a practice is: addresses placed by civic numbers that the company provides; no outside service is asked."""
