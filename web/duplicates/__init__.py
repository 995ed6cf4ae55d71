"""Possible duplicates on screen: compared side by side, merged, kept apart; and what was merged, undone."""
