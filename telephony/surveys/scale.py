"""The marks that callers give, pure."""

SCORES = range(1, 6)  # from not at all satisfied to very


def score_of(pressed: str) -> int | None:
    """The mark that a key stands for."""
    return int(pressed) if len(pressed) == 1 and pressed in "12345" else None
