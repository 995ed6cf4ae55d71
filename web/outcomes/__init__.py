"""Outcomes of conversations on the agent's page; what a campaign has brought, live and as a report to the ente."""
