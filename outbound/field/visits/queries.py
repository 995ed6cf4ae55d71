"""Reading visits, what stands apart, and the practice behind a courtesy notice's code."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.core.errors import NotFoundError
from outbound.field.agents.models import FieldAgent
from outbound.field.practices.models import Practice
from outbound.field.visits import codes
from outbound.field.visits.models import FieldEntry, Visit

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Odd:
    """A visit with something that was not as it has to be, or that speaks for a doubt."""

    visit: Visit
    practice: Practice
    agent: str


@dataclass(frozen=True, slots=True)
class KeptApart:
    """What a telephone told and made no visit."""

    entry: FieldEntry
    agent: str


def odd(session: Session, ente_ids: Collection[int]) -> list[Odd]:
    """The visits of these enti with faults or signs, the latest first."""
    told = func.jsonb_array_length(Visit.faults) + func.jsonb_array_length(Visit.signs)
    rows = session.execute(
        select(Visit, Practice, FieldAgent)
        .join(Practice, Practice.id == Visit.practice_id)
        .join(FieldAgent, FieldAgent.id == Visit.agent_id)
        .where(Visit.ente_id.in_(ente_ids), told > 0)
        .order_by(Visit.received_at.desc()).limit(SHOWN)
    )  # fmt: skip
    return [Odd(visit, practice, f"{agent.given_name} {agent.surname}") for visit, practice, agent in rows]


def apart(session: Session, ente_ids: Collection[int]) -> list[KeptApart]:
    """What stands apart and nobody has settled, the oldest first."""
    rows = session.execute(
        select(FieldEntry, FieldAgent)
        .join(FieldAgent, FieldAgent.id == FieldEntry.agent_id)
        .where(FieldEntry.ente_id.in_(ente_ids), FieldEntry.apart.is_not(None), FieldEntry.settled_at.is_(None))
        .order_by(FieldEntry.received_at).limit(SHOWN)
    )  # fmt: skip
    return [KeptApart(entry, f"{agent.given_name} {agent.surname}") for entry, agent in rows]


def by_code(session: Session, by: Principal, *, text: str) -> tuple[int, int]:
    """The ente and the contact behind the code of a notice. Raises `InvalidError`, `NotFoundError`."""
    by.require(Permission.FILE_READ)
    practice = session.get(Practice, codes.parse(text))
    if practice is None or practice.ente_id not in (scope_for(session, by, Permission.FILE_READ).enti or ()):
        raise NotFoundError("Nessuna visita ha questo codice.")
    return practice.ente_id, practice.contact_id
