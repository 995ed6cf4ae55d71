"""The practices of whoever may act no more: handed to a substitute, taken back, let go."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core import clock
from outbound.field.agents import queries
from outbound.field.agents.ties import excluded
from outbound.field.practices import service
from outbound.field.practices.lifecycle import Deed, Limits, MandateState, State, after
from outbound.field.practices.models import FieldMandate, Practice

_OPEN = (MandateState.OFFERED, MandateState.ACCEPTED)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of frozen practices: offered to the substitute, or left, for something ties him to the taxpayer, or
    the days of their last mandate are over.
    """

    offered: tuple[int, ...]
    left: tuple[int, ...]


def offer(
    session: Session, by: Principal, *, practice_ids: Collection[int], to: int, at: datetime
) -> HandedOver:  # fmt: skip
    """Those still frozen are offered to another agent: the days and limits of each are those of its last mandate."""
    rows = _practices(session, Practice.id.in_(practice_ids), Practice.state == State.FROZEN)
    signs = queries.signs_of(session, agent_id=to, contact_ids=[one.contact_id for one in rows])
    offered, left, today = [], [], clock.business_day(at)
    for practice in rows:
        last = session.scalars(
            select(FieldMandate).where(FieldMandate.practice_id == practice.id).order_by(FieldMandate.given_at.desc())
        ).first()
        if last is None or last.valid_to < today or excluded(signs.get(practice.contact_id, ())):
            left.append(practice.id)
            continue
        practice.state, practice.frozen_why = after(practice.state, Deed.RELEASE), ""
        limits = Limits(max(last.valid_from, today), last.valid_to, last.most_visits, last.may_photograph)
        service.give(session, by, practice, agent_id=to, limits=limits, cents=last.cents)
        offered.append(practice.id)
    session.flush()
    return HandedOver(tuple(offered), tuple(left))


def take_back(
    session: Session, *, practice_ids: Collection[int], of: int, was: int, why: str, at: datetime
) -> list[int]:  # fmt: skip
    """Those that the substitute has not accepted yet are frozen anew, as they were; which."""
    rows = _practices(
        session, Practice.id.in_(practice_ids), Practice.state == State.OFFERED, Practice.agent_id == of
    )  # fmt: skip
    for practice in rows:
        practice.state, practice.agent_id = after(practice.state, Deed.FREEZE), was
        practice.frozen_why = why[:400]
        _end_mandates(session, practice.id, MandateState.REVOKED, why, at)
    session.flush()
    return [one.id for one in rows]


def release(session: Session, *, practice_ids: Collection[int]) -> list[int]:
    """Those still frozen are nobody's, and may be offered again; which."""
    rows = _practices(session, Practice.id.in_(practice_ids), Practice.state == State.FROZEN)
    for practice in rows:
        practice.state, practice.agent_id, practice.frozen_why = after(practice.state, Deed.RELEASE), None, ""
    session.flush()
    return [one.id for one in rows]


def still_frozen(session: Session, practice_ids: Collection[int]) -> int:
    """How many of these wait for somebody."""
    return len(
        session.scalars(select(Practice.id).where(Practice.id.in_(practice_ids), Practice.state == State.FROZEN)).all()
    )


def _practices(session: Session, *which: ColumnElement[bool]) -> Sequence[Practice]:
    return session.scalars(select(Practice).where(*which).order_by(Practice.id).with_for_update()).all()


def _end_mandates(session: Session, practice_id: int, state: MandateState, why: str, at: datetime) -> None:
    its = select(FieldMandate).where(FieldMandate.practice_id == practice_id, FieldMandate.state.in_(_OPEN))
    for mandate in session.scalars(its.with_for_update()):
        mandate.state, mandate.reason, mandate.ended_at = state, why[:400], at
    session.flush()
