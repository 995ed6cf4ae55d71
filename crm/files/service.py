"""Opening and closing files. Each opening is a row, and is audited for every ente whose rows it shows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.audit import service as audit
from crm.contacts import queries as contacts
from crm.contacts import relations
from crm.contacts.disclosure import EVERYTHING, GENERAL, Disclosure, Ground
from crm.contacts.queries import ContactView
from crm.core import clock
from crm.core.errors import ConflictError, ForbiddenError, InvalidError
from crm.files import news, queries
from crm.files.gate import GateOutcome, missing
from crm.files.models import FileOpening, Interlocutor, Purpose
from crm.positions import queries as positions

MAX_REASON = 200
ALONE = Disclosure(EVERYTHING, Ground.ENTITLED, "")  # nobody is told anything
# With whom somebody must be who he says.
SPEAKS = frozenset({Purpose.CALL, Purpose.TEXT, Purpose.DESK, Purpose.VISIT})
IN_CONVERSATION = frozenset({Purpose.CALL, Purpose.TEXT})
EXPLAINED = frozenset({Purpose.OTHER})  # says nothing by itself


@dataclass(frozen=True, slots=True)
class Spoken:
    """Before whom the file opens, and which questions he answered rightly."""

    interlocutor: Interlocutor = Interlocutor.TAXPAYER
    relation_id: int | None = None
    right: tuple[str, ...] = ()


def purposes(session: Session, by: Principal, *, ente_id: int) -> tuple[Purpose, ...]:
    """For what `by` may open a file of this ente without a call: who works for the ente itself speaks with nobody."""
    works = ente_id in (scope_for(session, by, Permission.PROPOSAL_MAKE).enti or ())
    speaking = (Purpose.DESK, Purpose.VISIT) if works else ()
    rest = (Purpose.WRITTEN_REQUEST, Purpose.CASE_CHECK, Purpose.QUALITY) if works else (Purpose.ENTE_CONTROL,)
    return (*speaking, *rest, Purpose.OTHER)


def open_file(
    session: Session, by: Principal, *, contact_id: int, purpose: Purpose, reason: str, spoken: Spoken | None = None,
    call_id: UUID | None = None,
) -> tuple[int, ...]:  # fmt: skip
    """Open the file of a person on the rows that `by` may read. Returns their ids, the asked-for one first.

    Left out are the rows of an ente whose own questions were not answered well enough, and those that are open in a
    call of his. Raises `InvalidError` while the gate wants more right answers, or the reason is missing;
    `ForbiddenError` where `by` may not open files of the ente for this purpose; `ConflictError` where the file is open
    in his call.
    """
    by.require(Permission.FILE_READ)
    person = contacts.same_person(session, contact_id)
    contact = person[0]
    readable = scope_for(session, by, Permission.FILE_READ).enti or frozenset()
    if contact.ente_id not in readable:
        raise ForbiddenError("Non puoi aprire i fascicoli di questo ente.")
    reason = " ".join(reason.split())
    _check(session, by, contact, purpose, reason, spoken, call_id)
    spoken = (spoken or Spoken()) if purpose in SPEAKS else Spoken(Interlocutor.NOBODY)
    same = [one for one in person if one.ente_id in readable]
    told = _told(session, same, spoken)
    if call_id is None:
        in_call = queries.open_in_a_call(session, by, contact_ids=[one.id for one in same])
        if contact.id in in_call:
            raise ConflictError("Il fascicolo è già aperto nella tua chiamata.")
        same = [one for one in same if one.id not in in_call]
    if purpose in SPEAKS:
        same = [one for one in same if not missing(queries.gate(session, one.ente_id), spoken.right)]
    _write(session, by, same, purpose, reason, spoken, told, call_id)
    return tuple(one.id for one in same)


def show_gate(
    session: Session, by: Principal, person: Iterable[ContactView], *, call_id: UUID | None = None
) -> None:  # fmt: skip
    """Somebody stands before a closed file, and so reads whose it is, when he was born and where he lives."""
    by.require(Permission.FILE_READ)
    for one in person:
        audit.note_once(
            session, by, kind="file.gate_shown", ente_id=one.ente_id, contact_id=one.id, call_id=call_id
        )  # fmt: skip


def close_files(session: Session, by: Principal, *, contact_ids: Collection[int]) -> None:
    """The user is done with this person's file."""
    session.execute(
        update(FileOpening)
        .where(
            FileOpening.opened_by == by.user_id, FileOpening.contact_id.in_(contact_ids),
            FileOpening.closed_at.is_(None),
        )
        .values(closed_at=clock.now(session))
    )  # fmt: skip


def close_for_call(session: Session, call_id: UUID) -> None:
    """The call is over, or was about somebody else."""
    session.execute(
        update(FileOpening)
        .where(FileOpening.call_id == call_id, FileOpening.closed_at.is_(None))
        .values(closed_at=clock.now(session))
    )


def refuse(
    session: Session, by: Principal, *, contact_id: int, outcome: GateOutcome, right: Iterable[str] = (),
    call_id: UUID | None = None,
) -> None:  # fmt: skip
    """The file stays closed: it was somebody else, or he would not answer, or answered wrongly."""
    by.require(Permission.FILE_READ)
    contact = contacts.get(session, contact_id)
    audit.note(
        session, by, kind="file.gate", ente_id=contact.ente_id, contact_id=contact.id, call_id=call_id,
        after={"outcome": outcome.value, "right": sorted(right)},
    )  # fmt: skip


def _check(
    session: Session, by: Principal, contact: ContactView, purpose: Purpose, reason: str, spoken: Spoken | None,
    call_id: UUID | None,
) -> None:  # fmt: skip
    if (purpose in IN_CONVERSATION) is not (call_id is not None):
        raise InvalidError("Scegli perché apri il fascicolo.", field="purpose")
    if call_id is None and purpose not in purposes(session, by, ente_id=contact.ente_id):
        raise ForbiddenError("Non puoi aprire un fascicolo di questo ente per questo motivo.")
    if purpose in EXPLAINED and not reason:
        wrong = InvalidError("Scrivi perché apri il fascicolo.", field="reason")
        raise InvalidError("Scrivi perché apri il fascicolo.", parts=(wrong,))
    if len(reason) > MAX_REASON:
        wrong = InvalidError("Il motivo è troppo lungo: al massimo 200 caratteri.", field="reason")
        raise InvalidError("Il motivo è troppo lungo: al massimo 200 caratteri.", parts=(wrong,))
    if purpose not in SPEAKS:
        return
    match missing(queries.gate(session, contact.ente_id), spoken.right if spoken else ()):
        case 0:
            return
        case 1:
            wrong = InvalidError("Manca una risposta esatta: fai un'altra domanda.", field="right")
        case _:
            wrong = InvalidError("Mancano risposte esatte: fai le domande e segna quelle giuste.", field="right")
    raise InvalidError("Prima di aprire il fascicolo accerta con chi parli.", parts=(wrong,))


def _told(session: Session, same: list[ContactView], spoken: Spoken) -> Mapping[int, Disclosure]:
    """What may be told, by ente. Raises `InvalidError` where whoever speaks may hear no more than anybody may."""
    match spoken.interlocutor:
        case Interlocutor.NOBODY:
            return {one.ente_id: ALONE for one in same}
        case Interlocutor.TAXPAYER:
            told = relations.told_himself(session, same)
        case Interlocutor.RELATED:
            told = relations.may_be_told(session, same, relation_id=spoken.relation_id)
    asked = told[same[0].ente_id]
    if asked.told <= GENERAL:
        raise InvalidError(asked.sentence, parts=(InvalidError(asked.sentence, field="speaker"),))
    return told


def _write(
    session: Session, by: Principal, same: list[ContactView], purpose: Purpose, reason: str, spoken: Spoken,
    told: Mapping[int, Disclosure], call_id: UUID | None,
) -> None:  # fmt: skip
    close_files(session, by, contact_ids=[one.id for one in same])
    gates = {
        ente_id: {"right": sorted(spoken.right), "told": sorted(one.told), "sentence": one.sentence}
        for ente_id, one in told.items()
    }
    at = clock.now(session)
    seen = news.seen(positions.payments_of(session, [one.id for one in same]))
    session.add_all(
        FileOpening(
            ente_id=one.ente_id, contact_id=one.id, opened_by=by.user_id, opened_at=at, closed_at=None,
            purpose=purpose, reason=reason, call_id=call_id, interlocutor=spoken.interlocutor,
            relation_id=spoken.relation_id, gate=gates[one.ente_id], seen=seen,
        )
        for one in same
    )  # fmt: skip
    session.flush()
    why = f"{purpose.value}: {reason}" if reason else purpose.value
    for one in same:
        audit.note(session, by, kind="file.opened", ente_id=one.ente_id, contact_id=one.id, call_id=call_id, reason=why)
        if purpose in SPEAKS:
            audit.note(
                session, by, kind="file.gate", ente_id=one.ente_id, contact_id=one.id, call_id=call_id,
                after={"outcome": "opened", "interlocutor": spoken.interlocutor.value, **gates[one.ente_id]},
            )  # fmt: skip
