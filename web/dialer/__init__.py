"""Dialing of campaigns: what the carrier tells, the live board, and the operator's part."""
