"""Who asked to be called at a certain time: by whom he spoke with, while that one is there; else by anybody."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import ConflictError, FieldError, NotFoundError
from outbound.campaigns import contacts, running
from outbound.campaigns.admission import MOST_PRIORITY
from outbound.campaigns.contacts import Chosen
from outbound.campaigns.models import Attempt, CampaignContact, ContactState
from outbound.campaigns.plan import Channel
from outbound.campaigns.running import Running
from outbound.compliance.rules import Reason
from outbound.dialer.models import GRACE, DialerRecall
from telephony.calls.conversation import SHIFT
from telephony.calls.models import Call

AHEAD = timedelta(days=60)
SOON = timedelta(minutes=1)
_CC, _R = table_of(CampaignContact), table_of(DialerRecall)
_A, _CALL = table_of(Attempt), table_of(Call)


def ask(session: Session, by: Principal, *, campaign_id: int, contact_id: int, at: datetime) -> None:
    """He wants to be called then; asked again, the last word holds. The rules still say whether he may be.

    Raises `FieldError` for a time that is over or too far, `NotFoundError` for whom the campaign does not have, and
    `ConflictError` for whom `by` has not spoken with: nobody chooses whom to call by his number here.
    """
    campaign, now = running.get(session, campaign_id), clock.now(session)
    require_on(session, by, Permission.CALLS_ANSWER, ente_id=campaign.ente_id)
    if not now < at <= now + AHEAD:
        raise FieldError("Scegli un momento da adesso a due mesi.", "at")
    which = _CC.c.campaign_id == campaign_id, _CC.c.contact_id == contact_id
    if session.scalar(select(_CC.c.contact_id).where(*which)) is None:
        raise NotFoundError("Questa campagna non lo cerca.")
    if not _spoke(session, campaign_id, contact_id, by.user_id, now):
        raise ConflictError("Puoi segnare la richiamata solo di chi hai al telefono.")
    session.merge(
        DialerRecall(
            campaign_id=campaign_id, contact_id=contact_id, ente_id=campaign.ente_id, wanted_at=at,
            agent_id=by.user_id, made_at=now,
        )
    )  # fmt: skip
    session.flush()
    _wait_for(session, campaign, contact_id, at)


def keep(session: Session, campaign_id: int, contact_id: int) -> None:
    """What came of an attempt was written: if he asked for a time since, that is when he is looked at again."""
    wanted = select(_R.c.wanted_at).where(_R.c.campaign_id == campaign_id, _R.c.contact_id == contact_id)
    at = session.scalar(wanted)
    if at is not None and at > clock.now(session):
        _wait_for(session, running.get(session, campaign_id), contact_id, at)


def waited_for(session: Session, campaign_id: int, agent_ids: Collection[int], now: datetime) -> list[int]:
    """Those of these operators for whom somebody waits now."""
    its = _R.c.campaign_id == campaign_id, _R.c.wanted_at <= now, _R.c.wanted_at > now - GRACE
    rows = select(_R.c.agent_id).where(*its, _R.c.agent_id.in_(agent_ids)).order_by(_R.c.wanted_at)
    return list(dict.fromkeys(session.scalars(rows))) if agent_ids else []


def soon(session: Session, campaign_id: int, now: datetime) -> list[int]:
    """Those who asked to be called about now."""
    return list(
        session.scalars(
            select(_R.c.contact_id).where(
                _R.c.campaign_id == campaign_id, _R.c.wanted_at > now - GRACE, _R.c.wanted_at <= now + SOON
            )
        )
    )


def due(
    session: Session, campaign: Running, agent_id: int, now: datetime, *, asked: bool = False
) -> Chosen | None:  # fmt: skip
    """The first of those who wait for this operator now, claimed for him; none who may not be called."""
    rows = session.scalars(
        select(_R.c.contact_id)
        .where(
            _R.c.agent_id == agent_id, _R.c.campaign_id == campaign.id, _R.c.wanted_at <= now,
            _R.c.wanted_at > now - GRACE,
        )
        .order_by(_R.c.wanted_at)
    ).all()  # fmt: skip
    for contact_id in rows:
        found = contacts.claim_one(session, campaign=campaign, contact_id=contact_id, agent_id=agent_id, asked=asked)
        if found is not None:
            return found
    return None


def done(session: Session, campaign_id: int, contact_id: int, now: datetime) -> None:
    """He was called when he had asked for it, or after: what he asked for is over."""
    which = _R.c.campaign_id == campaign_id, _R.c.contact_id == contact_id, _R.c.wanted_at <= now
    session.execute(delete(_R).where(*which))


def _spoke(session: Session, campaign_id: int, contact_id: int, agent_id: int, now: datetime) -> bool:
    """Whether an operator had him on the line in this shift: the campaign called him, or he called back."""
    tried = _A.c.campaign_id == campaign_id, _A.c.contact_id == contact_id, _A.c.begun
    his = _CALL.c.id.in_(select(_A.c.call_id).where(*tried))
    back = ~_CALL.c.placed & _CALL.c.caller.in_(select(_A.c.number).where(*tried))
    answered = _CALL.c.agent_id == agent_id, _CALL.c.answered_at > now - SHIFT
    return session.scalar(select(_CALL.c.id).where(*answered, his | back).limit(1)) is not None


def _wait_for(session: Session, campaign: Running, contact_id: int, at: datetime) -> None:
    """Nobody else looks at him before his grace is over; then he is the first. Unless his next step is no call."""
    states, calls = [ContactState.LATER, ContactState.READY], campaign.plan.steps_of(Channel.CALL)
    session.execute(
        update(_CC)
        .where(
            _CC.c.campaign_id == campaign.id, _CC.c.contact_id == contact_id, _CC.c.state.in_(states),
            _CC.c.step.in_(calls),
        )
        .values(state=ContactState.LATER, why=Reason.WISH, due_at=at + GRACE, priority=MOST_PRIORITY, claimed_by=None)
    )  # fmt: skip
