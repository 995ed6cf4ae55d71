"""The steps of a campaign: whose turn it is at a channel, and where those go with whom a step is over."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, case, exists, literal_column, select, update
from sqlalchemy.orm import Session

from crm.core.db import table_of
from outbound.campaigns import plan as plans
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Attempt, CampaignContact, ContactState, WrittenAttempt
from outbound.campaigns.plan import Channel
from outbound.campaigns.running import Running
from outbound.compliance.rules import Reason

LONGEST = timedelta(hours=3)  # that somebody is being called at the most, if nobody says how it ended
HELD = timedelta(days=60)  # in which a letter that was made is handed over; then its addressee goes on without
_A, _CC, _W = table_of(Attempt), table_of(CampaignContact), table_of(WrittenAttempt)
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


def passed(
    session: Session, *, campaign: Running, contact_ids: Collection[int], now: datetime,
    over: Collection[Channel] = (),
) -> None:  # fmt: skip
    """Their step is over and did not end the matter, or could not reach them: the next one follows after its days.

    `over`: means that are left out. After the last step they are done; whoever is done already stays so.
    """
    at: dict[int, list[int]] = defaultdict(list)
    where = (*_of(campaign.id, contact_ids), _CC.c.state != ContactState.DONE)
    for contact_id, step in session.execute(select(_CC.c.contact_id, _CC.c.step).where(*where).with_for_update()):
        at[step].append(contact_id)
    for step, whose in at.items():
        then = campaign.plan.step_after(step, over=over)
        if then is None:
            values = {"state": ContactState.DONE, "step": step, "due_at": now}
        else:
            days = campaign.plan.steps[then].after_days
            state = ContactState.LATER if days else ContactState.READY
            values = {"state": state, "step": then, "due_at": plans.days_after(now, days)}
        session.execute(
            update(_CC).where(*_of(campaign.id, whose)).values(why=None, claimed_by=None, **values)
        )  # fmt: skip


def called(now: datetime) -> ColumnElement[bool]:
    """Whether an attempt to reach a contact is under way."""
    return exists().where(
        _A.c.campaign_id == _CC.c.campaign_id, _A.c.contact_id == _CC.c.contact_id, _A.c.begun, _A.c.ended.is_(None),
        _A.c.at > now - LONGEST,
    )  # fmt: skip


def wait(session: Session, campaign: Running, contact_id: int, *, until: datetime) -> None:
    """Nobody is written to before his operator has said what came of the conversation: he may have promised to pay."""
    writes = [n for n, one in enumerate(campaign.plan.steps) if one.channel is not Channel.CALL]
    session.execute(
        update(_CC)
        .where(
            *_of(campaign.id, [contact_id]), _CC.c.state.in_([ContactState.READY, ContactState.LATER]),
            _CC.c.step.in_(writes), _CC.c.due_at < until,
        )
        .values(state=ContactState.LATER, why=Reason.TRIED, due_at=until)
    )  # fmt: skip


def go_on(session: Session, *, campaign_id: int, contact_id: int, now: datetime) -> None:
    """His operator has said it: whoever only waited for that is the next one."""
    session.execute(
        update(_CC)
        .where(
            *_of(campaign_id, [contact_id]), _CC.c.state == ContactState.LATER, _CC.c.why == Reason.TRIED,
            _CC.c.due_at <= now + LONGEST,
        )
        .values(state=ContactState.READY, why=None, due_at=now)
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
