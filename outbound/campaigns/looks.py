"""Whom operators look at before they call, one at a time: who asks for the next one has called, or has said why not."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import ConflictError, FieldError
from outbound.campaigns.models import Campaign, CampaignContact, ContactState, Look, LookEnd, Skip
from outbound.campaigns.running import Running

NOT_AGAIN = timedelta(hours=12)  # that whom an operator skipped is not given to him
_LOOK, _CC = table_of(Look), table_of(CampaignContact)


def open_of(session: Session, agent_id: int) -> Look | None:
    """Whom an operator has before him, and has neither called nor let go; his claim still holds.

    One that has lapsed is closed.
    """
    found = _open(session, agent_id)
    if found is None:
        return None
    his = _CC.c.campaign_id == found.campaign_id, _CC.c.contact_id == found.contact_id
    row = session.execute(select(_CC.c.state, _CC.c.claimed_by, _CC.c.due_at).where(*his)).one_or_none()
    now = clock.now(session)
    if row is not None and row.state is ContactState.CLAIMED and row.claimed_by == agent_id and row.due_at > now:
        return found
    until = row.due_at if row is not None and found.asked_at < row.due_at <= now else now
    found.over_at, found.became = until, LookEnd.LAPSED
    session.flush()
    return None


def before(session: Session, agent_id: int) -> tuple[int, int] | None:
    """Campaign and contact of the same, only read."""
    row = session.execute(
        select(_LOOK.c.campaign_id, _LOOK.c.contact_id)
        .join(_CC, (_CC.c.campaign_id == _LOOK.c.campaign_id) & (_CC.c.contact_id == _LOOK.c.contact_id))
        .where(
            _LOOK.c.agent_id == agent_id, _LOOK.c.over_at.is_(None), _CC.c.state == ContactState.CLAIMED,
            _CC.c.claimed_by == agent_id, _CC.c.due_at > clock.now(session),
        )
    ).one_or_none()  # fmt: skip
    return None if row is None else (row.campaign_id, row.contact_id)


def lapse(session: Session, *, after: timedelta) -> None:
    """Looks of which nothing came in the time of a claim are over, whether or not their operators come back."""
    session.execute(
        update(_LOOK)
        .where(_LOOK.c.over_at.is_(None), _LOOK.c.asked_at <= clock.now(session) - after)
        .values(over_at=_LOOK.c.asked_at + after, became=LookEnd.LAPSED)
    )


def _open(session: Session, agent_id: int) -> Look | None:
    which = select(Look).where(Look.agent_id == agent_id, Look.over_at.is_(None))
    return session.scalars(which.with_for_update().execution_options(populate_existing=True)).one_or_none()


def require_none(session: Session, agent_id: int) -> None:
    """Raises `ConflictError` for who has somebody before him: names are not paged through."""
    if open_of(session, agent_id) is not None:
        raise ConflictError("Hai già una persona davanti: chiamala, o lasciala dicendo perché.")


def began(session: Session, campaign: Running, agent_id: int, contact_id: int | None) -> None:
    """He asked, and this is the next one; none: there was nobody."""
    now = clock.now(session)
    nobody = contact_id is None
    session.add(
        Look(
            ente_id=campaign.ente_id, contract_id=campaign.contract_id, campaign_id=campaign.id, agent_id=agent_id,
            contact_id=contact_id, asked_at=now, over_at=now if nobody else None,
            became=LookEnd.NOBODY if nobody else None,
        )
    )  # fmt: skip
    session.flush()


def called(session: Session, agent_id: int, contact_id: int, call_id: UUID | None) -> None:
    """He called him: the call; none: the rules forbade it at the last instant."""
    found = _open(session, agent_id)
    if found is not None and found.contact_id == contact_id:
        found.over_at, found.call_id = clock.now(session), call_id
        found.became = LookEnd.REFUSED if call_id is None else LookEnd.CALLED
        session.flush()


def skipped(session: Session, by: Principal, *, campaign_id: int, contact_id: int, why: Skip | None) -> bool:
    """He lets him go, and says why; whether he had him. Raises `FieldError` without a reason."""
    found = open_of(session, by.user_id)
    if found is None or (found.campaign_id, found.contact_id) != (campaign_id, contact_id):
        return False
    if why is None:
        raise FieldError("Scegli perché non lo chiami.", "why")
    found.over_at, found.became, found.skipped = clock.now(session), LookEnd.SKIPPED, why
    session.flush()
    audit.note(
        session, by, kind="campaign.skipped", ente_id=found.ente_id,
        contact_id=contact_id, subject=session.get_one(Campaign, campaign_id).name,
        after={"campaign": campaign_id, "why": why.value},
    )  # fmt: skip
    return True


def not_skipped_by(
    contact_id: ColumnElement[int], *, campaign_id: int, agent_id: int, now: datetime
) -> ColumnElement[bool]:
    """That an operator did not let somebody go today: a colleague may call him."""
    return ~exists().where(
        _LOOK.c.campaign_id == campaign_id, _LOOK.c.contact_id == contact_id, _LOOK.c.agent_id == agent_id,
        _LOOK.c.skipped.is_not(None), _LOOK.c.over_at > now - NOT_AGAIN,
    )  # fmt: skip


def skips(session: Session, campaign_id: int) -> Mapping[Skip, int]:
    """How many were let go without a call, by the reason, the most first."""
    rows = session.execute(
        select(_LOOK.c.skipped, func.count())
        .where(_LOOK.c.campaign_id == campaign_id, _LOOK.c.skipped.is_not(None))
        .group_by(_LOOK.c.skipped)
        .order_by(func.count().desc(), _LOOK.c.skipped)
    )  # fmt: skip
    return dict(rows.all())
