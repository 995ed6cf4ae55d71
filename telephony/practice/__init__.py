"""Practice: an agent is called by invented people, on a console like his own. Nothing of it is a call."""
