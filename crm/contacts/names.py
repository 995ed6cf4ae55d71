"""Names folded for search: what is written differently but read alike gets one key."""

import unicodedata
from collections.abc import Iterator, Sequence

from crm.contacts.slips import SHORTEST

KEY_LENGTH = 250
LONGEST_WORD = 40
# What is written before a surname, apart from it or in one word with it.
PARTICLES = frozenset(
    ("DA", "DAGLI", "DAI", "DAL", "DALLA", "DALLE", "DALLO", "DE", "DEGLI", "DEI", "DEL", "DELLA", "DELLE", "DELLO",
     "DI", "LA", "LE", "LI", "LO", "SAN", "SANTA")
)  # fmt: skip
ELIDED = frozenset(("D", "DAGL", "DALL", "DEGL", "DELL", "L", "SANT"))  # before a vowel, with an apostrophe or without
# What companies are, as it is said in one word and often written with dots.
LEGAL_FORMS = frozenset(
    ("APS", "ASD", "ETS", "GEIE", "ODV", "ONLUS", "SAPA", "SAS", "SCARL", "SCPA", "SCRL", "SNC", "SPA", "SRL", "SRLS",
     "SS", "SSD")
)  # fmt: skip
_LONGEST_FORM = max(len(one) for one in LEGAL_FORMS)
AND = "E"  # between words it is written so, or `&`, or not at all
SHORTEST_REST = 3  # letters of a surname without what is before it
MOST_TURNED = 4  # words, or particles with their words, whose order is looked at
MOST_WAYS = 24


def full_name(surname: str, given_name: str | None = None) -> str:
    """The name as people say it: given name and surname, or a company's name."""
    return f"{given_name} {surname}" if given_name else surname


def name_key(surname: str, given_name: str | None = None) -> str:
    """Surname, then given name: in capitals, without accents, apostrophes and signs, one space between words.

    `D'Amico`, `d’amico` and `DAMICO` share a key; so do `Niccolò` and `NICCOLO'`, `Pucci & Figli S.n.c.` and `Pucci e
    Figli snc`.
    """
    return search_key(f"{surname} {given_name}" if given_name else surname)


def given_key(surname: str, given_name: str | None) -> str | None:
    """The same with the given name first, as people say it. Of whoever has none, such as a company, what comes after
    the first word, by which it is often called (`Pucci & Figli` of `Impianti Pucci & Figli`); none if nothing does.
    """
    if given_name:
        return search_key(f"{given_name} {surname}")
    units = list(_units(search_key(surname).split(" ")))
    words = [word for unit in units[1:] for word in unit]
    return " ".join(words) if set(words) - LEGAL_FORMS else None


def search_key(text: str) -> str:
    """The key of a name as it is filed and looked for."""
    words = fold(text)[:KEY_LENGTH].split()
    words = [*words[:1], *(one for one in words[1:-1] if one != AND), *words[1:][-1:]]
    return " ".join(_with_forms(words))


def who_key(codice_fiscale: str | None, name: str) -> str:
    """What tells somebody who is no contact from others: his codice fiscale, else his name folded."""
    return codice_fiscale or fold(name)[:KEY_LENGTH].rstrip() or name[:KEY_LENGTH]


def ways(key: str) -> tuple[str, ...]:
    """The key, and other keys under which the same name may be filed.

    A surname may be filed in one word with its particle (`DE LUCA`, `DELUCA`; `D ANGELO`, `DANGELO`). And who has
    two names or two surnames is often called by the first of each: with the words in turn, each order is the
    beginning of one key or the other (`MARIA ROSSI` of `ROSSI MARIA GRAZIA`).
    """
    units = [_spellings(unit) for unit in _units(key.split(" "))]
    plain = [one[0] for one in units]
    written = [plain] + [
        [*plain[:place], other, *plain[place + 1 :]] for place, unit in enumerate(units) for other in unit[1:]
    ]
    turns = range(len(units) if len(units) <= MOST_TURNED else 1)
    keys = dict.fromkeys(" ".join(words[turn:] + words[:turn]) for turn in turns for words in written)
    return tuple(keys)[:MOST_WAYS]


def _units(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The words, each with the particles before it."""
    before: tuple[str, ...] = ()
    for word in words:
        before = (*before, word)
        if word not in PARTICLES | ELIDED:
            yield before
            before = ()
    if before:
        yield before


def _spellings(unit: tuple[str, ...]) -> list[str]:
    """As it is written first; then in one word, or with each particle that its beginning may be."""
    if len(unit) > 1:
        return [" ".join(unit), "".join(unit)]
    word = unit[0]
    parts = ((word[:end], word[end:]) for end in range(1, len(word) - SHORTEST_REST + 1))
    return [word, *(f"{before} {rest}" for before, rest in parts if _is_before(before, rest))]


def _with_forms(words: Sequence[str]) -> Iterator[str]:
    """The words, those letters that are a legal form as one."""
    place = 0
    while place < len(words):
        forms = (words[place : place + length] for length in range(_LONGEST_FORM, 1, -1))
        form = next((one for one in forms if "".join(one) in LEGAL_FORMS and set(map(len, one)) == {1}), None)
        yield "".join(form) if form else words[place]
        place += len(form) if form else 1


def _is_before(particle: str, rest: str) -> bool:
    if particle in ELIDED:
        return rest[0] in "AEIOUH"
    return particle in PARTICLES and rest[0] != rest[1]


def words_of(key: str) -> frozenset[str]:
    """The words of a key that are long enough for a slip to be told from another word."""
    return frozenset(word for word in key.split() if SHORTEST <= len(word) <= LONGEST_WORD)


def fold(text: str) -> str:
    """The text as keys are written. Empty when it holds no letter or digit."""
    if text.isascii() and text.replace(" ", "").isalnum():
        return " ".join(text.upper().split())
    plain = unicodedata.normalize("NFKD", text).upper()
    kept = (_letter(char) for char in plain if not unicodedata.combining(char) and char not in "'’‘`´")
    return " ".join("".join(kept).split())


def _letter(char: str) -> str:
    return char if char.isalnum() else " "
