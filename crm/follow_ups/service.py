"""Making follow-ups, and what becomes of them. Whoever may record what people tell may do this, and all of it is
audited: a citizen who calls back is served by whoever answers.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts import queries as contacts
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, InvalidError, NotFoundError
from crm.enti import queries as enti
from crm.follow_ups import lists
from crm.follow_ups.models import FollowUp, FollowUpKind, FollowUpList, FollowUpState
from crm.follow_ups.queries import works_on
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind

MAX_NOTE = 1000
ON_TIMELINE = UUID("5f0d8c0e-6a4e-4c36-9d0a-6b5d3a1c7e21")  # the namespace in which a follow-up's number is an id
_TAKEN_BACK = ("state", "due_at", "owner_id", "list_id", "closed_at", "closed_by")


@dataclass(frozen=True, slots=True)
class To:
    """Whose it shall be: a person's, or a list's and so anybody's who works on it."""

    user_id: int | None = None
    list_id: int | None = None


def make(
    session: Session, by: Principal, *, contact_id: int, kind: FollowUpKind, due_at: datetime, to: To, note: str = "",
    call_id: UUID | None = None,
) -> int:  # fmt: skip
    """Owe something about a contact. Returns the follow-up's id."""
    by.require(Permission.CONTACT_RECORD)
    contact = contacts.get(session, contact_id)
    require_on(session, by, Permission.CONTACT_RECORD, ente_id=contact.ente_id)
    note = _note(note)
    list_id = to.list_id or lists.first_for(session, by, ente_id=contact.ente_id)
    row = FollowUp(
        ente_id=contact.ente_id, contact_id=contact_id, list_id=list_id, kind=kind, state=FollowUpState.OPEN,
        due_at=due_at, owner_id=to.user_id, note=note, call_id=call_id, made_at=clock.now(session), made_by=by.user_id,
    )  # fmt: skip
    _check_owner(session, row)
    session.add(row)
    session.flush()
    _tell(session, by, row, "follow_up.made", {}, {"kind": kind.value, "note": note, **_standing(row)})
    return row.id


def owe(
    session: Session, *, ente_id: int, contact_id: int, kind: FollowUpKind, note: str, call_id: UUID | None = None
) -> int | None:  # fmt: skip
    """The system found something that a person has to look at, now. None: no contract has people for it any more."""
    if not enti.contracts_of(session, ente_id):
        return None
    at = clock.now(session)
    row = FollowUp(
        ente_id=ente_id, contact_id=contact_id, list_id=lists.first_for(session, None, ente_id=ente_id), kind=kind,
        state=FollowUpState.OPEN, due_at=at, owner_id=None, note=_note(note), call_id=call_id, made_at=at, made_by=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _tell(session, None, row, "follow_up.made", {}, {"kind": kind.value, "note": row.note, **_standing(row)})
    return row.id


def done(session: Session, by: Principal, *, follow_up_id: int) -> None:
    """It has been done. Said twice, it is no error."""
    _close(session, by, follow_up_id, FollowUpState.DONE)


def cancel(session: Session, by: Principal, *, follow_up_id: int) -> None:
    """There is nothing to be done any more. Said twice, it is no error."""
    _close(session, by, follow_up_id, FollowUpState.CANCELLED)


def postpone(session: Session, by: Principal, *, follow_up_id: int, due_at: datetime) -> None:
    """It is due at another instant."""
    _change(session, by, _open(session, by, follow_up_id), "follow_up.postponed", due_at=due_at)


def assign(session: Session, by: Principal, *, follow_up_id: int, to: To) -> None:
    """It is somebody else's: a person's, who leaves it on its list, or a list's."""
    row = _open(session, by, follow_up_id)
    wanted = {"owner_id": to.user_id} if to.user_id else {"owner_id": None, "list_id": to.list_id or row.list_id}
    _change(session, by, row, "follow_up.assigned", **wanted)


def became_a_case(session: Session, row: FollowUp) -> None:
    """What it promised is registered: it is done, by nobody, and is not taken back."""
    before = _standing(row)
    row.state, row.closed_at, row.closed_by = FollowUpState.DONE, clock.now(session), None
    row.before = None
    session.flush()
    _tell(session, None, row, "follow_up.became_case", before, _standing(row))


def undo(session: Session, by: Principal, *, follow_up_id: int, changed_at: datetime) -> None:
    """Take back the change made at that instant. Raises `ConflictError` when something came after it."""
    row = _locked(session, by, follow_up_id)
    if row.before is None or row.changed_at != changed_at:
        raise ConflictError("Nel frattempo è cambiato ancora: guarda com'è ora, e correggilo se serve.")
    before, was = _standing(row), row.before
    for name in ("due_at", "closed_at"):
        setattr(row, name, datetime.fromisoformat(was[name]) if was[name] else None)
    row.state = FollowUpState(was["state"])
    row.owner_id, row.list_id, row.closed_by = was["owner_id"], was["list_id"], was["closed_by"]
    if row.state is FollowUpState.OPEN and _open_list(session, row) is None:
        raise ConflictError("Nel frattempo il suo elenco è stato chiuso: prendi un nuovo seguito.")
    row.before, row.changed_at = None, clock.now(session)
    session.flush()
    _tell(session, by, row, "follow_up.restored", before, _standing(row))


def _close(session: Session, by: Principal, follow_up_id: int, state: FollowUpState) -> None:
    row = _locked(session, by, follow_up_id)
    if row.state is state:
        return
    _require_open(row)
    at = clock.now(session)
    _change(session, by, row, f"follow_up.{state.value}", state=state, closed_at=at, closed_by=by.user_id)


def _open(session: Session, by: Principal, follow_up_id: int) -> FollowUp:
    row = _locked(session, by, follow_up_id)
    _require_open(row)
    return row


def _require_open(row: FollowUp) -> None:
    if row.state is not FollowUpState.OPEN:
        raise ConflictError("Qualcuno lo ha già chiuso: guarda com'è ora.")


def _locked(session: Session, by: Principal, follow_up_id: int) -> FollowUp:
    by.require(Permission.CONTACT_RECORD)
    row = session.get(FollowUp, follow_up_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa attività non esiste.")
    require_on(session, by, Permission.CONTACT_RECORD, ente_id=row.ente_id)
    return row


def _change(session: Session, by: Principal, row: FollowUp, kind: str, **values: Any) -> None:
    before, owner = _standing(row), row.owner_id
    for name, value in values.items():
        setattr(row, name, value)
    if values.keys() & {"owner_id", "list_id"}:
        _check_owner(session, row)
    row.before, row.changed_at = before, clock.now(session)
    session.flush()
    _tell(session, by, row, kind, before, _standing(row))
    if owner not in {None, row.owner_id}:
        touch(session, topics.agent(owner or 0))


def _check_owner(session: Session, row: FollowUp) -> None:
    """The list is one of a contract that covers the ente, and the person works for it. Raises `InvalidError`."""
    found = _open_list(session, row)
    if found is None:
        raise InvalidError("Scegli un elenco aperto di questo contratto.", field="to")
    if row.owner_id is not None and not works_on(session, row.owner_id, found.contract_id, row.ente_id):
        raise InvalidError("Questa persona non lavora, o non più, per questo ente: scegline un'altra.", field="to")


def _open_list(session: Session, row: FollowUp) -> FollowUpList | None:
    """Its list, if that is open and of a contract that covers the ente."""
    # Whoever closes the list waits for this row, or is waited for.
    locked = {"read": True, "key_share": True}
    found = session.get(FollowUpList, row.list_id, with_for_update=locked, populate_existing=True)
    if found is None or not found.active or found.contract_id not in enti.contracts_of(session, row.ente_id):
        return None
    return found


def _standing(row: FollowUp) -> dict[str, Any]:
    """What a change changes, as JSON."""
    values = {name: getattr(row, name) for name in _TAKEN_BACK}
    return {name: one.isoformat() if isinstance(one, datetime) else one for name, one in values.items()}


def _note(text: str) -> str:
    text = text.strip()
    if len(text) > MAX_NOTE:
        raise InvalidError(f"La nota è troppo lunga: al massimo {MAX_NOTE} caratteri.", field="note")
    return text


def _tell(
    session: Session, by: Principal | None, row: FollowUp, kind: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """The audit, the timeline, and whoever watches."""
    changed = {name for name in after if before.get(name) != after[name]}
    audit.note(
        session, by, kind=kind, ente_id=row.ente_id, contact_id=row.contact_id, subject=f"follow_up:{row.id}",
        call_id=row.call_id, before=_named(session, {name: before[name] for name in changed if name in before}),
        after=_named(session, {name: after[name] for name in changed}),
    )  # fmt: skip
    of_list = session.get_one(FollowUpList, row.list_id)
    timeline.record(
        session, ente_id=row.ente_id, contact_id=row.contact_id, kind=EntryKind.FOLLOW_UP,
        source=uuid5(ON_TIMELINE, str(row.id)), occurred_at=row.made_at, author_id=row.made_by, status=row.state.value,
        detail={
            "kind": row.kind.value, "due_at": row.due_at.isoformat(), "note": row.note, "list": of_list.name,
            "owner": _name(session, row.owner_id), "closed_by": _name(session, row.closed_by),
            "closed_at": row.closed_at.isoformat() if row.closed_at else None,
        },
    )  # fmt: skip
    touch(session, topics.follow_ups(of_list.contract_id))
    if row.owner_id is not None:
        touch(session, topics.agent(row.owner_id))


def _named(session: Session, values: dict[str, Any]) -> dict[str, Any]:
    """As the audit keeps them: people and lists by their names, since their numbers say nothing to whoever reads it."""
    named = dict(values)
    if "list_id" in named:
        found = session.get(FollowUpList, named.pop("list_id"))
        named["list"] = found.name if found else None
    for key, name in (("owner_id", "owner"), ("closed_by", "closed_by")):
        if key in named:
            named[name] = _name(session, named.pop(key))
    return named


def _name(session: Session, user_id: int | None) -> str | None:
    return None if user_id is None else session.get_one(User, user_id).name
