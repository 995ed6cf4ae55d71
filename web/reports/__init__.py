"""The reports on a service: their page, their files, and the tables that both are drawn from."""
