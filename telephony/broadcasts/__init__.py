"""What supervisors write to all agents, or to a queue's: quiet, on their consoles, until each says he has read it."""
