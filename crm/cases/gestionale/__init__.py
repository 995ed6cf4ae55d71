"""What a case was granted, proposed to the collection system: what became of it, and what follows from the answer."""
