"""Signing in: by password, by an organisation's identity provider, and the steps in between."""
