"""Words that differ by one slip: a letter left out, added, mistaken for another, or two neighbours swapped.

A word is filed under its *stumps*: itself, and itself without one of its letters. Two words that differ by one slip
share a stump, so all that are near a word are found by equality alone, which an index serves and a row policy does
not hinder (the deletion neighbourhood of Mor and Fraenkel, 1982).
"""

from itertools import groupby

SHORTEST = 3  # of shorter words nearly everything is one slip away


def stumps(word: str) -> frozenset[str]:
    """The word, and the word without each one of its letters."""
    return frozenset({word, *(word[:i] + word[i + 1 :] for i in range(len(word)))})


def is_slip(typed: str, meant: str) -> bool:
    """Whether exactly one slip lies between two words (restricted Damerau-Levenshtein distance 1)."""
    start = 0
    while start < min(len(typed), len(meant)) and typed[start] == meant[start]:
        start += 1
    one, other = typed[start:], meant[start:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return (
        (len(one), len(other)) in {(0, 1), (1, 0), (1, 1)}
        or (len(one) == len(other) == 2 and one == other[::-1])
    )  # fmt: skip


def is_common(typed: str, meant: str) -> bool:
    """Whether a slip is one of the commonest: neighbours swapped, or a letter single that is doubled, or doubled."""
    return sorted(typed) == sorted(meant) or _singled(typed) == _singled(meant)


def _singled(word: str) -> str:
    return "".join(letter for letter, _ in groupby(word))
