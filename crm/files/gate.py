"""The identity gate: which questions, and whether enough of them were answered rightly. Pure.

A debt is told to whoever owes it, not to family, colleagues or neighbours (Garante per la protezione dei dati
personali, 30 November 2005, on the collection of debts): so whom one speaks with is established first.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Check(StrEnum):
    """What the answer is compared with."""

    NAME = "name"
    BORN = "born"
    ADDRESS = "address"
    CODICE_FISCALE = "codice_fiscale"
    ACT = "act"  # a number printed on a document that only the taxpayer should have
    OTHER = "other"


class GateOutcome(StrEnum):
    """How the questions ended when the file stayed closed."""

    WRONG_PERSON = "wrong_person"
    WRONG_ANSWERS = "wrong_answers"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask, without suggesting the answer."""

    key: str
    text: str
    checks: Check


@dataclass(frozen=True, slots=True)
class Gate:
    """What an ente wants asked, and how many right answers it wants."""

    questions: tuple[Question, ...]
    needed: int


NAME = "Nome e cognome"
BORN = "Data di nascita"
ADDRESS = "Indirizzo di residenza o della sede"
CODE = "Codice fiscale, gli ultimi cinque caratteri"
ACT = "Numero di un avviso o di un atto ricevuto"
USUAL = (
    Question("name", NAME, Check.NAME),
    Question("born", BORN, Check.BORN),
    Question("address", ADDRESS, Check.ADDRESS),
    Question("codice_fiscale", CODE, Check.CODICE_FISCALE),
    Question("act", ACT, Check.ACT),
)


def missing(gate: Gate, right: Collection[str]) -> int:
    """How many right answers are still wanted; never more than there are questions."""
    answered = {question.key for question in gate.questions} & set(right)
    return max(0, min(gate.needed, len(gate.questions)) - len(answered))


def usual(own: Sequence[Question], needed: int) -> Gate:
    """The gate of an ente: its own questions, or the usual ones while it has none."""
    return Gate(tuple(own) or USUAL, needed)
