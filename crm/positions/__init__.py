"""Positions: what a taxpayer owes an ente, as the collection system last told it. Read here, never edited."""
