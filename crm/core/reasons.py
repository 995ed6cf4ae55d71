"""Why somebody does something out of the ordinary, in his own words: whoever checks reads them."""

from crm.core.errors import FieldError

LONGEST, SHORTEST = 200, 5
REMARK = 400


def reason_given(ask: str, text: str, field: str = "reason", *, shortest: int = SHORTEST, most: int = LONGEST) -> str:
    """What he wrote. Raises `FieldError`; where there is next to nothing, with what is asked of him."""
    said = " ".join(text.split())
    if len(said) < shortest:
        raise FieldError(ask, field)
    if len(said) > most:
        raise FieldError(f"Al massimo {most} caratteri.", field)
    return said


def words_given(text: str, field: str) -> str:
    """What he says of what was measured, or why he does not agree: some words, more of them where they are needed."""
    return reason_given("Scrivi perché.", text, field, shortest=1, most=REMARK)
