"""What a caller said, compared with the words a choice is known by. Pure."""

import unicodedata
from collections.abc import Iterable


def means(speech: str, words: Iterable[str]) -> bool:
    """Whether one of these words, or groups of words, was said: whole words, in any writing."""
    said = f" {_plain(speech)} "
    return any(f" {plain} " in said for word in words if (plain := _plain(word)))


def _plain(text: str) -> str:
    """Small letters without accents, words apart by one space."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))
    return " ".join("".join(one if one.isalnum() else " " for one in bare).split())
