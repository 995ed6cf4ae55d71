"""What the centre asks the collection system to change: corrections and notification problems, decided by the ente.

Nothing else is ever written back, and this only as a feed that the collection system is free to refuse.
"""
