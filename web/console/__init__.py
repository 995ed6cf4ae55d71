"""The agent's console: one page per shift, live."""
