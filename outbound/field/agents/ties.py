"""Whether an agent may know the taxpayer he is sent to: what he declared, and what the records let suspect. Pure.

An agent has no personal or professional ties with the debtor, ever (requirement F2). A declared tie, the same person
and the same home exclude him; the same surname or telephone only ask him to say that there is none.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from crm.contacts.names import fold


class Tie(StrEnum):
    """What ties somebody to a taxpayer, now or in the past."""

    FAMILY = "family"
    FRIENDSHIP = "friendship"
    NEIGHBOUR = "neighbour"
    WORK = "work"  # employer, colleague, client, supplier
    BUSINESS = "business"  # partner, shareholder, creditor, debtor
    DISPUTE = "dispute"  # a quarrel, in court or not
    OTHER = "other"


class Sign(StrEnum):
    """What the records say."""

    HIMSELF = "himself"
    DECLARED = "declared"
    SAME_HOME = "same_home"
    SAME_PHONE = "same_phone"
    SAME_SURNAME = "same_surname"


EXCLUDING = frozenset({Sign.HIMSELF, Sign.DECLARED, Sign.SAME_HOME, Sign.SAME_PHONE})


@dataclass(frozen=True, slots=True)
class Known:
    """A person as the records have him. `homes`: addresses folded (`Address.key`); `phones`: E.164; `others`: codici
    fiscali of those who represent, own or partner him.
    """

    codice_fiscale: str
    surnames: frozenset[str]
    homes: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()


def signs(agent: Known, taxpayer: Known, declared: Collection[str]) -> tuple[Sign, ...]:
    """What speaks for a tie, the gravest first. `declared`: codici fiscali of whom he declared to be tied to."""
    return tuple(_signs(agent, taxpayer, frozenset(declared)))


def excluded(found: Collection[Sign]) -> bool:
    """Whether he may not be sent, whatever he says."""
    return not EXCLUDING.isdisjoint(found)


def _signs(agent: Known, taxpayer: Known, declared: frozenset[str]) -> Iterator[Sign]:
    them = {taxpayer.codice_fiscale, *taxpayer.others}
    if agent.codice_fiscale in them:
        yield Sign.HIMSELF
    if declared & them:
        yield Sign.DECLARED
    if agent.homes & taxpayer.homes:
        yield Sign.SAME_HOME
    if agent.phones & taxpayer.phones:
        yield Sign.SAME_PHONE
    if _words(agent.surnames) & _words(taxpayer.surnames):
        yield Sign.SAME_SURNAME


def _words(surnames: Collection[str]) -> frozenset[str]:
    """Each surname as a whole: `De Rosa` and `Rosa` are two families."""
    return frozenset(key for one in surnames if (key := fold(one)))
