"""Agents who call for help from the road. An alarm is raised once, seen and told at once, told again, answered."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import touch as look_again
from crm.core.errors import InvalidError, NotFoundError
from outbound.field.agents.models import Accreditation, FieldAgent
from outbound.field.agents.standing import Decision
from outbound.field.practices.models import Practice
from outbound.field.visits import alarm_telling
from outbound.field.visits.alarm_telling import Notice, Telling
from outbound.field.visits.entries import Checked
from outbound.field.visits.models import AlarmKind, FieldAlarm, FieldDevice
from outbound.field.visits.timing import Told, Touch, instant

LONGEST = 200
SHOWN_FOR = timedelta(days=7)
NOWHERE = Checked()


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm as its telephone tells it."""

    id: UUID
    kind: AlarmKind
    told: Told
    practice_id: int | None = None
    position: Checked = NOWHERE


@dataclass(frozen=True, slots=True)
class Answered:
    """What the telephone is told of its alarm: since when somebody looks after it, who, and what he says."""

    id: UUID
    at: datetime | None
    by: str
    answer: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm for who looks after it, and who else is told of it."""

    row: FieldAlarm
    agent: str
    phone: str
    acknowledged_by: str
    told: list[Notice] = field(default_factory=list)


def enti_of(session: Session, device: FieldDevice) -> list[int]:
    """For whom its agent goes: of whose visits somebody is told of his alarm."""
    if device.enti:
        return list(device.enti)
    approved = Accreditation.agent_id == device.agent_id, Accreditation.decision == Decision.APPROVED
    return list(session.scalars(select(Accreditation.ente_id).where(*approved)))


def raise_(session: Session, device: FieldDevice, *, touch: Touch, raised: Raised, telling: Telling) -> None:
    """Somebody needs help. Raised twice, it is once; of an agent who goes for nobody there is nobody to be told, and
    his telephone hears no answer.
    """
    if session.get(FieldAlarm, raised.id) is not None:
        return
    practice = session.get(Practice, raised.practice_id) if raised.practice_id is not None else None
    enti = [practice.ente_id] if practice else enti_of(session, device)
    if not enti:
        return
    where = raised.position
    row = FieldAlarm(
        id=raised.id, ente_id=enti[0], agent_id=device.agent_id, device_id=device.id, kind=raised.kind,
        practice_id=practice.id if practice else None, raised_at=instant(raised.told, touch), received_at=touch.at,
        told=[],
        latitude=where.latitude, longitude=where.longitude, accuracy_m=where.accuracy_m,
    )  # fmt: skip
    session.add(row)
    session.flush()
    row.told = alarm_telling.tell(session, row, session.get_one(FieldAgent, device.agent_id), telling)
    session.flush()
    look_again(session, topics.field(row.ente_id))


def answered(session: Session, device: FieldDevice, alarm_ids: Collection[UUID]) -> list[Answered]:
    """How a telephone's own alarms stand."""
    rows = session.execute(
        select(FieldAlarm, User.name)
        .outerjoin(User, User.id == FieldAlarm.acknowledged_by)
        .where(FieldAlarm.id.in_(alarm_ids), FieldAlarm.device_id == device.id)
    )
    return [Answered(row.id, row.acknowledged_at, name or "", row.answer) for row, name in rows]


def acknowledge(session: Session, by: Principal, *, alarm_id: UUID, answer: str) -> None:
    """Somebody looks after it; the telephone says so, with what he writes. Where he was is forgotten with it."""
    by.require(Permission.FIELD_MANAGE)
    row = session.get(FieldAlarm, alarm_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questo allarme non esiste.")
    require_on(session, by, Permission.FIELD_MANAGE, ente_id=row.ente_id)
    answer = " ".join(answer.split())
    if len(answer) > LONGEST or not (answer.isprintable() or not answer):
        raise InvalidError(f"Scrivi al massimo {LONGEST} caratteri.", field="answer")
    if row.acknowledged_at is not None:
        return
    row.acknowledged_at, row.acknowledged_by, row.answer = clock.now(session), by.user_id, answer
    row.latitude = row.longitude = row.accuracy_m = None
    session.flush()
    alarm_telling.answered(session, row)
    audit.note(session, by, kind="field_alarm.acknowledged", ente_id=row.ente_id, subject=f"alarm:{row.kind.value}")
    look_again(session, topics.field(row.ente_id))


def unanswered(session: Session, ente_ids: Collection[int]) -> tuple[int, datetime | None]:
    """How many wait for somebody, and since when the latest does."""
    its = FieldAlarm.ente_id.in_(ente_ids), FieldAlarm.acknowledged_at.is_(None)
    count, latest = session.execute(select(func.count(), func.max(FieldAlarm.received_at)).where(*its)).one()
    return count, latest


def of_enti(session: Session, ente_ids: Collection[int]) -> list[Alarm]:
    """Those that nobody looks after yet first, panic before help; the others of the last days, the latest first."""
    since = clock.now(session) - SHOWN_FOR
    rows = session.execute(
        select(FieldAlarm, FieldAgent, User.name)
        .join(FieldAgent, FieldAgent.id == FieldAlarm.agent_id)
        .outerjoin(User, User.id == FieldAlarm.acknowledged_by)
        .where(
            FieldAlarm.ente_id.in_(ente_ids),
            FieldAlarm.acknowledged_at.is_(None) | (FieldAlarm.received_at > since),
        )
        .order_by(
            FieldAlarm.acknowledged_at.is_not(None), FieldAlarm.kind != AlarmKind.PANIC, FieldAlarm.received_at.desc()
        )
        .limit(50)
    ).all()  # fmt: skip
    told = alarm_telling.notices(session, [row for row, _, _ in rows])
    return [
        Alarm(row, f"{one.given_name} {one.surname}", one.phone, name or "", told[row.id]) for row, one, name in rows
    ]
