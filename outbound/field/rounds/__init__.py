"""Rounds: which agent is where at what time of a day, planned within a time limit and changed by hand."""
