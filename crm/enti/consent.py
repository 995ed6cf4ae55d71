"""When a closure is agreed, pure. Lines close at once in an emergency; otherwise each ente concerned agrees first.

What closes the lines without the ente's approval counts against the contract (`crm.enti.downtime`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from crm.core.errors import ConflictError, FieldError, InvalidError

LONGEST = timedelta(days=60)
FURTHEST = timedelta(days=730)
THOUGHT_OVER = timedelta(days=1)  # for so long may an ente take back what it said of a number that was closed


class ClosureStanding(StrEnum):
    EMERGENCY = "emergency"  # closed at once, without asking
    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


IN_FORCE = (ClosureStanding.EMERGENCY, ClosureStanding.APPROVED)
STANDS = (ClosureStanding.PROPOSED, ClosureStanding.APPROVED)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What one ente approved of one proposal."""

    proposal: UUID
    ente_id: int
    starts_at: datetime
    ends_at: datetime | None
    message: str


def check_spell(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Raise `InvalidError`, with what to do about each field, for a time that nobody can be asked for."""
    wrong = []
    if starts_at <= now:
        wrong.append(InvalidError("Comincia nel passato: per chiudere subito c'è «Chiudi il centro».", field="starts"))
    elif starts_at > now + FURTHEST:
        wrong.append(InvalidError("È tra più di due anni: ricontrolla l'anno.", field="starts"))
    if ends_at <= starts_at:
        wrong.append(InvalidError("Finisce prima di cominciare: ricontrolla giorno e ora.", field="ends"))
    elif ends_at - starts_at > LONGEST:
        wrong.append(InvalidError("Dura più di sessanta giorni: dividila in più chiusure.", field="ends"))
    if wrong:
        raise InvalidError("Il periodo non va bene.", parts=wrong)


def sentence(text: str) -> str:
    """What somebody wrote, as one sentence: callers hear it between two others."""
    text = " ".join(text.split())
    return text if not text or text[-1] in ".!?" else f"{text[0].upper()}{text[1:]}."


def decided(
    standing: ClosureStanding, *, approve: bool, reason: str, ends_at: datetime | None, now: datetime
) -> ClosureStanding:
    """The ente decides. Raises `ConflictError` when it is too late, `InvalidError` for a refusal unexplained."""
    if standing is not ClosureStanding.PROPOSED:
        raise ConflictError("Qualcun altro ha già deciso, o la chiusura è stata ritirata: ricarica la pagina.")
    if ends_at is not None and ends_at <= now:
        raise ConflictError("Il periodo è già passato: non c'è più niente da decidere.")
    if not approve and not reason:
        raise FieldError("Scrivi perché non la approvi: lo legge chi l'ha proposta.", field="reason")
    return ClosureStanding.APPROVED if approve else ClosureStanding.REFUSED


def undecided(standing: ClosureStanding, *, starts_at: datetime, now: datetime) -> ClosureStanding:
    """The ente takes its decision back. Raises `ConflictError` when there is none, or what it agreed to has begun."""
    if standing not in (ClosureStanding.APPROVED, ClosureStanding.REFUSED):
        raise ConflictError("Non c'è una decisione da annullare: ricarica la pagina.")
    if starts_at <= now:
        raise ConflictError("La chiusura è già cominciata: la decisione non si può più annullare.")
    return ClosureStanding.PROPOSED


def agreed_from(standing: ClosureStanding, starts_at: datetime, decided_at: datetime | None) -> datetime | None:
    """From when a closure is agreed: its beginning, or the approval if that came later. None: it is not."""
    if standing is not ClosureStanding.APPROVED or decided_at is None:
        return None
    return max(starts_at, decided_at)


def judged(standing: ClosureStanding, *, approve: bool, reason: str) -> ClosureStanding:
    """The ente says of a number that was closed at once whether it agrees, while that lasts or afterwards: to all of
    it, as nobody could ask before. Raises `ConflictError` when it has said so, `InvalidError` for an unexplained no."""
    if standing is not ClosureStanding.EMERGENCY:
        raise ConflictError("Qualcun altro ha già deciso: ricarica la pagina.")
    if not approve and not reason:
        raise FieldError("Scrivi perché non la approvi: lo legge chi ha chiuso il numero.", field="reason")
    return ClosureStanding.APPROVED if approve else ClosureStanding.REFUSED


def unjudged(standing: ClosureStanding, *, decided_at: datetime | None, now: datetime) -> ClosureStanding:
    """The ente takes back what it said of it, within a day: figures that are paid for hang on it."""
    if standing is ClosureStanding.EMERGENCY or decided_at is None:
        raise ConflictError("Non c'è una decisione da annullare: ricarica la pagina.")
    if now - decided_at > THOUGHT_OVER:
        raise ConflictError("È passato più di un giorno: la decisione non si può più annullare.")
    return ClosureStanding.EMERGENCY


def agreed_by_all(approved: Iterable[Agreed], enti: frozenset[int]) -> list[Agreed]:
    """The closures that every ente of a contract approved: they close its common lines too, on which it is not known
    whom the caller wants. One of each proposal.
    """
    by_proposal: dict[UUID, dict[int, Agreed]] = {}
    for one in approved:
        by_proposal.setdefault(one.proposal, {})[one.ente_id] = one
    return [_any(rows) for rows in by_proposal.values() if enti and enti <= set(rows)]


def _any(rows: Mapping[int, Agreed]) -> Agreed:
    return rows[min(rows)]
