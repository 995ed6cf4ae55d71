"""Visits of credit-protection agents: who may go, to whom, what is said at the door, what is reported and earned."""
