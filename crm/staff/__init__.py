"""The register of the staff: who serves which ente, what changed and who was told, whom an ente wants replaced."""
