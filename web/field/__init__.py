"""Pages of field visits."""
