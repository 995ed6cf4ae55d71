"""Turns at the desks: who has come, in which order he is called, how long he waited and was served."""
