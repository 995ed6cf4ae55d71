"""Whom a campaign reaches: its contacts, the next of them, why one is not dialed now, what came of an attempt."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Subquery,
    any_,
    bindparam,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.collection.sources import lookups
from crm.contacts import calling
from crm.contacts.models import Contact
from crm.core import clock, topics
from crm.core.db import Database, Scope, new_id, table_of, touch
from crm.core.each import total_of_each
from crm.core.errors import ConflictError
from crm.core.jobs import Runner, Taken
from crm.enti import queries as enti
from crm.positions.models import Position
from outbound.campaigns import looks, running, sequence, spending
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Attempt, Campaign, CampaignContact, ContactState
from outbound.campaigns.plan import Channel, Order, Purpose
from outbound.campaigns.running import Running
from outbound.cati import turns
from outbound.cati.models import SurveyCase, SurveySample
from outbound.compliance import facts
from outbound.compliance.rules import Ended, Reason, Verdict, judge, open_to
from outbound.lists.models import ContactListMember
from outbound.lists.tasks import renewed
from outbound.outcomes import service as outcomes
from outbound.promises import queries as promises

CLAIM = timedelta(minutes=10)  # in which whoever looks at a contact dials, or lets go
OWED_FOR = timedelta(minutes=30)  # in which an operator says what came of a conversation, before anybody is written to
ELSEWHERE = timedelta(minutes=15)  # after which somebody is looked at again with whom another campaign had to do
LOOKED_AT = (1, 10, 100, 500)  # so many at once, until one is found who may be dialed
PERSON = 0x0B0E  # the advisory locks of people who have several rows, by the least of them
RIPENED = 5_000  # whose time has come, in a transaction
MOST_PRIORITY = 2**31 - 1
_CC, _POSITION, _MEMBER = table_of(CampaignContact), table_of(Position), table_of(ContactListMember)
_A, _C = table_of(Attempt), table_of(Contact)
_CASE = table_of(SurveyCase)
_BIGINTS = ARRAY(BigInteger)
_MINE = (Reason.NOT_RUNNING, Reason.CLAIMED, Reason.UNCHECKED)  # which say nothing of the person
# What an answer about him may put right: he is asked about first, and keeps his place meanwhile.
_ANSWERED = frozenset({Reason.UNCHECKED, Reason.STALE})
# What neither time nor the campaign changes: he is out of it until somebody looks again.
_OUT = frozenset(
    {
        Reason.DECEASED, Reason.INSOLVENT, Reason.NO_CONSENT, Reason.NOTHING_DUE, Reason.PAID, Reason.SUSPENDED,
        Reason.COMPLAINT, Reason.SAME_PERSON,
    }
)  # fmt: skip
# By this means: another step may. Whoever wants no calls is reached by none of the means that ring.
_UNREACHABLE = frozenset({Reason.NO_NUMBER, Reason.EXHAUSTED, Reason.STOPPED, Reason.NO_ADDRESS, Reason.DO_NOT_CALL})
_RINGING, _NONE = frozenset({Channel.CALL, Channel.SMS}), frozenset[Channel]()


@dataclass(frozen=True, slots=True)
class Chosen:
    """The next one, whom the asker now has for `until`; `verdict` allows him to be dialed."""

    contact_id: int
    verdict: Verdict
    until: datetime


def run_admit(database: Database, job: Taken) -> None:
    """Make the list's members its contacts (`campaign`), in one transaction: killed, none of them is."""
    campaign_id = job.argument["campaign"]
    with renewed(job):
        database.transact(Scope.of_enti([job.ente_id]), lambda session: admit(session, campaign_id=campaign_id))


def admit(session: Session, *, campaign_id: int) -> None:
    """One INSERT, in the order that the plan says; of a survey whoever was drawn, by chance. Done once."""
    found = session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if found is None or found.admitted_at is not None:
        return
    now = clock.now(session)
    plan = running.get(session, campaign_id).plan
    order = plan.order if plan.form_id is None else Order.CHANCE
    first = _first(order, found.ente_id, clock.business_day(now))
    rows = (
        select(
            literal(campaign_id), _MEMBER.c.contact_id, _MEMBER.c.ente_id, literal(ContactState.READY.value),
            literal(now), func.least(func.coalesce(first.c.first, 0), MOST_PRIORITY), literal(0),
        )
        .outerjoin(first, first.c.contact_id == _MEMBER.c.contact_id)
        .where(_MEMBER.c.list_id == found.list_id)
    )  # fmt: skip
    if (sample := session.get(SurveySample, campaign_id)) is not None:
        drawn = select(_CASE.c.contact_id).where(
            _CASE.c.campaign_id == campaign_id, _CASE.c.replicate <= sample.released
        )
        rows = rows.where(_MEMBER.c.contact_id.in_(drawn))
    names = ["campaign_id", "contact_id", "ente_id", "state", "due_at", "priority", "step"]
    session.execute(insert(_CC).from_select(names, rows))
    found.admitted_at = now
    session.flush()
    touch(session, topics.campaigns(found.ente_id))


def _first(order: Order, ente_id: int, today: date) -> Subquery:
    """By contact of the ente who owes anything: the higher, the earlier his turn comes. Each debt is read once."""
    what: ColumnElement[Any] = {
        Order.AMOUNT: func.sum(_POSITION.c.residual_cents) / 100,
        Order.OLDEST: func.greatest(literal(today) - func.min(_POSITION.c.due_on), 0),
        Order.CHANCE: cast(func.random() * MOST_PRIORITY, BigInteger),
    }[order]
    return (
        select(_POSITION.c.contact_id, what.label("first"))
        .where(
            _POSITION.c.ente_id == ente_id, _POSITION.c.residual_cents > 0, _POSITION.c.withdrawn_as_of.is_(None)
        )
        .group_by(_POSITION.c.contact_id).subquery()
    )  # fmt: skip


def ripen(session: Session, *, campaign_id: int) -> int:
    """Whose time has come is ready, and so is whom somebody claimed and forgot; how many. Not who is being called."""
    now = clock.now(session)
    called = sequence.called(now)
    due = (
        select(_CC.c.campaign_id, _CC.c.contact_id)
        .where(
            _CC.c.campaign_id == campaign_id, _CC.c.state.in_([ContactState.LATER, ContactState.CLAIMED]),
            _CC.c.due_at <= now, or_(_CC.c.state == ContactState.LATER, ~called),
        )
        .order_by(_CC.c.due_at).limit(RIPENED).with_for_update(skip_locked=True)
    )  # fmt: skip
    which = tuple_(_CC.c.campaign_id, _CC.c.contact_id).in_(due)
    done = session.execute(update(_CC).where(which).values(state=ContactState.READY, why=None, claimed_by=None))
    return int(done.rowcount)  # type: ignore[attr-defined]


def ripen_all(database: Database) -> int:
    """The same of every campaign that runs; how many."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(enti.coverage(session))
    return total_of_each(contracts, lambda one: database.transact(Scope.of_contract(one), _ripen))


def _ripen(session: Session) -> int:
    running = session.scalars(select(Campaign.id).where(Campaign.state == State.RUNNING)).all()
    return sum(ripen(session, campaign_id=one) for one in running)


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
    full = turns.full_strata(session, campaign.id) if campaign.plan.form_id is not None else []
    his = _turns(campaign, agent_id, now, full)
    if full:  # their places are 0 by now, at the end of the index: nobody walks through them
        his &= _CC.c.priority > 0
    if len(hours) == 1:  # nobody else need be looked at
        his &= exists().where(_C.c.id == _CC.c.contact_id, calling.BUSINESS if True in hours else ~calling.BUSINESS)
    for at_once in LOOKED_AT:
        looked_at = sequence.waiting(
            session, campaign=campaign, channel=Channel.CALL, limit=at_once, now=now, only=his
        )  # fmt: skip
        refused: dict[int, Verdict] = {}
        chosen, waits = None, False
        for contact_id, verdict in _verdicts(session, campaign, looked_at, now, asked=asked).items():
            if _waits_for_answer(verdict):
                waits = True
            elif not verdict.allowed:
                refused[contact_id] = verdict
            elif _claim(session, campaign, contact_id, agent_id, now + CLAIM):
                chosen = Chosen(contact_id, verdict, now + CLAIM)
                break
        put_all_aside(session, campaign, refused, now)
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
    verdicts = _verdicts(session, campaign, unasked, clock.now(session)) if unasked else {}
    return [one for one, verdict in verdicts.items() if verdict.allowed]


def nearest(session: Session, *, campaign: Running, limit: int) -> list[int]:
    """Whose turn to be called comes next; nobody at an hour at which nobody is called."""
    now = clock.now(session)
    if not open_to(campaign.rules, now):
        return []
    return sequence.waiting(session, campaign=campaign, channel=Channel.CALL, limit=limit, now=now)


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
    (verdict,) = _verdicts(session, campaign, [contact_id], now, asked=asked).values()
    if _waits_for_answer(verdict):
        return None
    if not verdict.allowed:
        put_aside(session, campaign, contact_id, verdict, now)
        return None
    claimed = _claim(session, campaign, contact_id, agent_id, now + CLAIM)
    return Chosen(contact_id, verdict, now + CLAIM) if claimed else None


def begun(session: Session, *, campaign: Running, chosen: Chosen, agent_id: int | None) -> UUID:
    """Somebody who was claimed, and judged, in this transaction is dialed in it: his attempt."""
    return _attempt(session, campaign, chosen.contact_id, chosen.verdict, agent_id)


def still(session: Session, *, campaign_id: int, contact_id: int) -> Chosen:
    """Somebody who is claimed already: until when, and how he would be judged now."""
    campaign, now = running.get(session, campaign_id), clock.now(session)
    until = session.execute(select(_CC.c.due_at).where(*_one(campaign_id, contact_id))).scalar_one()
    (verdict,) = _verdicts(session, campaign, [contact_id], now).values()
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
        put_aside(session, campaign, contact_id, seen.verdict, now)
    return seen


def dial(session: Session, by: Principal, *, campaign_id: int, contact_id: int) -> tuple[UUID, Verdict]:
    """At the instant of dialing: the rules are asked again, and their answer is written. The attempt's id.

    Raises `ConflictError` for somebody whom `by` has not claimed, or no longer.
    """
    campaign, now = held(session, by, campaign_id=campaign_id, contact_id=contact_id), clock.now(session)
    (verdict,) = _verdicts(session, campaign, [contact_id], now, asked=True).values()
    attempt_id = _attempt(session, campaign, contact_id, verdict, by.user_id)
    if not verdict.allowed:
        put_aside(session, campaign, contact_id, verdict, now)
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
    (verdict,) = _verdicts(session, campaign, [contact_id], now).values()
    put_aside(session, campaign, contact_id, verdict, now)


def undone(session: Session, *, attempt_id: UUID) -> None:
    """His telephone never rang: it was no attempt, and he is the next one again."""
    row = session.get(Attempt, attempt_id, with_for_update=True, populate_existing=True)
    if row is None or not row.begun or row.ended is not None:
        return
    row.begun, now = False, clock.now(session)
    session.flush()
    put_aside(session, running.get(session, row.campaign_id), row.contact_id, Verdict(row.number), now)


def explain(
    session: Session, by: Principal, *, campaign_id: int, contact_ids: Collection[int]
) -> dict[int, Verdict]:  # fmt: skip
    """Of each of these contacts: whether he would be dialed now, and if not why, and when. Changes nothing.

    As if the campaign ran: a dry run of one that does not yet tells more than that it does not.
    """
    campaign = running.get(session, campaign_id)
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=campaign.ente_id)
    return _verdicts(session, campaign, contact_ids, clock.now(session), dry=True)


def put_aside(session: Session, campaign: Running, contact_id: int, verdict: Verdict, now: datetime) -> None:
    """He is not dialed now: out of the campaign, at its next step, or to be looked at again when that changes."""
    put_all_aside(session, campaign, {contact_id: verdict}, now)


def put_all_aside(session: Session, campaign: Running, verdicts: Mapping[int, Verdict], now: datetime) -> None:
    """The same of each of them; a statement for all who go to the same place."""
    lost = [one for one, verdict in verdicts.items() if _lost(verdict)]
    steps = _steps(session, campaign.id, lost) if lost else {}
    further: dict[frozenset[Channel], list[int]] = defaultdict(list)
    for one in lost:
        over = _RINGING if Reason.DO_NOT_CALL in verdicts[one].reasons else _NONE
        if campaign.plan.step_after(steps[one], over=over) is not None:
            further[over].append(one)
    for over, whose in further.items():
        sequence.passed(session, campaign=campaign, contact_ids=whose, now=now, over=over)
    alike: dict[tuple[ContactState, Reason | None, datetime], list[int]] = defaultdict(list)
    for contact_id in verdicts.keys() - {one for whose in further.values() for one in whose}:
        alike[_place(verdicts[contact_id], now)].append(contact_id)
    for (state, why, due_at), whose in alike.items():
        session.execute(
            update(_CC)
            .where(
                _CC.c.campaign_id == campaign.id, _CC.c.contact_id == any_(bindparam("whose", whose, _BIGINTS)),
                _CC.c.state != ContactState.DONE,
            )
            .values(state=state, why=why, due_at=due_at, claimed_by=None)
        )  # fmt: skip


def _lost(verdict: Verdict) -> bool:
    """He is not reached by this means, as far as is known, and nothing keeps another from trying."""
    return not _OUT.intersection(verdict.reasons) and bool(_UNREACHABLE.intersection(verdict.reasons))


def _place(verdict: Verdict, now: datetime) -> tuple[ContactState, Reason | None, datetime]:
    """Where he goes who stays at his step, for which reason, and until when."""
    why = next((one for one in verdict.reasons if one not in _MINE), None)
    if out := [one for one in verdict.reasons if one in _OUT]:  # which of them says when somebody looks again
        return ContactState.OUT, out[0], now
    if _lost(verdict):
        return ContactState.OUT, why, now
    if set(verdict.reasons) <= {Reason.UNCHECKED}:
        return ContactState.READY, why, now
    return ContactState.LATER, why, verdict.not_before or now + ELSEWHERE


def _turns(
    campaign: Running, agent_id: int | None, now: datetime, full: Collection[str]
) -> ColumnElement[bool]:  # fmt: skip
    """Who is for this operator (none: for whoever is free): whom he let go today is not."""
    his: ColumnElement[bool] = true()
    if campaign.plan.form_id is not None:
        his = turns.open_to(_CC.c.contact_id, campaign_id=campaign.id, agent_id=agent_id, now=now, full=full)
    if agent_id is not None:
        his &= looks.not_skipped_by(_CC.c.contact_id, campaign_id=campaign.id, agent_id=agent_id, now=now)
    return his


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


def _claim(session: Session, campaign: Running, contact_id: int, agent_id: int | None, until: datetime) -> bool:
    """He is the agent's until then, unless somebody was faster: a partial unique index says so, and of whom there are
    several rows, a lock on all of them.
    """
    if _claimed_otherwise(session, contact_id):
        put_aside(session, campaign, contact_id, Verdict(None, (Reason.CLAIMED,)), clock.now(session))
        return False
    claim = update(_CC).where(*_one(campaign.id, contact_id)).values(
        state=ContactState.CLAIMED, claimed_by=agent_id, due_at=until
    )  # fmt: skip
    try:
        with session.connection().begin_nested():
            session.execute(claim)
    except IntegrityError:
        put_aside(session, campaign, contact_id, Verdict(None, (Reason.CLAIMED,)), clock.now(session))
        return False
    return True


def _claimed_otherwise(session: Session, contact_id: int) -> bool:
    """Whether somebody has to do with him under another of his rows. Who asks is the only one to, until the end."""
    rows = calling.persons(session, [contact_id])[contact_id]
    if len(rows) == 1:
        return False
    session.execute(select(func.pg_advisory_xact_lock(PERSON, cast(min(rows) % 2**31, Integer))))
    other = select(_CC.c.contact_id).where(
        _CC.c.contact_id.in_(rows - {contact_id}), _CC.c.state == ContactState.CLAIMED
    )
    return session.scalar(other.limit(1)) is not None


def _steps(session: Session, campaign_id: int, contact_ids: Collection[int]) -> dict[int, int]:
    its = select(_CC.c.contact_id, _CC.c.step).where(
        _CC.c.campaign_id == campaign_id, _CC.c.contact_id.in_(contact_ids)
    )  # fmt: skip
    return {row.contact_id: row.step for row in session.execute(its)}


def _waits_for_answer(verdict: Verdict) -> bool:
    return Reason.UNCHECKED in verdict.reasons and _ANSWERED.issuperset(verdict.reasons)


def _verdicts(
    session: Session, campaign: Running, contact_ids: Collection[int], now: datetime, *, dry: bool = False,
    asked: bool = False,
) -> dict[int, Verdict]:  # fmt: skip
    """`asked`: as at the instant of dialing; else whoever waits for the gestionale's answer alone may be looked at."""
    people = facts.people(
        session, ente_id=campaign.ente_id, contact_ids=contact_ids, campaign_id=campaign.id,
        running=dry or (campaign.state is State.RUNNING and spending.pays_a_call(session, campaign)),
        survey=campaign.plan.purpose is Purpose.SURVEY,
    )  # fmt: skip
    verdicts = {contact_id: judge(one, campaign.rules, now) for contact_id, one in people.items()}
    if asked:
        return verdicts
    return {
        contact_id: replace(one, reasons=(), not_before=None) if _waits_for_answer(one) else one
        for contact_id, one in verdicts.items()
    }


def _one(campaign_id: int, contact_id: int) -> tuple[ColumnElement[bool], ...]:
    return _CC.c.campaign_id == campaign_id, _CC.c.contact_id == contact_id


ADMITTER = Runner(run_admit)
