"""Sending the messages that `crm.messages` owes, and hearing what became of them."""
