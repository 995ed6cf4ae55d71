"""Taking promises, taking them back, judging them as the collection system tells of payments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.collection import queries as collection
from crm.core import clock
from crm.core.db import Database, Scope, table_of
from crm.core.each import total_of_each
from crm.core.errors import ConflictError
from crm.enti import queries as enti
from crm.positions import queries as positions
from crm.positions.summary import HALTED, owed_cents
from crm.positions.views import PositionView
from outbound.campaigns import running, sequence
from outbound.campaigns.models import CampaignContact, ContactState
from outbound.campaigns.plan import Channel
from outbound.compliance.calls import opens
from outbound.dialer.models import GRACE, DialerRecall
from outbound.outcomes import telling
from outbound.promises import judging
from outbound.promises.judging import JUDGED_ANEW, Judgement, PromiseState, Terms
from outbound.promises.models import PaymentPromise, PromisePosition

JUDGED_FOR = timedelta(days=120)  # after its day: a payment that a feed tells of later changes nothing any more
AT_ONCE = 500
BROKEN_FIRST = 2**30  # beyond what anybody owes in euro: whoever broke a promise is the next one
_CC, _PP = table_of(CampaignContact), table_of(PromisePosition)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody promises. `cents` none: everything that he has to pay."""

    due_on: date
    cents: int | None = None


def payable(session: Session, contact_ids: Sequence[int]) -> list[PositionView]:
    """The positions of which something may be asked for."""
    every = positions.of_contact(session, contact_ids, brief=True)
    return [one for one in every if owed_cents(one) > 0 and one.state not in HALTED]


def make(
    session: Session, by: Principal, *, ente_id: int, campaign_id: int | None, contact_id: int, outcome_id: UUID,
    wanted: Wanted, most_days: int, grace_days: int,
) -> int:  # fmt: skip
    """Somebody promises to pay what he owes, or a part; the promise's id.

    Raises `InvalidError` for what nobody can promise, `ConflictError` while he has promised the same already.
    """
    require_on(session, by, Permission.CALLS_ANSWER, ente_id=ente_id)
    today = clock.business_day(clock.now(session))
    about = payable(session, [contact_id])
    due = sum(owed_cents(one) for one in about)
    terms = Terms(today, wanted.due_on, grace_days, due if wanted.cents is None else wanted.cents)
    judging.check(terms, due_cents=due, most_days=most_days)
    row = PaymentPromise(
        ente_id=ente_id, campaign_id=campaign_id, contact_id=contact_id, outcome_id=outcome_id, made_on=today,
        due_on=terms.due_on, grace_days=grace_days, cents=terms.cents, state=PromiseState.OPEN, paid_cents=0,
        made_by=by.user_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    lines = [
        PromisePosition(
            promise_id=row.id, reference=one.reference, ente_id=ente_id, due_cents=owed_cents(one),
            before_cents=judging.known_from(judging.paid_of(one), today), live=True,
        )
        for one in about
    ]  # fmt: skip
    try:
        with session.begin_nested():
            session.add_all(lines)
            session.flush()
    except IntegrityError:
        raise ConflictError("Ha già promesso di pagare: la promessa è nella sua cronologia.") from None
    return row.id


def withdraw(session: Session, *, promise_id: int) -> None:
    """It was written by mistake."""
    row = session.get_one(PaymentPromise, promise_id, with_for_update=True, populate_existing=True)
    row.state = PromiseState.WITHDRAWN
    session.execute(update(_PP).where(_PP.c.promise_id == promise_id).values(live=False))
    session.flush()


def judge_all(database: Database) -> int:
    """Judge the promises of every ente about which something new may be known; how many stand otherwise now."""
    with database.begin(Scope.nothing()) as session:
        served = sorted({ente_id for some in enti.coverage(session).values() for ente_id in some})
    return total_of_each(
        served, lambda one: database.transact(Scope.of_enti([one]), lambda session: judge_due(session, ente_id=one))
    )


def judge_due(session: Session, *, ente_id: int) -> int:
    """The same of one ente: those that were not judged by what is known today."""
    today = clock.business_day(clock.now(session))
    heard = collection.heard(session, [ente_id]).get(ente_id)
    rows = session.scalars(
        select(PaymentPromise)
        .where(
            PaymentPromise.ente_id == ente_id, PaymentPromise.state.in_(JUDGED_ANEW),
            PaymentPromise.due_on >= today - JUDGED_FOR,
            or_(
                PaymentPromise.judged_on.is_(None), PaymentPromise.judged_on < today,
                PaymentPromise.known_at.is_distinct_from(heard),
            ),
        )
        .order_by(PaymentPromise.id).limit(AT_ONCE)
        .with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ).all()  # fmt: skip
    if not rows:
        return 0
    lines: dict[int, list[PromisePosition]] = {row.id: [] for row in rows}
    for line in session.scalars(select(PromisePosition).where(PromisePosition.promise_id.in_(lines))):
        lines[line.promise_id].append(line)
    found = positions.of_contact(session, {row.contact_id for row in rows}, brief=True)
    known = {(one.contact_id, one.reference): one for one in found}
    return sum(_judged(session, row, lines[row.id], known, heard, today) for row in rows)


def _judged(
    session: Session, row: PaymentPromise, lines: Sequence[PromisePosition],
    known: dict[tuple[int, str], PositionView], heard: datetime | None, today: date,
) -> bool:  # fmt: skip
    terms = Terms(row.made_on, row.due_on, row.grace_days, row.cents)
    owed = [
        judging.owed_of(
            known.get((row.contact_id, one.reference)), due_cents=one.due_cents, before_cents=one.before_cents
        )
        for one in lines
    ]
    now = judging.judge(terms, owed, heard=heard, today=today)
    was = Judgement(row.state, row.paid_cents)
    row.known_at, row.judged_on = heard, today
    if now == was:
        return False
    row.state, row.paid_cents = now.state, now.cents
    session.flush()
    if now.state is not was.state:
        if now.state is not PromiseState.OPEN:
            session.execute(update(_PP).where(_PP.c.promise_id == row.id).values(live=False))
        _follow(session, row, anew=was.state not in {PromiseState.OPEN, PromiseState.UNJUDGED})
    telling.promise_changed(session, row.outcome_id)
    return True


def _to_its_operator(session: Session, row: PaymentPromise, campaign_id: int) -> datetime | None:
    """Whoever took the promise has him first: from when people may be called, which it returns, and for a while. None
    where he is not called next.
    """
    campaign, now = running.get(session, campaign_id), clock.now(session)
    step = select(_CC.c.step).where(_CC.c.campaign_id == campaign_id, _CC.c.contact_id == row.contact_id)
    at = opens(campaign.rules, now) if session.scalar(step) in campaign.plan.steps_of(Channel.CALL) else None
    if at is not None:
        session.merge(
            DialerRecall(
                campaign_id=campaign_id, contact_id=row.contact_id, ente_id=row.ente_id, wanted_at=at,
                agent_id=row.made_by, made_at=now,
            )
        )  # fmt: skip
        session.flush()
    return at


def _follow(session: Session, row: PaymentPromise, *, anew: bool) -> None:
    """What the campaign does: whoever kept it is done with; whoever broke it is the next one. Judged anew, not again:
    what has followed since, an outcome or a step, says when he is looked at.
    """
    if row.campaign_id is None:
        return
    his = (_CC.c.campaign_id == row.campaign_id, _CC.c.contact_id == row.contact_id)
    waits = _CC.c.state.in_([ContactState.LATER, ContactState.READY])
    now = clock.now(session)
    if row.state is PromiseState.KEPT:  # who is being called just now is done as soon as that is over
        claimed = and_(_CC.c.state == ContactState.CLAIMED, ~sequence.called(now))
        session.execute(
            update(_CC)
            .where(*his, or_(waits, claimed))
            .values(state=ContactState.DONE, why=None, claimed_by=None, due_at=now)
        )
    elif not anew and row.state in {PromiseState.BROKEN, PromiseState.PARTLY, PromiseState.LIFTED}:
        first = {"priority": BROKEN_FIRST} if row.state is PromiseState.BROKEN else {}
        sequence.again(session, *his, waits, now=now, **first)
        if row.state is not PromiseState.LIFTED and (at := _to_its_operator(session, row, row.campaign_id)) is not None:
            ready = _CC.c.state == ContactState.READY
            session.execute(update(_CC).where(*his, ready).values(state=ContactState.LATER, due_at=at + GRACE))
