"""Whether a field agent may act for an ente on a day, and if not why; and by when who is unfit is gone. Pure.

Approved by the ente and notified to the Questura before he acts (art. 115 TULPS; requirement F1); whoever is found
unfit is out at once, formally by the end of the next working day, and somebody takes his place within three.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from crm.enti.days import Patron, working_day_after, working_days

REMOVAL_DAYS, SUBSTITUTE_DAYS = 1, 3  # working days after the finding (contract A, 4.2.2)


class Paper(StrEnum):
    """What an agent has to have, besides what the company keeps of him."""

    IDENTITY = "identity"  # identity card, or passport
    LICENCE = "licence"  # the Questore's, under which he works (art. 115 TULPS)
    APPOINTMENT = "appointment"  # the licence holder names him his agent
    RECORD = "record"  # certificate of the criminal records
    TRAINING = "training"
    OTHER = "other"


REQUIRED = (Paper.IDENTITY, Paper.LICENCE, Paper.APPOINTMENT, Paper.RECORD)


class Decision(StrEnum):
    """Of the ente, about an agent who was proposed."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by the company


STANDS = frozenset({Decision.PROPOSED, Decision.APPROVED})  # before an ente; one at a time


class Obstacle(StrEnum):
    """Why an agent may not act for an ente on a day."""

    NOT_PROPOSED = "not_proposed"
    WAITING = "waiting"  # for the ente to decide
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    NOT_NOTIFIED = "not_notified"  # to the Questura, or without proof of it
    UNFIT = "unfit"
    ENDED = "ended"  # he works for the company no more
    NO_PHOTO = "no_photo"
    BADGE_EXPIRED = "badge_expired"
    PAPER_MISSING = "paper_missing"
    PAPER_EXPIRED = "paper_expired"


@dataclass(frozen=True, slots=True)
class Accredited:
    """What an ente decided about him, and since when the Questura knows, by a proof."""

    decision: Decision
    notified_on: date | None = None
    proved: bool = False
    unfit_on: date | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """What the company knows of an agent. `papers`: to when each is valid, none where it does not expire."""

    badge_until: date | None
    photo: bool
    papers: Mapping[Paper, date | None] = field(default_factory=lambda: MappingProxyType({}))
    ended_on: date | None = None  # his last day


def obstacles(worker: Worker, accredited: Accredited | None, day: date) -> tuple[Obstacle, ...]:
    """Every reason for which he may not act for the ente on a day; none: he is active."""
    return (*_of_ente(accredited, day), *_of_company(worker, day))


def _of_ente(accredited: Accredited | None, day: date) -> Iterator[Obstacle]:
    if accredited is None:
        yield Obstacle.NOT_PROPOSED
        return
    undecided = {
        Decision.PROPOSED: Obstacle.WAITING,
        Decision.REFUSED: Obstacle.REFUSED,
        Decision.WITHDRAWN: Obstacle.WITHDRAWN,
    }
    if accredited.decision in undecided:
        yield undecided[accredited.decision]
    elif accredited.notified_on is None or accredited.notified_on > day or not accredited.proved:
        yield Obstacle.NOT_NOTIFIED
    if accredited.unfit_on is not None and accredited.unfit_on <= day:
        yield Obstacle.UNFIT


def _of_company(worker: Worker, day: date) -> Iterator[Obstacle]:
    if worker.ended_on is not None and worker.ended_on < day:
        yield Obstacle.ENDED
    if not worker.photo:
        yield Obstacle.NO_PHOTO
    if worker.badge_until is None or worker.badge_until < day:
        yield Obstacle.BADGE_EXPIRED
    if any(one not in worker.papers for one in REQUIRED):
        yield Obstacle.PAPER_MISSING
    if expired(worker.papers, day):
        yield Obstacle.PAPER_EXPIRED


def lacks(worker: Worker, day: date) -> tuple[Obstacle, ...]:
    """What keeps him from being proposed to an ente: all that the company owes but the badge, which comes after."""
    return tuple(one for one in _of_company(worker, day) if one is not Obstacle.BADGE_EXPIRED)


def expired(papers: Mapping[Paper, date | None], day: date) -> tuple[Paper, ...]:
    """Which are valid no more on a day."""
    return tuple(paper for paper, until in papers.items() if until is not None and until < day)


def valid_until(worker: Worker) -> date | None:
    """The last day on which nothing that the company keeps of him has run out; none: no day is known."""
    ends: Collection[date | None] = (
        worker.badge_until,
        worker.ended_on,
        *(worker.papers.get(one) for one in REQUIRED),
    )
    return min((one for one in ends if one is not None), default=None)


@dataclass(frozen=True, slots=True)
class Terms:
    """The last days for removing who was found unfit, and for putting somebody in his place."""

    removal: date
    substitute: date


def terms(found_on: date, patron: Patron | None) -> Terms:
    """Rule: an agent found unfit is removed by the next working day and replaced within three."""
    return Terms(
        working_day_after(found_on, REMOVAL_DAYS, patron), working_day_after(found_on, SUBSTITUTE_DAYS, patron)
    )


def taken(found_on: date, done_on: date, patron: Patron | None) -> int:
    """How many working days it took after the finding; the same day is none."""
    return working_days(patron, found_on, done_on)
