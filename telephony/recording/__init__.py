"""Recordings of conversations: who agrees, what is kept and for how long, who listens."""
