"""Campaigns: written, approved by the ente, run; and an agent's page, who calls the next one."""
