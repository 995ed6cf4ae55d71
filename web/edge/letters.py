"""One letter for each choice of a list, so that it is chosen with one keystroke. Pure."""

from collections.abc import Sequence
from string import ascii_lowercase


def letters(labels: Sequence[str]) -> tuple[str, ...]:
    """A letter of its own for each label, in their order: its first that none before has, else any that is free.

    Of more labels than there are letters, the last have none.
    """
    taken: list[str] = []
    for label in labels:
        own = (one for one in (*label.lower(), *ascii_lowercase) if one in ascii_lowercase and one not in taken)
        taken.append(next(own, ""))
    return tuple(taken)
