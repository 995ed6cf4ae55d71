"""Dialing ahead of the operators: how many calls, and when."""
