"""Staffing: how many calls will come, how many agents that takes, and who is there when."""
