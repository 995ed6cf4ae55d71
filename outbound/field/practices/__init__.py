"""Practices: a taxpayer who is to be visited about some of his debts, and the mandates given for it."""
