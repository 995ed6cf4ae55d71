"""What administrators write about numbers: which there are, and where each leads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.contacts.phone import to_e164
from crm.core import clock, topics
from crm.core.configuration import changed
from crm.core.db import touch
from crm.core.errors import ConflictError, FieldError, NotFoundError
from crm.enti import numbers as closed_numbers
from crm.enti.calendar import Hours
from crm.enti.consent import sentence
from crm.enti.hours import parse_week, written_week
from crm.enti.queries import badges, enti_of
from crm.enti.service import MAX_REASON
from telephony.lines.models import LineKind, PhoneLine
from telephony.queues import queries as queues

MAX_LABEL = 80


@dataclass(frozen=True, slots=True)
class Leads:
    """What is written of a line. Without an ente it serves the whole contract; with a queue it leads to that one."""

    label: str
    kind: LineKind
    ente_id: int | None = None
    queue_id: int | None = None


def add(session: Session, by: Principal, *, contract_id: int, number: str, leads: Leads) -> str:
    """A number of the contract, as it is called; the number in E.164. The carrier is told by the engine."""
    by.require(Permission.ENTE_MANAGE, contract_id=contract_id)
    e164 = to_e164(number)
    if e164 is None:
        raise FieldError("Questo non è un numero di telefono.", field="number")
    if session.get(PhoneLine, e164) is not None:
        raise FieldError("Questo numero c'è già.", field="number")
    if not queues.queues(session, frozenset({contract_id})):
        raise ConflictError("Il contratto non ha ancora una coda: aggiungine una, poi i numeri che vi portano.")
    after = _checked(session, contract_id, leads)
    changed(session)
    session.add(PhoneLine(number=e164, contract_id=contract_id, flow_id=None, told_at=None, trouble=None, **after))
    session.flush()
    _note(session, by, "line.added", contract_id, leads.ente_id, e164, after=after)
    return e164


def save(session: Session, by: Principal, *, number: str, leads: Leads) -> None:
    """Write a line anew, and have the carrier told again."""
    line = _managed(session, by, number)
    after = _checked(session, line.contract_id, leads)
    before, moved = _written(line), line.closed_at is not None and after["ente_id"] != line.ente_id
    changed(session)
    for name, value in after.items():
        setattr(line, name, value)
    line.told_at, line.trouble = None, None
    session.flush()
    if moved:  # it is closed for others from now on
        closed_numbers.reopened(session, by, contract_id=line.contract_id, number=number)
        _shut_for(session, by, line)
    _require_reached(session, line.contract_id)
    _note(session, by, "line.changed", line.contract_id, leads.ente_id, number, before=before, after=after)


def save_hours(session: Session, by: Principal, *, number: str, week: Mapping[int, str]) -> None:
    """Write a line's own hours, which replace its ente's and the contract's; an empty week gives them up.

    Raises `InvalidError`, one part for each weekday that cannot be read.
    """
    line = _managed(session, by, number)
    hours = parse_week(week)
    before = _week(parse_week(dict(enumerate(line.hours))))
    changed(session)
    line.hours = list(written_week(hours)) if hours else []
    session.flush()
    for one in _served(session, line):
        audit.note(
            session, by, kind="line.hours", ente_id=one, subject=number, before=before, after=_week(hours)
        )  # fmt: skip
    touch(session, topics.board(line.contract_id))


def _week(hours: Iterable[Hours]) -> dict[str, str]:
    return {str(day): text for day, text in enumerate(written_week(hours))}


def remove(session: Session, by: Principal, *, number: str) -> None:
    """The number is not in use any more. Calls that are under way on it go on; what was written of it stays."""
    line = _managed(session, by, number)
    before = _written(line)
    changed(session)
    session.delete(line)
    session.flush()
    closed_numbers.reopened(session, by, contract_id=line.contract_id, number=number)  # there is nothing to reopen
    _require_reached(session, line.contract_id)
    _note(session, by, "line.removed", line.contract_id, line.ente_id, number, before=before)


def shut(session: Session, by: Principal, *, number: str, reason: str) -> None:
    """Close one number from now until somebody reopens it: whoever calls it is told why, and hung up on. Twice is once.

    It counts as service that failed for the enti that it serves, unless each agrees (`crm.enti.numbers`). The last one
    by which an ente is reached is not closed by itself: the contract's lines are. Raises `ConflictError`.
    """
    line = _switched(session, by, number)
    reason = sentence(reason)
    if len(reason) > MAX_REASON:
        raise FieldError(f"Il motivo è troppo lungo: al massimo {MAX_REASON} caratteri.", field="reason")
    _lock(session, line.contract_id)
    if line.closed_at is not None:
        return
    changed(session)
    line.closed_at, line.closed_reason = clock.now(session), reason
    session.flush()
    _require_reached(session, line.contract_id)
    _shut_for(session, by, line)
    _switch_noted(session, by, "line.closed", line, reason)


def _shut_for(session: Session, by: Principal, line: PhoneLine) -> None:
    closed_numbers.shut(
        session, by, contract_id=line.contract_id, number=line.number, ente_ids=_served(session, line),
        reason=line.closed_reason,
    )  # fmt: skip


def _served(session: Session, line: PhoneLine) -> list[int]:
    """The enti that are reached by it."""
    return [line.ente_id] if line.ente_id is not None else sorted(enti_of(session, line.contract_id))


def _lock(session: Session, contract_id: int) -> Sequence[PhoneLine]:
    """The contract's numbers, which nobody else changes until this transaction ends."""
    own = select(PhoneLine).where(PhoneLine.contract_id == contract_id).order_by(PhoneLine.number)
    return session.scalars(own.with_for_update().execution_options(populate_existing=True)).all()


def _require_reached(session: Session, contract_id: int) -> None:
    """No ente is left with closed numbers alone, of which nothing would tell that it cannot be called."""
    lines = _lock(session, contract_id)
    for ente_id in enti_of(session, contract_id):
        its = [one for one in lines if one.ente_id in {None, ente_id}]
        if its and all(one.closed_at is not None for one in its):
            raise ConflictError(
                "Sarebbe l'ultimo numero aperto per un ente: riapri prima gli altri, o chiudi le linee del contratto."
            )


def reopen(session: Session, by: Principal, *, number: str) -> None:
    """Open a number that was closed by itself. Twice is once."""
    line = _switched(session, by, number)
    if line.closed_at is None:
        return
    changed(session)
    line.closed_at, line.closed_reason = None, ""
    session.flush()
    closed_numbers.reopened(session, by, contract_id=line.contract_id, number=number)
    _switch_noted(session, by, "line.reopened", line)


def _switched(session: Session, by: Principal, number: str) -> PhoneLine:
    line = session.get(PhoneLine, number)
    if line is None or not by.can(Permission.CENTRE_CLOSE, contract_id=line.contract_id):
        raise NotFoundError("Questo numero non è dei nostri.")
    return line


def _switch_noted(session: Session, by: Principal, kind: str, line: PhoneLine, reason: str = "") -> None:
    for one in _served(session, line):
        audit.note(session, by, kind=kind, ente_id=one, subject=line.number, reason=reason)
    touch(session, topics.board(line.contract_id))


def _managed(session: Session, by: Principal, number: str) -> PhoneLine:
    line = session.get(PhoneLine, number, with_for_update=True)
    if line is None or not by.can(Permission.ENTE_MANAGE, contract_id=line.contract_id):
        raise NotFoundError("Questo numero non è dei nostri.")
    return line


def _checked(session: Session, contract_id: int, leads: Leads) -> dict[str, Any]:
    label = " ".join(leads.label.split())
    if not 0 < len(label) <= MAX_LABEL:
        raise FieldError("Scrivi come si chiama il numero, in 80 caratteri al massimo.", field="label")
    if leads.ente_id is not None and leads.ente_id not in enti_of(session, contract_id):
        raise FieldError("Questo ente non è del contratto.", field="ente")
    if leads.queue_id is not None and leads.queue_id not in queues.open_ids(session, contract_id):
        raise FieldError("Questa coda non è del contratto, o è chiusa.", field="queue")
    return {"label": label, "kind": leads.kind, "ente_id": leads.ente_id, "queue_id": leads.queue_id}


def _written(line: PhoneLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in ("label", "kind", "ente_id", "queue_id")}


def _note(
    session: Session, by: Principal, kind: str, contract_id: int, ente_id: int | None, number: str,
    before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """In the ente's log, or in those of all that the contract covers; by names, as its reader knows them."""
    told = [_named(session, one) if one else {} for one in (before, after)]
    for one in [ente_id] if ente_id is not None else sorted(enti_of(session, contract_id)):
        audit.note(session, by, kind=kind, ente_id=one, subject=number, before=told[0], after=told[1])


def _named(session: Session, written: Mapping[str, Any]) -> dict[str, Any]:
    ente_id, queue_id = written["ente_id"], written["queue_id"]
    return {
        "label": written["label"],
        "kind": written["kind"].value,
        "ente": badges(session)[ente_id].name if ente_id is not None else "",
        "queue": queues.queue(session, queue_id).name if queue_id is not None else "",
    }
