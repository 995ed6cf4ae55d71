"""Why somebody does something out of the ordinary, in his own words: whoever checks reads them."""

from crm.core.errors import FieldError

LONGEST, SHORTEST = 200, 5


def reason_given(ask: str, text: str, field: str = "reason") -> str:
    """What he wrote. Raises `FieldError`; where there is next to nothing, with what is asked of him."""
    said = " ".join(text.split())
    if len(said) < SHORTEST:
        raise FieldError(ask, field)
    if len(said) > LONGEST:
        raise FieldError(f"Al massimo {LONGEST} caratteri.", field)
    return said
