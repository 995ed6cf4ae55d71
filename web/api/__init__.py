"""What machines call: the carrier's webhooks, health and metrics."""
