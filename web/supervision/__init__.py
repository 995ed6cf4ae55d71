"""The conversations under way, for supervisors: who asks for help, and how they take part."""
