"""What a contract agrees besides its levels: numbers, hours of service, reports, extra operators around due dates."""
