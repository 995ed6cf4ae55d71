"""What the campaign does with somebody after an outcome: done once, when the attempt is over and the outcome given."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from crm.core.db import table_of
from outbound.campaigns import sequence
from outbound.campaigns.models import CampaignContact, ContactState
from outbound.campaigns.running import Running
from outbound.compliance.rules import Reason
from outbound.outcomes.catalogue import CATALOGUE, Next, Said, called_again
from outbound.outcomes.models import OutcomeGiven
from outbound.promises import queries as promises
from outbound.promises.judging import PromiseState

_CC = table_of(CampaignContact)
_KEPT = ("state", "why", "due_at", "step", "priority")


def move(session: Session, campaign: Running, row: OutcomeGiven) -> None:
    """He goes where the outcome leads. The rules have put him somewhere already: nothing they hold back is let go."""
    if "was" in row.deeds:
        return
    was = _standing(session, row)
    if was is None:
        return
    row.deeds = {**row.deeds, "was": was}
    session.flush()
    if was["step"] != _step_of(row):
        sequence.go_on(session, campaign_id=campaign.id, contact_id=row.contact_id, now=row.given_at)
    waits = _CC.c.state.in_([ContactState.READY, ContactState.LATER, ContactState.CLAIMED])
    match CATALOGUE[row.said].next:
        case Next.STEP if was["state"] != ContactState.DONE and was["step"] == _step_of(row):
            sequence.passed(session, campaign=campaign, contact_ids=[row.contact_id], now=row.given_at)
        case Next.HELD:
            _set(session, row, waits, state=ContactState.OUT, why=Reason.COMPLAINT, due_at=row.given_at)
        case Next.OUT:
            _set(session, row, waits, state=ContactState.OUT, why=Reason.DECEASED, due_at=row.given_at)
        case Next.AGAIN:
            _later(session, campaign, row, waits)


def back(session: Session, row: OutcomeGiven) -> None:
    """The outcome was taken back: he is where he was before it, unless somebody has to do with him by now."""
    was = row.deeds.get("was")
    if was is None:
        return
    values = {**was, "due_at": datetime.fromisoformat(was["due_at"]), "claimed_by": None}
    session.execute(
        update(_CC).where(*_his(row), _CC.c.state != ContactState.CLAIMED).values(**values)
    )  # fmt: skip


def _later(session: Session, campaign: Running, row: OutcomeGiven, waits: ColumnElement[bool]) -> None:
    at, why = row.given_at, None
    if row.said is Said.PROMISE:
        promise = promises.of_outcomes(session, [row.id])[row.id]
        if promise.state is PromiseState.OPEN:
            at, why = promises.held_until(session, row.contact_id) or at, Reason.PROMISED
    elif row.said is not Said.WRONG_NUMBER:
        at = row.call_after or called_again(row.said, campaign.plan.outcomes, at=row.given_at, wish=None)
        why = Reason.WISH if row.call_after else Reason.TRIED
    if at > row.given_at:
        _set(
            session, row, waits, state=ContactState.LATER, why=why, due_at=func.greatest(_CC.c.due_at, at)
        )  # fmt: skip


def _set(session: Session, row: OutcomeGiven, waits: ColumnElement[bool], **values: Any) -> None:
    session.execute(update(_CC).where(*_his(row), waits).values(claimed_by=None, **values))


def _standing(session: Session, row: OutcomeGiven) -> dict[str, Any] | None:
    found = session.execute(
        select(*(_CC.c[name] for name in _KEPT)).where(*_his(row)).with_for_update()
    ).one_or_none()  # fmt: skip
    if found is None:
        return None
    return {
        "state": found.state.value, "why": found.why.value if found.why else None, "due_at": found.due_at.isoformat(),
        "step": found.step, "priority": found.priority,
    }  # fmt: skip


def _step_of(row: OutcomeGiven) -> int:
    step: int = row.deeds["step"]
    return step


def _his(row: OutcomeGiven) -> tuple[ColumnElement[bool], ...]:
    return _CC.c.campaign_id == row.campaign_id, _CC.c.contact_id == row.contact_id
