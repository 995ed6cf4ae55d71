"""The page of what callers say of their conversations."""
