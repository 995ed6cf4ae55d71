"""A protocol system that is none: a program that answers as one, for trying out and for tests."""
