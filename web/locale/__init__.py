"""Catalogues of translations, and what keeps them complete."""
