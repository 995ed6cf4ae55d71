"""An operator joins a campaign and leaves it; a supervisor chooses how it is dialed, while it runs."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.core.errors import ConflictError, InvalidError, NotFoundError
from outbound.campaigns import running
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Campaign
from outbound.campaigns.plan import Channel, Mode
from outbound.campaigns.running import Running
from outbound.dialer import desk, fit
from outbound.dialer.deciding import allowed
from outbound.dialer.models import DialerSetting, DialerStay
from telephony.agents.models import AgentPresence
from telephony.calls.models import Call

RANGES = {"inbound_s": (0, 300), "least": (2, 100)}  # what these may be set to
_CALL = table_of(Call)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a supervisor wants it dialed; see `models.DialerSetting`."""

    mode: Mode
    inbound_first: bool = True
    inbound_s: int = 10
    least: int = 10
    hears_machines: bool = False


def join(session: Session, by: Principal, *, campaign_id: int) -> None:
    """The operator takes part from now on: once he is ready, his telephone rings. He leaves any other campaign.

    Raises `ConflictError` for one that does not run, or in which operators look first and call themselves.
    """
    campaign = running.get(session, campaign_id)
    require_on(session, by, Permission.CALLS_ANSWER, ente_id=campaign.ente_id)
    how = desk.chosen(campaign, session.get(DialerSetting, campaign_id))
    if campaign.state is not State.RUNNING or not campaign.plan.steps_of(Channel.CALL):
        raise ConflictError("Questa campagna adesso non chiama nessuno.")
    if how.mode is Mode.PREVIEW:
        raise ConflictError("In questa campagna guardi prima chi chiamare: chiedi il prossimo.")
    fit.require(session, campaign, by.user_id)
    if session.get(AgentPresence, by.user_id) is None:
        raise ConflictError("Solo chi risponde al telefono può unirsi a una campagna.")
    stay = _stay(session, by.user_id)
    if stay is not None and stay.campaign_id == campaign_id:
        stay.leaving = False
        return
    if stay is not None:
        _leave(session, stay)
        if stay.left_at is None:
            raise ConflictError("Stai ancora uscendo dall'altra campagna: riprova tra un momento.")
    _setting(session, campaign)
    session.add(
        DialerStay(
            ente_id=campaign.ente_id, contract_id=campaign.contract_id, campaign_id=campaign_id, agent_id=by.user_id,
            joined_at=clock.now(session),
        )
    )  # fmt: skip
    session.flush()
    _told(session, campaign.ente_id, by.user_id)


def leave(session: Session, by: Principal) -> None:
    """The operator takes part no more. A conversation goes on; for nothing else is he rung."""
    stay = _stay(session, by.user_id)
    if stay is not None:
        _leave(session, stay)
        session.flush()
        _told(session, stay.ente_id, by.user_id)


def change(session: Session, by: Principal, *, campaign_id: int, wanted: Wanted) -> None:
    """How it is dialed from now on. Raises `InvalidError` for what the ente did not approve, or makes no sense."""
    campaign = _managed(session, by, campaign_id)
    wrong = [
        InvalidError(f"Un numero da {least} a {most}.", field=name)
        for name, (least, most) in RANGES.items()
        if not least <= getattr(wanted, name) <= most
    ]
    if not allowed(wanted.mode, campaign.plan.mode):
        wrong.append(InvalidError("L'ente ha approvato un modo di chiamare meno rapido di questo.", field="mode"))
    if wrong:
        raise InvalidError("Così non si può chiamare.", parts=wrong)
    row = _setting(session, campaign)
    row.mode, row.inbound_first, row.inbound_s = wanted.mode, wanted.inbound_first, wanted.inbound_s
    row.least, row.hears_machines = wanted.least, wanted.hears_machines
    _noted(session, by, campaign, row)


def stop(session: Session, by: Principal, *, campaign_id: int, stopped: bool) -> None:
    """Nobody is dialed, and what rings is hung up; or people are dialed again. The campaign itself goes on."""
    campaign = _managed(session, by, campaign_id)
    row = _setting(session, campaign)
    row.stopped = stopped
    _noted(session, by, campaign, row)


def _managed(session: Session, by: Principal, campaign_id: int) -> Running:
    campaign = running.get(session, campaign_id)
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=campaign.ente_id)
    return campaign


def _stay(session: Session, agent_id: int) -> DialerStay | None:
    which = select(DialerStay).where(DialerStay.agent_id == agent_id, DialerStay.left_at.is_(None))
    return session.scalars(which.with_for_update()).one_or_none()


def _leave(session: Session, stay: DialerStay) -> None:
    """Who waits in his seat is let out by the engine, once nobody can answer any more for whom he alone is there."""
    seated = select(_CALL.c.seated).where(_CALL.c.id == stay.call_id)
    if stay.call_id is not None and session.scalar(seated):
        stay.leaving = True
    else:
        stay.left_at = clock.now(session)


def _setting(session: Session, campaign: Running) -> DialerSetting:
    found = session.get(DialerSetting, campaign.id, with_for_update=True, populate_existing=True)
    if found is None:
        found = DialerSetting(
            campaign_id=campaign.id, ente_id=campaign.ente_id, contract_id=campaign.contract_id,
            mode=campaign.plan.mode, folded_at=clock.now(session),
        )  # fmt: skip
        session.add(found)
        session.flush()
    return found


def _noted(session: Session, by: Principal, campaign: Running, row: DialerSetting) -> None:
    session.flush()
    found = session.get(Campaign, campaign.id)
    if found is None:
        raise NotFoundError("Questa campagna non c'è.")
    audit.note(
        session, by, kind="campaign.dialed", ente_id=campaign.ente_id, subject=found.name,
        after={"campaign": campaign.id, "mode": row.mode.value, "stopped": row.stopped},
    )  # fmt: skip
    touch(session, topics.campaigns(campaign.ente_id))


def _told(session: Session, ente_id: int, agent_id: int) -> None:
    touch(session, topics.campaigns(ente_id), topics.agent(agent_id))
