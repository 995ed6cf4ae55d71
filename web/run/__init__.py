"""Runs the whole contact centre on one machine: set-up, embedded servers, supervised processes."""
