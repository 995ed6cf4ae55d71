"""Closures on screen: asked for, decided, and published to whoever wants to know."""
