"""What stays of a practice: its report, what was earned by it, and the register of operations."""
