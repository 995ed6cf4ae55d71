"""The languages in which callers are spoken to."""

from enum import StrEnum


class Language(StrEnum):
    """By its ISO 639-1 code. Italian first: it is what a caller hears who has chosen none."""

    ITALIAN = "it"
    ENGLISH = "en"
    GERMAN = "de"

    @property
    def tag(self) -> str:
        """As carriers name it (BCP 47)."""
        return {"it": "it-IT", "en": "en-GB", "de": "de-DE"}[self.value]
