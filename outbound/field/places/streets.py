"""Italian street addresses as they are compared: kind of street, name, number with its suffix. Pure.

Offices write the same street in many ways (`V.le`, `P.za`, `G. Garibaldi`); registers of civic numbers (ANNCSU) write
kind and name in full. The key has the kind in full, the name in capitals without accents and signs.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from crm.contacts.names import fold

# Kinds of streets as they are abbreviated, by what they stand for. Only the first word, or two, of an address is one.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "V": "VIA", "VIA": "VIA", "VLE": "VIALE", "VL": "VIALE", "VIALE": "VIALE", "PZA": "PIAZZA", "PZZA": "PIAZZA",
        "PZ": "PIAZZA", "PIAZZA": "PIAZZA", "PLE": "PIAZZALE", "PZLE": "PIAZZALE", "PIAZZALE": "PIAZZALE",
        "PTTA": "PIAZZETTA", "PIAZZETTA": "PIAZZETTA", "CSO": "CORSO", "CORSO": "CORSO", "LGO": "LARGO",
        "LARGO": "LARGO", "STR": "STRADA", "STRADA": "STRADA", "VIC": "VICOLO", "VLO": "VICOLO", "VICOLO": "VICOLO",
        "BGO": "BORGO", "BORGO": "BORGO", "LOC": "LOCALITA", "LOCALITA": "LOCALITA", "FRAZ": "FRAZIONE",
        "FRAZIONE": "FRAZIONE", "CDA": "CONTRADA", "CTDA": "CONTRADA", "CONTRADA": "CONTRADA",
        "LUNGARNO": "LUNGARNO", "SAL": "SALITA", "SALITA": "SALITA", "SCALI": "SCALI", "VIUZZO": "VIUZZO",
        "TRAV": "TRAVERSA", "TRAVERSA": "TRAVERSA", "GALL": "GALLERIA", "GALLERIA": "GALLERIA", "SS": "STRADA STATALE",
        "SP": "STRADA PROVINCIALE", "SR": "STRADA REGIONALE", "CORTE": "CORTE", "CHIASSO": "CHIASSO",
    }
)  # fmt: skip
_WORDS: Mapping[str, str] = MappingProxyType(
    {"FLLI": "FRATELLI", "DR": "DOTTOR", "PROF": "PROFESSOR", "GEN": "GENERALE", "CAV": "CAVALIERE",
     "MONS": "MONSIGNOR", "ON": "ONOREVOLE", "SGT": "SERGENTE", "CAP": "CAPITANO", "COL": "COLONNELLO"}
)  # fmt: skip
_ROMAN: Mapping[str, str] = MappingProxyType(
    {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5", "VI": "6", "VII": "7", "VIII": "8", "IX": "9", "X": "10",
     "XI": "11", "XII": "12", "XX": "20", "XXIV": "24", "XXV": "25", "XXIX": "29", "PRIMO": "1"}
)  # fmt: skip
_MONTHS = frozenset(
    {"GENNAIO", "FEBBRAIO", "MARZO", "APRILE", "MAGGIO", "GIUGNO", "LUGLIO", "AGOSTO", "SETTEMBRE", "OTTOBRE",
     "NOVEMBRE", "DICEMBRE"}
)  # fmt: skip
_SAINTS = frozenset({"SAN", "SANTA", "SANTO", "SANTI", "S", "SANT"})
_NO_NUMBER = re.compile(r"[\s,]*\b(?:S\.?\s?N\.?\s?C\.?|S/N|SENZA NUMERO)\s*$", re.IGNORECASE)
_KM = re.compile(r"[\s,]*\bKM\.?\s*(\d{1,4})(?:[.,+](\d{1,3}))?\s*$", re.IGNORECASE)
_NUMBER = re.compile(
    r"""[\s,]+(?:N(?:UM)?\.?\s?[°ºO]?\.?\s*|CIV\.?\s*)?(\d{1,5})   # the number, maybe told to be one
        \s*[/\-\s]?\s*
        (BIS|TER|QUATER|ROSSO|NERO|[A-Z](?![A-Z]))?              # its suffix
        (?:\s*[/\-]?\s*(R(?![A-Z])|ROSSO))?                      # red numbers are those of shops, in Florence
        (?:\s*[/,\-]?\s*(?:INT|SC|P|PIANO|SCALA|INTERNO)\b.*)?\s*$""",
    re.IGNORECASE | re.VERBOSE,
)
METRES = 1000


@dataclass(frozen=True, slots=True)
class Civic:
    """A civic number. Of a road that counts kilometres, `number` is metres; none: the address has none (`SNC`)."""

    number: int | None = None
    suffix: str = ""

    @property
    def written(self) -> str:
        """`12/A`; empty without a number."""
        return "" if self.number is None else f"{self.number}{'/' if self.suffix else ''}{self.suffix}"


@dataclass(frozen=True, slots=True)
class Located:
    """A street and a number in it, as they are compared."""

    key: str
    civic: Civic


def located(line: str) -> Located:
    """What a line of an address says: `P.zza Garibaldi, 12/a` is `PIAZZA GARIBALDI` and 12/A."""
    line = " ".join(line.split())
    if (bare := _NO_NUMBER.sub("", line)) != line:
        return Located(street_key(bare), Civic())
    if found := _KM.search(line):
        metres = int(found[1]) * METRES + int((found[2] or "0").ljust(3, "0"))
        return Located(street_key(line[: found.start()]), Civic(metres, "KM"))
    if found := _NUMBER.search(line):
        return Located(street_key(line[: found.start()]), Civic(int(found[1]), suffix_of(found[2], found[3])))
    return Located(street_key(line), Civic())


def suffix_of(*parts: str | None) -> str:
    """A suffix as it is kept: `a` is A, `rosso` is R."""
    written = (fold(one) for one in parts if one)
    return "".join({"ROSSO": "R", "NERO": "N"}.get(one, one) for one in written)[:12]


def town_key(town: str) -> str:
    """A town as it is compared."""
    return " ".join(_plain(town))[:80]


def street_key(name: str) -> str:
    """A street as it is compared: its kind in full, then its name. Of no kind that is known: as it is."""
    words = _plain(name)
    if not words:
        return ""
    kind = KINDS.get(words[0])
    if kind is None and len(words) > 1 and words[0] in ("S", "P") and words[1] in ("S", "P", "R"):
        kind, words = KINDS.get(words[0] + words[1]), words[1:]  # S.S. 67
    if kind is None:
        return " ".join(_named(words))[:160]
    return " ".join((kind, *_named(words[1:])))[:160]


def _named(words: list[str]) -> Iterator[str]:
    """Saints are written in four ways and rulers in two."""
    for n, word in enumerate(words):
        if word in _SAINTS and n + 1 < len(words):
            yield "SAN"
        elif word in _ROMAN and (n == len(words) - 1 > 0 or (words[n + 1 : n + 2] and words[n + 1] in _MONTHS)):
            yield _ROMAN[word]  # the others are initials: V. Emanuele
        else:
            yield _WORDS.get(word, word)


def _plain(text: str) -> list[str]:
    """Words in capitals: a dot within an abbreviation joins (`V.le`), one after it parts (`G. Garibaldi`)."""
    text = re.sub(r"(?i)\bsant['’]\s?(?=[a-z])", "san ", text)
    joined = re.sub(r"(?<=[A-Za-z])\.(?=(?:[a-z]{1,4}\b))", "", text)  # P.zza, V.le, F.lli
    return fold(re.sub(r"[./,;()]", " ", joined)).split()


def alike(key: str, other: str) -> bool:
    """Whether two keys may be one street written shorter: same kind and last word, the others fit or are left out.

    `VIA G GARIBALDI`, `VIA GARIBALDI` and `VIA GIUSEPPE GARIBALDI`; not `VIA ANITA GARIBALDI` for `VIA G GARIBALDI`.
    """
    mine, its = key.split(), other.split()
    if len(mine) < 2 or len(its) < 2 or mine[0] != its[0] or mine[-1] != its[-1]:
        return False
    fewer, more = sorted((mine[1:-1], its[1:-1]), key=len)
    rest = iter(more)
    return all(any(_fits(word, one) for one in rest) for word in fewer)


def _fits(word: str, other: str) -> bool:
    return word == other or (len(word) == 1 and other.startswith(word)) or (len(other) == 1 and word.startswith(other))
