"""When nobody could be called though operators took part: written as it is found out, and left out of their time."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core import clock
from outbound.campaigns.plan import Mode
from outbound.campaigns.running import Running
from outbound.compliance.calls import opens
from outbound.dialer.deciding import Decision, Desk
from outbound.dialer.models import DialerGap, Gap


def of(was: Gap | None, desk: Desk, decision: Decision, *, owed: int, open_now: bool) -> Gap | None:
    """Why nobody can be called; none: somebody can, or nobody has tried. Pure.

    It is found out when somebody is wanted for a line and nobody is claimed. While nobody is wanted, or the carrier
    refuses, it is as it was: what we cannot do is no want of people.
    """
    if desk.mode is Mode.PREVIEW:
        return None
    if not desk.runs or desk.broke:
        return Gap.STOPPED
    if decision.dial:
        return None if owed else Gap.LIST if open_now else Gap.HOURS
    return None if was is Gap.STOPPED else was


def keep(session: Session, campaign: Running, desk: Desk, decision: Decision, *, owed: int) -> None:
    """Write it down: a stretch begins, ends, or goes on."""
    which = select(DialerGap).where(DialerGap.campaign_id == campaign.id, DialerGap.until.is_(None))
    row, now = session.scalars(which).one_or_none(), clock.now(session)
    was = None if row is None else row.why
    found = of(was, desk, decision, owed=owed, open_now=owed > 0 or opens(campaign.rules, now) == now)
    if found is was:
        return
    if row is not None:
        row.until = now
        session.flush()
    if found is not None:
        its = {"ente_id": campaign.ente_id, "contract_id": campaign.contract_id, "campaign_id": campaign.id}
        session.add(DialerGap(**its, why=found, since=now))
        session.flush()
