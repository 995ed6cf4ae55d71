"""What a caller hears before an operator: greeting, hours, menu, identification, queue."""
