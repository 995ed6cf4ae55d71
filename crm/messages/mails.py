"""How an e-mail begins and ends in each language. Pure."""

_GREETING = {"it": "Buongiorno,", "en": "Good day,", "de": "Guten Tag,"}
_REGARDS = {"it": "Cordiali saluti", "en": "Kind regards", "de": "Mit freundlichen Grüßen"}


def mail(language: str, *paragraphs: str) -> str:
    """A body of these paragraphs."""
    return "\n\n".join((_GREETING[language], *paragraphs, f"{_REGARDS[language]}\n{{ente}}"))
