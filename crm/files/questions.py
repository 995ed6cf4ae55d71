"""An ente's own gate as it is written in a form: texts in, questions and a number of right answers out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from crm.core.errors import InvalidError
from crm.files.gate import USUAL, Check, Question

MOST = 10  # as many as the agent can have before him
LONGEST = 200
LAST = 99
FOR_ALL = frozenset(Check) - {Check.BORN}  # a company was not born: it is not asked when


@dataclass(frozen=True, slots=True)
class Row:
    """A question as somebody wrote it; without words it is none."""

    place: str
    words: str
    checks: str


def parse_gate(rows: Mapping[int, Row], needed: str) -> tuple[tuple[Question, ...], int]:
    """The questions in the order of their places, and how many right answers open a file.

    None written, or just the usual ones: the ente has no questions of its own, and none are returned. Raises
    `InvalidError` with what is wrong at each field; row 3 has the fields `place-3`, `words-3` and `checks-3`.
    """
    wrong: list[InvalidError] = []
    found = _questions(rows, wrong)
    own = () if found == USUAL else found
    wanted = _needed(needed, own or USUAL, wrong)
    if wrong:
        raise InvalidError("Ricontrolla i campi indicati.", parts=wrong)
    return own, wanted


def key_of(words: str, checks: Check) -> str:
    """What a tick is recorded under. A question worded anew is another one: a tick of before does not count for it."""
    usual = (one.key for one in USUAL if (one.text, one.checks) == (words, checks))
    return next(usual, "q" + sha256(f"{checks} {words}".encode()).hexdigest()[:12])


def _questions(rows: Mapping[int, Row], wrong: list[InvalidError]) -> tuple[Question, ...]:
    placed: list[tuple[int, int, Question]] = []
    seen: set[str] = set()
    for number, row in sorted(rows.items()):
        words = " ".join(row.words.split())
        if not words:
            continue
        if len(words) > LONGEST:
            wrong.append(InvalidError("È troppo lunga: al massimo 200 caratteri.", field=f"words-{number}"))
        if words.casefold() in seen:
            wrong.append(InvalidError("È già scritta: cambiala o cancellala.", field=f"words-{number}"))
        if row.checks not in set(Check):
            wrong.append(InvalidError("Scegli con che cosa si confronta.", field=f"checks-{number}"))
            continue
        seen.add(words.casefold())
        place = _number(row.place.strip() or str(LAST), 1, LAST)
        if place is None:
            wrong.append(InvalidError("Scrivi il posto con un numero da 1 a 99.", field=f"place-{number}"))
            continue
        placed.append((place, number, Question(key_of(words, Check(row.checks)), words, Check(row.checks))))
        if len(placed) == MOST + 1:
            wrong.append(InvalidError("Al massimo dieci domande: cancellane una.", field=f"words-{number}"))
    return tuple(question for *_, question in sorted(placed, key=lambda one: one[:2]))


def _needed(text: str, asked: Sequence[Question], wrong: list[InvalidError]) -> int:
    """At least one; and no more than can be asked of everybody, else somebody's file could never be opened."""
    wanted = _number(text.strip(), 1, MOST)
    if wanted is None:
        wrong.append(InvalidError("Scrivi quante risposte esatte servono: da 1 a 10.", field="needed"))
        return 0
    if wanted > sum(one.checks in FOR_ALL for one in asked):
        wrong.append(
            InvalidError(
                "Sono più delle domande che si possono fare a tutti: la data di nascita non si chiede alle società.",
                field="needed",
            )
        )
    return wanted


def _number(text: str, least: int, most: int) -> int | None:
    """The number, if it is one within these bounds."""
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        return None
    return int(text) if least <= int(text) <= most else None
