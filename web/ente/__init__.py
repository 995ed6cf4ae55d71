"""The ente's window: its service now and today, what it has to decide, and who looked at its taxpayers."""
