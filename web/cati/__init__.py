"""Questionnaires and the interviews by telephone that fill them."""
