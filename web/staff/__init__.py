"""The register of the staff: for whoever runs the centre, and for each ente's approver."""
