"""Screens on walls: what each room shows, and the links by which they are opened without anybody signing in."""
