"""Reading visits, what stands apart, and the practice behind a courtesy notice's code."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.contacts.names import full_name
from crm.core import clock
from crm.core.errors import NotFoundError
from outbound.field.agents.models import FieldAgent
from outbound.field.practices.models import Practice
from outbound.field.visits import codes, pictures
from outbound.field.visits.door import Outcome, Whom
from outbound.field.visits.drawing import Picture
from outbound.field.visits.models import FieldEntry, Visit

SHOWN = 100
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """A visit for who manages them."""

    visit: Visit
    practice: Practice
    agent: str

    @property
    def odd(self) -> bool:
        """Whether something was not as it has to be, or speaks for a doubt."""
        return bool(self.visit.faults or self.visit.signs)


@dataclass(frozen=True, slots=True)
class KeptApart:
    """What a telephone told and made no visit. `practice`: its number, of the entry's ente; none: it has none."""

    entry: FieldEntry
    agent: str
    practice: int | None


@dataclass(frozen=True, slots=True)
class Done:
    """A visit in the life of its practice, and what it brought. `odd`: as `Seen` has it."""

    id: UUID
    number: int
    began_at: datetime
    agent: str
    whom: Whom | None
    spoke_with: str
    outcome: Outcome | None
    note: str
    odd: bool
    pictures: tuple[Picture, ...]


def of_practice(session: Session, practice_id: int) -> list[Done]:
    """The visits of a practice, the latest first."""
    rows = session.execute(
        select(Visit, FieldAgent).join(FieldAgent, FieldAgent.id == Visit.agent_id)
        .where(Visit.practice_id == practice_id).order_by(Visit.began_at.desc())
    ).all()  # fmt: skip
    brought = pictures.of_visits(session, [visit.id for visit, _ in rows])
    return [
        Done(
            one.id, one.number, one.began_at, full_name(agent.surname, agent.given_name), one.whom, one.spoke_with,
            one.outcome, one.note, bool(one.faults or one.signs), brought.get(one.id, ()),
        )
        for one, agent in rows
    ]  # fmt: skip


def odd(session: Session, ente_ids: Collection[int]) -> list[Seen]:
    """The visits of these enti with faults or signs, the latest first."""
    told = func.jsonb_array_length(Visit.faults) + func.jsonb_array_length(Visit.signs)
    return _seen(session, ente_ids, told > 0)


def lately(session: Session, ente_ids: Collection[int]) -> list[Seen]:
    """The visits of these enti that arrived since yesterday began, the latest first."""
    yesterday = clock.business_day(clock.now(session)) - ONE_DAY
    return _seen(session, ente_ids, Visit.received_at >= clock.start_of_day(yesterday))


def _seen(session: Session, ente_ids: Collection[int], which: ColumnElement[bool]) -> list[Seen]:
    rows = session.execute(
        select(Visit, Practice, FieldAgent)
        .join(Practice, Practice.id == Visit.practice_id)
        .join(FieldAgent, FieldAgent.id == Visit.agent_id)
        .where(Visit.ente_id.in_(ente_ids), which)
        .order_by(Visit.received_at.desc()).limit(SHOWN)
    )  # fmt: skip
    return [Seen(visit, practice, f"{agent.given_name} {agent.surname}") for visit, practice, agent in rows]


def apart(session: Session, ente_ids: Collection[int]) -> list[KeptApart]:
    """What stands apart and nobody has settled, the oldest first."""
    rows = session.execute(
        select(FieldEntry, FieldAgent, Practice.number)
        .join(FieldAgent, FieldAgent.id == FieldEntry.agent_id)
        .outerjoin(Practice, (Practice.ente_id == FieldEntry.ente_id) & (Practice.id == FieldEntry.practice_id))
        .where(FieldEntry.ente_id.in_(ente_ids), FieldEntry.apart.is_not(None), FieldEntry.settled_at.is_(None))
        .order_by(FieldEntry.received_at).limit(SHOWN)
    )  # fmt: skip
    return [KeptApart(entry, f"{agent.given_name} {agent.surname}", number) for entry, agent, number in rows]


def by_code(session: Session, by: Principal, *, text: str) -> tuple[int, int]:
    """The ente and the contact behind the code of a notice. Raises `InvalidError`, `NotFoundError`."""
    by.require(Permission.FILE_READ)
    practice = session.get(Practice, codes.parse(text))
    if practice is None or practice.ente_id not in (scope_for(session, by, Permission.FILE_READ).enti or ()):
        raise NotFoundError("Nessuna visita ha questo codice.")
    return practice.ente_id, practice.contact_id
