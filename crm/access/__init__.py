"""Who may do what: users, their grants on enti and contracts, permissions, passwords and sessions."""
