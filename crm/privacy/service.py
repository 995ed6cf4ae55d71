"""What a person may ask for: a copy of everything about him, and to be erased."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.collection import presence
from crm.contacts import queries as contacts
from crm.contacts import service as contact_service
from crm.core import clock, jobs, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, InvalidError, NotFoundError
from crm.privacy import tombstones
from crm.privacy.holders import Holder, Person, Went
from crm.privacy.models import ErasureState, ExportState, PersonErasure, PersonExport

EXPORT, ERASE = "privacy.export", "privacy.erase"  # kinds of jobs
KEPT = timedelta(days=7)  # a copy that nobody came for
MAX_PROTOCOL = 80


@dataclass(frozen=True, slots=True)
class Plan:
    """What erasing a person would do: what stands against it, what goes and what stays and why."""

    person: Person
    obstacles: tuple[str, ...]
    went: tuple[Went, ...]


def entitled(session: Session, by: Principal, ente_id: int) -> None:
    """Raise `ForbiddenError` unless `by` looks after the personal data of this ente."""
    require_on(session, by, Permission.PRIVACY_MANAGE, ente_id=ente_id)


def copy_name(export_id: int) -> str:
    """How the files of a person's copy are called."""
    return f"person-{export_id}"


def person_of(session: Session, contact_id: int) -> Person:
    """The person behind a contact, within its ente: each ente is a controller of its own."""
    same = contacts.same_person(session, contact_id)
    contact = same[0]
    return Person(contact.ente_id, tuple(sorted({one.id for one in same if one.ente_id == contact.ente_id})))


# -- the copy -----------------------------------------------------------------------------------------------------


def ask_export(session: Session, by: Principal, *, contact_id: int, folder: Path) -> int:
    """Owe a copy of everything about a person. Asked for again while one is on its way, it is that one."""
    person = person_of(session, contact_id)
    entitled(session, by, person.ente_id)
    contact_service.lock(session, person.contact_ids)
    pending = select(PersonExport.id).where(
        PersonExport.ente_id == person.ente_id, PersonExport.contact_id == contact_id,
        PersonExport.state.in_([ExportState.WAITING, ExportState.READY]),
    )  # fmt: skip
    if (there := session.execute(pending).scalars().first()) is not None:
        return there
    export = PersonExport(
        ente_id=person.ente_id, contact_id=contact_id, state=ExportState.WAITING, asked_by=by.user_id,
        asked_at=clock.now(session), parts=0, parts_made=0,
    )  # fmt: skip
    session.add(export)
    session.flush()
    argument = {"export": export.id, "folder": str(folder)}
    export.job_id = jobs.enqueue(session, ente_id=person.ente_id, kind=EXPORT, argument=argument)
    session.flush()
    audit.note(session, by, kind="privacy.export_asked", ente_id=person.ente_id, contact_id=contact_id)
    touch(session, topics.privacy(person.ente_id))
    return export.id


def export_moved(session: Session, *, ente_id: int, export_id: int, parts: int, made: int) -> None:
    """How far the copy is."""
    session.execute(
        update(PersonExport).where(PersonExport.id == export_id).values(parts=parts, parts_made=made)
    )  # fmt: skip
    touch(session, topics.privacy(ente_id))


def export_made(session: Session, *, ente_id: int, export_id: int, path: Path) -> bool:
    """The copy is there, for a week. False: nobody waits for it any more."""
    export = session.get_one(PersonExport, export_id, with_for_update=True, populate_existing=True)
    if export.state is not ExportState.WAITING:
        return False
    export.state, export.path, export.bytes = ExportState.READY, str(path), path.stat().st_size
    export.expires_at = clock.now(session) + KEPT
    session.flush()
    audit.note(session, None, kind="privacy.export_made", ente_id=ente_id, contact_id=export.contact_id)
    touch(session, topics.privacy(ente_id))
    return True


def take_export(session: Session, by: Principal, *, export_id: int) -> Path:
    """Hand the copy over, once: the file, to be removed when it has been sent."""
    export = session.get(PersonExport, export_id, with_for_update=True, populate_existing=True)
    if export is None:
        raise NotFoundError("Questa copia non esiste.")
    entitled(session, by, export.ente_id)
    if export.state is not ExportState.READY or export.path is None:
        raise ConflictError("Questa copia è già stata scaricata, o è scaduta: chiedine un'altra.")
    path = Path(export.path)
    export.state, export.path = ExportState.TAKEN, None
    export.taken_by, export.taken_at = by.user_id, clock.now(session)
    session.flush()
    audit.note(session, by, kind="privacy.export_taken", ente_id=export.ente_id, contact_id=export.contact_id)
    touch(session, topics.privacy(export.ente_id))
    return path


def expire_exports(session: Session) -> dict[int, Path]:
    """Let go of the copies that nobody came for; the files of all that expired, to be removed now: `exports_gone`."""
    late = PersonExport.state == ExportState.READY, PersonExport.expires_at <= clock.now(session)
    session.execute(update(PersonExport).where(*late).values(state=ExportState.EXPIRED))
    there = PersonExport.state == ExportState.EXPIRED, PersonExport.path.is_not(None)
    rows = session.execute(select(PersonExport.id, PersonExport.path).where(*there))
    return {export_id: Path(path) for export_id, path in rows if path}


def exports_gone(session: Session, export_ids: Collection[int]) -> None:
    """Their files are removed."""
    session.execute(update(PersonExport).where(PersonExport.id.in_(export_ids)).values(path=None))


# -- erasure ------------------------------------------------------------------------------------------------------


def plan(session: Session, by: Principal, *, contact_id: int, holders: Sequence[Holder]) -> Plan:
    """What erasing would do. It is done, counted and taken back: the plan cannot differ from the deed."""
    person = person_of(session, contact_id)
    entitled(session, by, person.ente_id)
    audit.note_once(session, by, kind="privacy.plan_read", ente_id=person.ente_id, contact_id=contact_id)
    against = obstacles(session, person, holders)  # after what has just been noted, which goes, too
    attempt = session.begin_nested()
    went = erase_everywhere(session, person, holders)
    attempt.rollback()
    session.expire_all()
    return Plan(person, tuple(against), tuple(went))


def ask_erasure(
    session: Session, by: Principal, *, contact_id: int, protocol: str, holders: Sequence[Holder]
) -> int:  # fmt: skip
    """Owe the erasure of a person, once. Raises `ConflictError` where something stands against it."""
    person = person_of(session, contact_id)
    entitled(session, by, person.ente_id)
    protocol = " ".join(protocol.split())
    if not protocol:
        raise InvalidError("Scrivi il protocollo o la data della richiesta.", field="protocol")
    if len(protocol) > MAX_PROTOCOL:
        raise InvalidError("Il protocollo è troppo lungo: al massimo 80 caratteri.", field="protocol")
    if obstacles(session, person, holders):
        raise ConflictError("Questa persona non si può cancellare adesso: guarda i motivi.")
    contact_service.lock(session, person.contact_ids)  # asked for twice at once, it is one
    pending = select(PersonErasure.id).where(
        PersonErasure.ente_id == person.ente_id, PersonErasure.contact_id.in_(person.contact_ids),
        PersonErasure.state.in_([ErasureState.WAITING, ErasureState.DONE]),
    )  # fmt: skip
    if (there := session.execute(pending).scalars().first()) is not None:
        return there
    erasure = PersonErasure(
        ente_id=person.ente_id, contact_id=contact_id, state=ErasureState.WAITING, asked_by=by.user_id,
        asked_at=clock.now(session), protocol=protocol, outcome={},
    )  # fmt: skip
    session.add(erasure)
    session.flush()
    erasure.job_id = jobs.enqueue(session, ente_id=person.ente_id, kind=ERASE, argument={"erasure": erasure.id})
    session.flush()
    after = {"erasure": erasure.id, "protocol": protocol}
    audit.note(session, by, kind="privacy.erasure_asked", ente_id=person.ente_id, after=after)
    touch(session, topics.privacy(person.ente_id))
    return erasure.id


def erase(session: Session, *, erasure_id: int, holders: Sequence[Holder]) -> None:
    """Erase a person, everywhere at once or not at all. Done already, it changes nothing."""
    erasure = session.get_one(PersonErasure, erasure_id, with_for_update=True, populate_existing=True)
    if erasure.state is not ErasureState.WAITING:
        return
    presence.one_at_a_time(session, ente_id=erasure.ente_id)  # a batch under way would write him again
    person = person_of(session, erasure.contact_id)
    against = obstacles(session, person, holders)  # a feed may have come since it was asked for
    erasure.done_at = clock.now(session)
    if against:
        erasure.state, erasure.outcome = ErasureState.REFUSED, {"obstacles": against}
    else:
        codes = {contacts.get(session, one).codice_fiscale for one in person.contact_ids}
        went = erase_everywhere(session, person, holders)
        for code in sorted(codes):
            tombstones.lay(session, ente_id=person.ente_id, codice_fiscale=code, erasure_id=erasure.id)
        _recall_exports(session, person)
        erasure.state, erasure.outcome = ErasureState.DONE, {"went": [one.stored() for one in went]}
        audit.note(session, None, kind="privacy.erased", ente_id=person.ente_id, contact_id=erasure.contact_id)
    session.flush()
    touch(session, topics.privacy(person.ente_id), *(topics.contact(one) for one in person.contact_ids))


def _recall_exports(session: Session, person: Person) -> None:
    """Nobody downloads the copy of somebody erased, finished or on its way."""
    his = PersonExport.ente_id == person.ente_id, PersonExport.contact_id.in_(person.contact_ids)
    there = PersonExport.state.in_([ExportState.WAITING, ExportState.READY])
    session.execute(update(PersonExport).where(*his, there).values(state=ExportState.EXPIRED))


def obstacles(session: Session, person: Person, holders: Sequence[Holder]) -> list[str]:
    """What stands against erasing a person."""
    return list(dict.fromkeys(one for holder in holders for one in holder.obstacles(session, person)))


def erase_everywhere(session: Session, person: Person, holders: Sequence[Holder]) -> list[Went]:
    """In the order of the holders: the contact itself comes last. What there was none of is not told."""
    return [went for holder in holders for went in holder.erase(session, person) if went.rows]


def give_up(session: Session, *, kind: str, row_id: int, ente_id: int) -> None:
    """The last attempt failed, through no fault of the request."""
    if kind == EXPORT:
        made: Any = update(PersonExport).where(PersonExport.id == row_id, PersonExport.state == ExportState.WAITING)
        session.execute(made.values(state=ExportState.STOPPED))
    else:
        done: Any = update(PersonErasure).where(PersonErasure.id == row_id, PersonErasure.state == ErasureState.WAITING)
        session.execute(done.values(state=ErasureState.STOPPED))
    touch(session, topics.privacy(ente_id))
