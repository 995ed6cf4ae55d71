"""Whom a campaign reaches: its contacts, the next of them, why one is not dialed now, what came of an attempt."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, true, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.collection.sources import lookups
from crm.contacts import calling
from crm.contacts.models import Contact
from crm.core import clock
from crm.core.db import new_id, table_of
from crm.core.errors import ConflictError
from outbound.campaigns import claims, judging, looks, running, sequence, spending
from outbound.campaigns.models import Attempt, CampaignContact, ContactState
from outbound.campaigns.plan import Channel
from outbound.campaigns.running import Running
from outbound.cati import turns
from outbound.compliance.calls import open_to
from outbound.compliance.rules import Ended, Reason, Verdict
from outbound.outcomes import service as outcomes
from outbound.promises import queries as promises

CLAIM = timedelta(minutes=10)  # in which whoever looks at a contact dials, or lets go
OWED_FOR = timedelta(minutes=30)  # in which an operator says what came of a conversation, before anybody is written to
LOOKED_AT = (1, 10, 100, 500)  # so many at once, until one is found who may be dialed
_CC, _C = table_of(CampaignContact), table_of(Contact)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The next one, whom the asker now has for `until`; `verdict` allows him to be dialed."""

    contact_id: int
    verdict: Verdict
    until: datetime


def next_contact(session: Session, by: Principal, *, campaign_id: int) -> Chosen | None:
    """Claim the next one who may be dialed; none: nobody may now, or nobody of the first `LOOKED_AT`.

    Whoever may not be is put aside, with the reason.

    Raises `ForbiddenError` unless `by` answers calls for the ente.
    """
    campaign = running.get(session, campaign_id)
    require_on(session, by, Permission.CALLS_ANSWER, ente_id=campaign.ente_id)
    outcomes.require_none_owing(session, by.user_id)
    return claim(session, campaign=campaign, agent_id=by.user_id)


def claim(
    session: Session, *, campaign: Running, agent_id: int | None, asked: bool = False
) -> Chosen | None:  # fmt: skip
    """The same, for an operator or for whoever will be free. `asked`: about whom the gestionale was asked just now,
    where it can be; the others keep their places until it is (`to_ask`).
    """
    now = clock.now(session)
    hours = open_to(campaign.rules, now)
    if not hours or not spending.pays_a_call(session, campaign):
        return None
    his = _turns(campaign, agent_id, now) & _found_in(hours) & claims.free(_CC.c.contact_id)
    for at_once in LOOKED_AT:
        looked_at = sequence.waiting(
            session, campaign=campaign, channel=Channel.CALL, limit=at_once, now=now, only=his
        )  # fmt: skip
        refused: dict[int, Verdict] = {}
        chosen, waits = None, False
        for contact_id, verdict in judging.verdicts(session, campaign, looked_at, now, asked=asked).items():
            if judging.waits_for_answer(verdict):
                waits = True
            elif not verdict.allowed:
                refused[contact_id] = verdict
            elif (chosen := _claimed(session, campaign, contact_id, verdict, agent_id)) is not None:
                break
        judging.put_all_aside(session, campaign, refused, now)
        if chosen is not None or len(looked_at) < at_once or (waits and at_once > 1):
            return chosen
    return None


def to_ask(
    session: Session, *, campaign: Running, contact_ids: Collection[int], ahead: bool = False
) -> list[int]:  # fmt: skip
    """About which of these the gestionale is to be asked before they are called: not those who may not be called."""
    if not campaign.plan.about_debt:
        return []
    unasked = lookups.unasked(session, ente_id=campaign.ente_id, contact_ids=contact_ids, ahead=ahead)
    verdicts = judging.verdicts(session, campaign, unasked, clock.now(session)) if unasked else {}
    return [one for one, verdict in verdicts.items() if verdict.allowed]


def nearest(session: Session, *, campaign: Running, limit: int) -> list[int]:
    """Whose turn to be called comes next; nobody at an hour at which nobody is called."""
    now = clock.now(session)
    if not (hours := open_to(campaign.rules, now)):
        return []
    his = _found_in(hours) & claims.free(_CC.c.contact_id)
    return sequence.waiting(session, campaign=campaign, channel=Channel.CALL, limit=limit, now=now, only=his)


def claim_one(
    session: Session, *, campaign: Running, contact_id: int, agent_id: int, asked: bool = False
) -> Chosen | None:
    """Claim this one, whatever comes before him; none when he may not be dialed now, somebody has to do with him, or
    his step is no call.
    """
    if not spending.pays_a_call(session, campaign):
        return None
    now, calls = clock.now(session), campaign.plan.steps_of(Channel.CALL)
    states = [ContactState.LATER, ContactState.READY]
    held = select(_CC.c.contact_id).where(
        *_one(campaign.id, contact_id), _CC.c.state.in_(states), _CC.c.step.in_(calls)
    ).with_for_update()  # fmt: skip
    if session.scalar(held) is None:
        return None
    (verdict,) = judging.verdicts(session, campaign, [contact_id], now, asked=asked).values()
    if judging.waits_for_answer(verdict):
        return None
    if not verdict.allowed:
        judging.put_aside(session, campaign, contact_id, verdict, now)
        return None
    return _claimed(session, campaign, contact_id, verdict, agent_id)


def begun(session: Session, *, campaign: Running, chosen: Chosen, agent_id: int | None) -> UUID:
    """Somebody who was claimed, and judged, in this transaction is dialed in it: his attempt."""
    return _attempt(session, campaign, chosen.contact_id, chosen.verdict, agent_id)


def still(session: Session, *, campaign_id: int, contact_id: int) -> Chosen:
    """Somebody who is claimed already: until when, and how he would be judged now."""
    campaign, now = running.get(session, campaign_id), clock.now(session)
    until = session.execute(select(_CC.c.due_at).where(*_one(campaign_id, contact_id))).scalar_one()
    (verdict,) = judging.verdicts(session, campaign, [contact_id], now).values()
    return Chosen(contact_id, verdict, until)


def let_go(session: Session, by: Principal, *, campaign_id: int, contact_id: int) -> None:
    """Whoever has claimed somebody does not dial him after all: he is the next one again. Not who is being called."""
    now = clock.now(session)
    session.execute(
        update(_CC).where(*_one(campaign_id, contact_id), _CC.c.claimed_by == by.user_id, ~sequence.called(now))
        .values(state=ContactState.READY, claimed_by=None, due_at=now)
    )  # fmt: skip


def held(session: Session, by: Principal, *, campaign_id: int, contact_id: int) -> Running:
    """The campaign for which `by` has claimed somebody. Raises `ConflictError` when he has not, or no longer."""
    campaign = running.get(session, campaign_id)
    require_on(session, by, Permission.CALLS_ANSWER, ente_id=campaign.ente_id)
    claimed = select(_CC.c.claimed_by).where(
        *_one(campaign_id, contact_id), _CC.c.state == ContactState.CLAIMED, _CC.c.due_at > clock.now(session)
    ).with_for_update()  # fmt: skip
    if session.scalar(claimed) != by.user_id:
        raise ConflictError("Questo contatto non è più tuo: chiedi il prossimo.")
    return campaign


def unasked(session: Session, by: Principal, *, campaign_id: int, contact_id: int) -> int | None:
    """The ente whose gestionale is to be asked about whom `by` has claimed; none if it need not be."""
    campaign = held(session, by, campaign_id=campaign_id, contact_id=contact_id)
    return campaign.ente_id if to_ask(session, campaign=campaign, contact_ids=[contact_id]) else None


def look(session: Session, by: Principal, *, campaign_id: int, contact_id: int) -> Chosen:
    """Whom `by` has claimed and looks at, judged anew: put aside if something was learned of him meanwhile."""
    campaign, now = held(session, by, campaign_id=campaign_id, contact_id=contact_id), clock.now(session)
    seen = still(session, campaign_id=campaign_id, contact_id=contact_id)
    if not seen.verdict.allowed:
        judging.put_aside(session, campaign, contact_id, seen.verdict, now)
    return seen


def dial(session: Session, by: Principal, *, campaign_id: int, contact_id: int) -> tuple[UUID, Verdict]:
    """At the instant of dialing: the rules are asked again, and their answer is written. The attempt's id.

    Raises `ConflictError` for somebody whom `by` has not claimed, or no longer.
    """
    campaign, now = held(session, by, campaign_id=campaign_id, contact_id=contact_id), clock.now(session)
    (verdict,) = judging.verdicts(session, campaign, [contact_id], now, asked=True).values()
    attempt_id = _attempt(session, campaign, contact_id, verdict, by.user_id)
    if not verdict.allowed:
        judging.put_aside(session, campaign, contact_id, verdict, now)
    return attempt_id, verdict


def ended(session: Session, *, attempt_id: UUID, ended: Ended, operator: bool) -> None:
    """What came of an attempt; told twice, the first time stands. He is looked at again when the rules allow it."""
    row = session.get(Attempt, attempt_id, with_for_update=True, populate_existing=True)
    if row is None or row.ended is not None:
        return
    now = clock.now(session)
    row.ended, row.ended_at, row.operator = ended, now, operator
    session.flush()
    look_again(session, campaign_id=row.campaign_id, contact_id=row.contact_id)
    campaign = running.get(session, row.campaign_id)
    his = {"campaign_id": row.campaign_id, "contact_id": row.contact_id}
    if operator and campaign.plan.form_id is None:
        sequence.wait(session, campaign, row.contact_id, until=now + OWED_FOR)
    if promises.kept_since(session, **his, day=clock.business_day(row.at)):  # while he was being called, say
        sequence.done(session, campaign_id=row.campaign_id, contact_ids=[row.contact_id], now=now)
    outcomes.follow(session, attempt_id=attempt_id)


def look_again(session: Session, *, campaign_id: int, contact_id: int) -> None:
    """Something was learned of him: when he is called next follows from that."""
    campaign, now = running.get(session, campaign_id), clock.now(session)
    (verdict,) = judging.verdicts(session, campaign, [contact_id], now).values()
    judging.put_aside(session, campaign, contact_id, verdict, now)


def undone(session: Session, *, attempt_id: UUID) -> None:
    """His telephone never rang: it was no attempt, and he is the next one again."""
    row = session.get(Attempt, attempt_id, with_for_update=True, populate_existing=True)
    if row is None or not row.begun or row.ended is not None:
        return
    row.begun, now = False, clock.now(session)
    session.flush()
    judging.put_aside(session, running.get(session, row.campaign_id), row.contact_id, Verdict(row.number), now)


def explain(
    session: Session, by: Principal, *, campaign_id: int, contact_ids: Collection[int]
) -> dict[int, Verdict]:  # fmt: skip
    """Of each of these contacts: whether he would be dialed now, and if not why, and when. Changes nothing.

    As if the campaign ran: a dry run of one that does not yet tells more than that it does not.
    """
    campaign = running.get(session, campaign_id)
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=campaign.ente_id)
    return judging.verdicts(session, campaign, contact_ids, clock.now(session), dry=True)


def _turns(campaign: Running, agent_id: int | None, now: datetime) -> ColumnElement[bool]:
    """Who is for this operator (none: for whoever is free): whom he let go today is not."""
    his: ColumnElement[bool] = true()
    if campaign.plan.form_id is not None:
        his = turns.open_to(_CC.c.contact_id, campaign_id=campaign.id, agent_id=agent_id, now=now)
        his &= turns.has_a_place(_CC.c.priority, campaign_id=campaign.id)
    if agent_id is not None:
        his &= looks.not_skipped_by(_CC.c.contact_id, campaign_id=campaign.id, agent_id=agent_id, now=now)
    return his


def _found_in(hours: Collection[bool]) -> ColumnElement[bool]:
    """Whom hours are for: in those of businesses alone, or of homes alone, nobody else need be looked at."""
    if len(hours) > 1:
        return true()
    return exists().where(_C.c.id == _CC.c.contact_id, calling.BUSINESS if True in hours else ~calling.BUSINESS)


def _attempt(session: Session, campaign: Running, contact_id: int, verdict: Verdict, agent_id: int | None) -> UUID:
    row = Attempt(
        id=new_id(session), ente_id=campaign.ente_id, contract_id=campaign.contract_id, campaign_id=campaign.id,
        version=campaign.version, contact_id=contact_id, number=verdict.number, at=clock.now(session),
        begun=verdict.allowed, reasons=[one.value for one in verdict.reasons], not_before=verdict.not_before,
        agent_id=agent_id, known_at=verdict.known_at, lookup=verdict.lookup,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def _claimed(
    session: Session, campaign: Running, contact_id: int, verdict: Verdict, agent_id: int | None
) -> Chosen | None:  # fmt: skip
    """He is the agent's for a while; put aside, if somebody was faster."""
    until = clock.now(session) + CLAIM
    if claims.claim(
        session, campaign_id=campaign.id, contact_id=contact_id, rows=verdict.contact_ids, agent_id=agent_id,
        until=until,
    ):  # fmt: skip
        return Chosen(contact_id, verdict, until)
    judging.put_aside(session, campaign, contact_id, Verdict(None, (Reason.CLAIMED,)), clock.now(session))
    return None


def _one(campaign_id: int, contact_id: int) -> tuple[ColumnElement[bool], ...]:
    return _CC.c.campaign_id == campaign_id, _CC.c.contact_id == contact_id
