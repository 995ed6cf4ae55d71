"""Taking what a telephone has to tell: each visit once, however often it is sent; everything kept, whatever is odd.

The telephone's order is its own: visits are taken as they come, under ids that it gave them. A visit that happened
after its agent might act no more makes no visit but stands apart, for a supervisor.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Principal
from crm.core import clock, topics
from crm.core.db import new_id, touch
from crm.core.errors import ConflictError, InvalidError
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind
from outbound.field.closing import register
from outbound.field.practices import judging
from outbound.field.practices.lifecycle import Limits, MandateState, Occasion
from outbound.field.practices.models import FieldMandate, Practice
from outbound.field.visits import applying, devices, entries, moving
from outbound.field.visits.consequences import follows
from outbound.field.visits.door import Judged, Outcome, judged
from outbound.field.visits.entries import Entry
from outbound.field.visits.models import Apart, FieldDevice, FieldEntry, FieldFile, FileKind, Visit
from outbound.field.visits.signs import Fix, Sign, metres, of_position
from outbound.field.visits.timing import Touch, clock_moved, clock_off, instant

LATELY = timedelta(hours=12)  # within which a check-in at another door says how fast he came


class Taken(StrEnum):
    """What became of something that a telephone sent: in each case it need not send it again."""

    TAKEN = "taken"
    ALREADY = "already"  # it was sent before
    APART = "apart"  # kept for a supervisor
    REFUSED = "refused"  # it is about nobody whom this telephone was ever given, and is kept there


@dataclass(frozen=True, slots=True)
class Answer:
    id: str
    taken: Taken


def take(session: Session, device: FieldDevice, *, touch: Touch, sent: Iterable[dict[str, Any]]) -> list[Answer]:
    """Take all that was sent, in the order of its writing. The session sees the enti of `devices.scope_of`."""
    devices.touched(session, device, touch)
    user = session.get_one(User, device.user_id)
    by = Principal(user.id, user.name, user.language, frozenset(), place=device.name)
    answers = []
    for raw in sent:
        try:
            entry = entries.read(raw)
        except InvalidError:
            answers.append(Answer(str(raw.get("id", ""))[:60], _unreadable(session, device, raw, touch)))
            continue
        answers.append(Answer(str(entry.id), _take(session, by, device, entry, touch)))
    session.flush()
    return answers


def _take(session: Session, by: Principal, device: FieldDevice, entry: Entry, touch: Touch) -> Taken:
    if session.get(FieldEntry, entry.id) is not None:
        return Taken.ALREADY
    if entry.ente_id not in device.enti:
        return Taken.REFUSED
    ids = Practice.ente_id == entry.ente_id, Practice.id == entry.practice_id
    practice = session.scalar(
        select(Practice).where(*ids).with_for_update().execution_options(populate_existing=True)
    )  # fmt: skip
    began, ended = (instant(one, touch) for one in (entry.told[0], entry.told[-1]))
    apart = None
    if practice is None or not _ever_his(session, practice, device.agent_id):
        apart = Apart.UNKNOWN
    elif device.revoked_at is not None and began > device.revoked_at:
        apart = Apart.REVOKED
    missing = entry.sequence > device.last_sequence + 1
    device.last_sequence = max(device.last_sequence, entry.sequence)
    session.add(
        FieldEntry(
            id=entry.id, ente_id=entry.ente_id, device_id=device.id, agent_id=device.agent_id,
            practice_id=practice.id if practice and apart is not Apart.UNKNOWN else None, sequence=entry.sequence,
            device_at=entry.written.at, at=began, off_s=device.off_s, received_at=touch.at, body=entry.body,
            apart=apart,
        )
    )  # fmt: skip
    session.flush()
    _say(session, entry.ente_id)
    if practice is None or apart is not None:
        return Taken.APART
    mandate = _mandate(session, practice, device.agent_id, entry.mandate_id)
    verdict = judging.judge(session, [practice.id], began)[practice.id]
    visit = _visit(session, device, entry, practice, mandate, (began, ended), touch)
    judging.keep(
        session, practice, Occasion.VISITED, verdict, began, mandate_id=visit.mandate_id, visit_id=visit.id
    )  # fmt: skip
    register.visit_taken(session, visit_id=visit.id)
    if missing:
        _sign(visit, Sign.MISSING)
    _follow(session, by, visit, entry, practice, mandate)
    if visit.outcome is not None:
        _tell(session, by, visit, practice, visit.outcome)
    return Taken.TAKEN


def _visit(
    session: Session, device: FieldDevice, entry: Entry, practice: Practice, mandate: FieldMandate | None,
    when: tuple[datetime, datetime], touch: Touch,
) -> Visit:  # fmt: skip
    judgement: Judged = judged(entry.deeds)
    before = session.scalars(select(Visit).where(Visit.practice_id == practice.id)).all()
    name, capacity = entry.seen
    row = Visit(
        id=entry.id, ente_id=practice.ente_id, practice_id=practice.id, mandate_id=mandate.id if mandate else None,
        agent_id=device.agent_id, began_at=when[0], ended_at=when[1], device_began_at=entry.told[0].at,
        off_s=device.off_s, received_at=touch.at, latitude=entry.checked.latitude, longitude=entry.checked.longitude,
        accuracy_m=entry.checked.accuracy_m, distance_m=None, whom=judgement.door.whom, spoke_with=name,
        capacity=capacity, outcome=judgement.door.outcome, note=entry.details.note, number=len(before) + 1,
        deeds=entry.body["deeds"], faults=[{"place": place, "fault": one.value} for place, one in judgement.faults],
        signs=[],
    )  # fmt: skip
    _sign(row, *_signs(session, row, entry, practice, mandate, before, touch))
    session.add(row)
    session.flush()
    may = mandate is not None and mandate.may_photograph
    session.add_all(
        FieldFile(
            id=new_id(session), ente_id=row.ente_id, visit_id=row.id, kind=one.kind, media_type=one.media_type,
            content=one.content,
        )
        for one in entry.pictures
        if may or one.kind is FileKind.SIGNATURE
    )  # fmt: skip
    session.flush()
    return row


def _signs(
    session: Session, row: Visit, entry: Entry, practice: Practice, mandate: FieldMandate | None,
    before: Sequence[Visit], touch: Touch,
) -> Iterable[Sign]:  # fmt: skip
    if clock_off(touch):
        yield Sign.CLOCK_OFF
    if any(clock_moved(one, touch) for one in entry.told):
        yield Sign.CLOCK_MOVED
    fix = _fix(row)
    if fix is not None:
        door = None
        if practice.latitude is not None and practice.longitude is not None:
            door = (practice.latitude, practice.longitude)
            row.distance_m = round(metres((fix.latitude, fix.longitude), door))
        yield from of_position(fix, door, _elsewhere(session, row))
    ended = row.ended_at or row.began_at
    if any(one.began_at <= ended and (one.ended_at or one.began_at) >= row.began_at for one in before):
        yield Sign.TWICE
    if mandate is None or not _covers(mandate, row.began_at):
        yield Sign.NO_MANDATE
    elif row.number > mandate.most_visits:
        yield Sign.TOO_MANY


def _follow(
    session: Session, by: Principal, visit: Visit, entry: Entry, practice: Practice, mandate: FieldMandate | None
) -> None:  # fmt: skip
    """What the outcome does: once, and only where the practice is still as he knew it."""
    if visit.outcome is None:
        return
    if mandate is None or not moving.open_to(practice, visit.agent_id):
        _sign(visit, Sign.OVER)
        return
    what = follows(visit.outcome, made=visit.number, most=mandate.most_visits)
    whole = applying.apply(
        session, by, practice, visit_id=visit.id, outcome=visit.outcome, what=what, details=entry.details
    )
    at = visit.ended_at or visit.began_at
    why = applying.NOTES.get(visit.outcome, applying.DECIDE)
    try:
        moving.move(session, practice, what, why=why, at=at)
    except ConflictError:
        _sign(visit, Sign.OVER)
    if not whole:
        _sign(visit, Sign.NOT_DONE)
    session.flush()


def _tell(session: Session, by: Principal, visit: Visit, practice: Practice, outcome: Outcome) -> None:
    timeline.record(
        session, ente_id=visit.ente_id, contact_id=practice.contact_id, kind=EntryKind.FIELD_VISIT, source=visit.id,
        occurred_at=visit.began_at, author_id=by.user_id, status=outcome.value,
        detail={"number": visit.number, "practice": practice.number, "note": visit.note},
    )  # fmt: skip


def _elsewhere(session: Session, row: Visit) -> Fix | None:
    """His check-in nearest in time, at another door."""
    others = session.scalars(
        select(Visit).where(
            Visit.agent_id == row.agent_id, Visit.practice_id != row.practice_id, Visit.latitude.is_not(None),
            Visit.began_at.between(row.began_at - LATELY, row.began_at + LATELY), Visit.id != row.id,
        )
    ).all()  # fmt: skip
    nearest = min(others, key=lambda one: abs(one.began_at - row.began_at), default=None)
    return _fix(nearest) if nearest else None


def _fix(row: Visit) -> Fix | None:
    if row.latitude is None or row.longitude is None:
        return None
    return Fix(row.latitude, row.longitude, row.accuracy_m or 0, row.began_at)


def _mandate(session: Session, practice: Practice, agent_id: int, named: UUID | None) -> FieldMandate | None:
    """The mandate that he named, if it is his; else the latest that he accepted in this practice."""
    mine = FieldMandate.practice_id == practice.id, FieldMandate.agent_id == agent_id
    rows = session.scalars(
        select(FieldMandate).where(*mine, FieldMandate.accepted_at.is_not(None)).order_by(FieldMandate.given_at.desc())
    ).all()  # fmt: skip
    return next((one for one in rows if one.id == named), rows[0] if rows else None)


def _covers(mandate: FieldMandate, at: datetime) -> bool:
    ended = mandate.state is not MandateState.ACCEPTED and mandate.ended_at is not None and mandate.ended_at < at
    return Limits(mandate.valid_from, mandate.valid_to).covers(clock.business_day(at)) and not ended


def _ever_his(session: Session, practice: Practice, agent_id: int) -> bool:
    mine = FieldMandate.practice_id == practice.id, FieldMandate.agent_id == agent_id
    return session.scalar(select(FieldMandate.id).where(*mine).limit(1)) is not None


def _unreadable(session: Session, device: FieldDevice, raw: dict[str, Any], touch: Touch) -> Taken:
    """It is kept as it came, once, under the first ente of which the telephone knows anything."""
    if not device.enti:
        return Taken.REFUSED
    try:
        entry_id = UUID(str(raw.get("id")))
    except ValueError:
        return Taken.REFUSED
    if session.get(FieldEntry, entry_id) is not None:
        return Taken.ALREADY
    body = entries.without_nul({name: value for name, value in raw.items() if name != "files"})
    session.add(
        FieldEntry(
            id=entry_id, ente_id=device.enti[0], device_id=device.id, agent_id=device.agent_id, practice_id=None,
            sequence=0, device_at=touch.told.at, at=touch.at, off_s=device.off_s, received_at=touch.at, body=body,
            apart=Apart.UNREADABLE,
        )
    )  # fmt: skip
    session.flush()
    _say(session, device.enti[0])
    return Taken.APART


def _sign(row: Visit, *found: Sign) -> None:
    row.signs = [*row.signs, *({"sign": one.value} for one in found)]


def _say(session: Session, ente_id: int) -> None:
    touch(session, topics.field(ente_id))
