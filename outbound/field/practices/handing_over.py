"""The practices of whoever may act no more: frozen, handed to a substitute, taken back, let go.

Whoever calls has checked who may do so; what becomes of each practice stands on its taxpayer's timeline.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core import clock
from outbound.field.agents import queries as of_agents
from outbound.field.agents.ties import excluded
from outbound.field.practices import service
from outbound.field.practices.lifecycle import Limits, MandateState, State
from outbound.field.practices.models import FieldMandate, Practice


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of frozen practices: offered to the substitute, or left, for something ties him to the taxpayer, or
    the days of their last mandate are over.
    """

    offered: tuple[int, ...]
    left: tuple[int, ...]


def freeze_of(session: Session, *, agent_id: int, ente_id: int, why: str, at: datetime) -> list[int]:
    """Freeze all practices of an agent for an ente; which."""
    rows = _practices(
        session, Practice.agent_id == agent_id, Practice.ente_id == ente_id,
        Practice.state.in_([State.OFFERED, State.ACCEPTED]),
    )  # fmt: skip
    return _frozen(session, rows, why, at)


def offer(
    session: Session, by: Principal, *, practice_ids: Collection[int], to: int, at: datetime
) -> HandedOver:  # fmt: skip
    """Those still frozen are offered to another agent: the days and limits of each are those of its last mandate."""
    rows = _practices(session, Practice.id.in_(practice_ids), Practice.state == State.FROZEN)
    signs = of_agents.signs_of(session, agent_id=to, contact_ids=[one.contact_id for one in rows])
    offered, left, today = [], [], clock.business_day(at)
    for practice in rows:
        last = session.scalars(
            select(FieldMandate).where(FieldMandate.practice_id == practice.id).order_by(FieldMandate.given_at.desc())
        ).first()
        if last is None or last.valid_to < today or excluded(signs.get(practice.contact_id, ())):
            left.append(practice.id)
            continue
        service.let_go(session, by, practice)
        limits = Limits(max(last.valid_from, today), last.valid_to, last.most_visits, last.may_photograph)
        service.give(session, by, practice, agent_id=to, limits=limits, cents=last.cents)
        offered.append(practice.id)
    return HandedOver(tuple(offered), tuple(left))


def take_back(session: Session, *, practice_ids: Collection[int], of: int, why: str, at: datetime) -> list[int]:
    """Those that the substitute has not accepted yet are frozen anew; which."""
    rows = _practices(
        session, Practice.id.in_(practice_ids), Practice.state == State.OFFERED, Practice.agent_id == of
    )  # fmt: skip
    return _frozen(session, rows, why, at)


def release(session: Session, by: Principal, *, practice_ids: Collection[int]) -> list[int]:
    """Those still frozen are nobody's, and may be offered again; which."""
    rows = _practices(session, Practice.id.in_(practice_ids), Practice.state == State.FROZEN)
    for practice in rows:
        service.let_go(session, by, practice)
    return [one.id for one in rows]


def still_frozen(session: Session, practice_ids: Collection[int]) -> int:
    """How many of these wait for somebody."""
    return len(
        session.scalars(select(Practice.id).where(Practice.id.in_(practice_ids), Practice.state == State.FROZEN)).all()
    )


def _frozen(session: Session, rows: Sequence[Practice], why: str, at: datetime) -> list[int]:
    for practice in rows:
        service.hold(session, practice, why=why, at=at, mandate=MandateState.REVOKED)
    return [one.id for one in rows]


def _practices(session: Session, *which: ColumnElement[bool]) -> Sequence[Practice]:
    return session.scalars(
        select(Practice).where(*which).order_by(Practice.id).with_for_update()
        .execution_options(populate_existing=True)
    ).all()  # fmt: skip
