"""An agent's mandates as he sees them: before he accepts, what a tie is known by and nothing of the debt."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts import queries as contacts
from crm.core.db import table_of
from crm.positions.models import ActKind, Position
from outbound.field.agents.models import FieldAgent
from outbound.field.practices.lifecycle import MandateState
from outbound.field.practices.models import FieldMandate, Practice, PracticeDebt
from outbound.field.practices.service import LIVE

_P, _M, _A = table_of(Practice), table_of(FieldMandate), table_of(FieldAgent)


@dataclass(frozen=True, slots=True)
class Mine:
    """A mandate as its agent sees it. Before he accepts: only what a tie can be known by."""

    id: UUID
    practice_id: int
    ente_id: int
    number: int
    state: MandateState
    name: str
    town: str
    acts: tuple[ActKind, ...]
    valid_from: date
    valid_to: date
    most_visits: int
    may_photograph: bool
    contact_id: int
    street: str  # empty before he accepts
    cents: int | None  # none before he accepts


def mine(session: Session, agent_id: int) -> list[Mine]:
    """An agent's mandates that are offered or accepted: those to be answered first."""
    rows = session.execute(
        select(FieldMandate, Practice)
        .join(_P, _P.c.id == _M.c.practice_id)
        .where(_M.c.agent_id == agent_id, _M.c.state.in_(LIVE))
        .order_by(_M.c.state.desc(), _M.c.valid_to, _P.c.number)
    ).all()
    names = contacts.named(session, {practice.contact_id for _, practice in rows})
    acts = _acts(session, [practice.id for _, practice in rows])
    return [
        Mine(
            mandate.id, practice.id, practice.ente_id, practice.number, mandate.state,
            names.get(practice.contact_id, ""), practice.town, tuple(sorted(acts.get(practice.id, ()))),
            mandate.valid_from, mandate.valid_to, mandate.most_visits, mandate.may_photograph, practice.contact_id,
            practice.street if mandate.state is MandateState.ACCEPTED else "",
            mandate.cents if mandate.state is MandateState.ACCEPTED else None,
        )
        for mandate, practice in rows
    ]  # fmt: skip


def offered(session: Session, by: Principal) -> int:
    """How many wait for his answer; of whoever is no agent none do."""
    its = select(func.count()).select_from(_M).join(_A, _A.c.id == _M.c.agent_id)
    return session.scalar(its.where(_A.c.user_id == by.user_id, _M.c.state == MandateState.OFFERED)) or 0


def _acts(session: Session, practice_ids: Collection[int]) -> dict[int, set[ActKind]]:
    found: dict[int, set[ActKind]] = {}
    rows = session.execute(
        select(PracticeDebt.practice_id, Position.act_kind)
        .join(Practice, Practice.id == PracticeDebt.practice_id)
        .join(
            Position,
            (Position.ente_id == PracticeDebt.ente_id) & (Position.reference == PracticeDebt.reference)
        )
        .where(PracticeDebt.practice_id.in_(list(practice_ids)))
    )  # fmt: skip
    for practice_id, kind in rows:
        found.setdefault(practice_id, set()).add(kind)
    return found
