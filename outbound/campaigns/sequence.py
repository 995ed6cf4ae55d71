"""The steps of a campaign: whose turn it is at a channel, and where those go with whom a step is over."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, case, exists, literal_column, select, update
from sqlalchemy.orm import Session

from crm.core.db import table_of
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import CampaignContact, ContactState, WrittenAttempt
from outbound.campaigns.plan import Channel
from outbound.campaigns.running import Running

HELD = timedelta(days=60)  # in which a letter that was made is handed over; then its addressee goes on without
_CC, _W = table_of(CampaignContact), table_of(WrittenAttempt)
_READY = (
    select(_CC.c.contact_id)
    .where(
        _CC.c.campaign_id == bindparam("campaign"), _CC.c.state == literal_column(f"'{ContactState.READY}'"),
        _CC.c.step == bindparam("step"), _CC.c.due_at <= bindparam("now"),
    )
    .order_by(_CC.c.priority.desc(), _CC.c.due_at, _CC.c.contact_id)
    .with_for_update(skip_locked=True)
)  # fmt: skip


def waiting(
    session: Session, *, campaign: Running, channel: Channel, limit: int, now: datetime,
    only: ColumnElement[bool] | None = None,
) -> list[int]:  # fmt: skip
    """Whose turn it is at a step of this channel: those who came furthest first, then by priority.

    `only`: a further condition. They are locked until the transaction ends; those whom somebody else has locked are
    not among them. None unless the campaign runs.
    """
    found: list[int] = []
    if campaign.state is not State.RUNNING:
        return found
    ready = _READY if only is None else _READY.where(only)
    its: dict[str, object] = {"campaign": campaign.id, "now": now}
    for step in reversed(campaign.plan.steps_of(channel)):
        most = literal_column(str(limit - len(found)), Integer)  # told to the planner, who would expect very many
        found += session.scalars(ready.limit(most), {**its, "step": step})
        if len(found) >= limit:
            break
    return found


def passed(session: Session, *, campaign: Running, contact_ids: Collection[int], now: datetime) -> None:
    """Their step is over and did not end the matter, or could not reach them: the next one follows after its days.

    After the last step they are done; whoever is done already stays so.
    """
    at: dict[int, list[int]] = defaultdict(list)
    where = (*_of(campaign.id, contact_ids), _CC.c.state != ContactState.DONE)
    for contact_id, step in session.execute(select(_CC.c.contact_id, _CC.c.step).where(*where).with_for_update()):
        at[step].append(contact_id)
    steps = campaign.plan.steps
    for step, whose in at.items():
        if step + 1 < len(steps):
            days = steps[step + 1].after_days
            state = ContactState.LATER if days else ContactState.READY
            due_at, then = now + timedelta(days=days), step + 1
        else:
            state, due_at, then = ContactState.DONE, now, step
        session.execute(
            update(_CC).where(*_of(campaign.id, whose))
            .values(state=state, step=then, due_at=due_at, why=None, claimed_by=None)
        )  # fmt: skip


def again(session: Session, *which: ColumnElement[bool], now: datetime, **values: Any) -> int:
    """Contacts are the next ones again; how many. Whoever's letter of this step is made, and has not left yet, goes on
    waiting for it: else his next step would begin before he has the letter.
    """
    wrote = exists().where(
        _W.c.campaign_id == _CC.c.campaign_id, _W.c.contact_id == _CC.c.contact_id, _W.c.step == _CC.c.step, _W.c.begun
    )
    done = session.execute(
        update(_CC).where(*which).values(
            state=case((wrote, ContactState.LATER.value), else_=ContactState.READY.value), why=None,
            due_at=case((wrote, now + HELD), else_=now), **values,
        )
    )  # fmt: skip
    return int(done.rowcount)  # type: ignore[attr-defined]


def done(session: Session, *, campaign_id: int, contact_ids: Collection[int], now: datetime) -> None:
    """The matter is ended for them: nothing more of this campaign reaches them."""
    session.execute(
        update(_CC).where(*_of(campaign_id, contact_ids))
        .values(state=ContactState.DONE, due_at=now, why=None, claimed_by=None)
    )  # fmt: skip


def _of(campaign_id: int, contact_ids: Collection[int]) -> tuple[ColumnElement[bool], ...]:
    return _CC.c.campaign_id == campaign_id, _CC.c.contact_id.in_(contact_ids)
