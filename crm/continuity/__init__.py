"""The continuity of the service: when it was there, measured by itself; what stopped it; who was told, and when."""
