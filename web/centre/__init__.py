"""The numbers and queues of a contract: which there are, where they lead, who answers."""
