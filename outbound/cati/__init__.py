"""Interviews by telephone: questionnaires, the conversations that fill them, their outcomes and what is exported."""
