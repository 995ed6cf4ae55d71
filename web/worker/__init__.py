"""Background work: Celery wakes a worker, which takes a leased row and does it."""
