"""Mailboxes: what is written to an ente by e-mail and PEC, read from its server, put into threads, and answered."""
