"""The demonstration's campaigns at Livorno: one that is over, with what came of it, and one that waits for the ente.

What was promised in it was paid, or not, as the feed says.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core import clock
from crm.core.clock import ROME
from crm.core.db import new_id
from crm.enti.days import is_working_day, working_day_after
from crm.enti.models import Ente
from outbound.campaigns import admission, service
from outbound.campaigns.lifecycle import Deed
from outbound.campaigns.models import Attempt, Campaign, CampaignContact, ContactState
from outbound.campaigns.plan import Phase, Plan
from outbound.compliance.rules import Ended
from outbound.lists import service as lists
from outbound.lists import tasks
from outbound.outcomes.catalogue import CATALOGUE, Said, Whom
from outbound.outcomes.models import OutcomeGiven
from outbound.promises import service as promises
from outbound.promises.judging import PromiseState
from outbound.promises.models import PaymentPromise, PromisePosition
from outbound.promises.service import Wanted
from outbound.segments.conditions import Condition, Field, Operator, Segment
from telephony.queues.models import Queue
from web.demo.accounts import COLLEAGUES, NEWCOMER
from web.demo.enti import person
from web.demo.places import LINES

CALLED, WEEKS_AGO, LASTS, PEOPLE = "E625", 6, 14, 90
PAYERS = 13  # of the people
MET = 0.55  # of those who are tried, with whom somebody spoke in the end
AFTER, GRACE = 10, 3  # days after a conversation in which it is paid, and those beyond the day that was promised
MANAGER, APPROVER, QUEUE = "carla", "dirigente-livorno", "Operatore"
DONE, ASKED = "Solleciti TARI", "Promemoria IMU prima dell'accertamento"
SCRIPT = (
    "Buongiorno, chiamo per conto del Comune di Livorno: chiedere della persona, e accertare che sia lei.\n"
    "Solo allora: le telefono per un avviso che risulta da pagare. Se vuole lo guardiamo insieme."
)
NOBODY = (Ended.NO_ANSWER, Ended.NO_ANSWER, Ended.BUSY, Ended.MACHINE)
SAYS = (
    Said.INFORMED, Said.INFORMED, Said.PROMISE, Said.INSTALMENTS, Said.ALREADY_PAID, Said.REFUSES, Said.DISPUTE,
    Said.THIRD_PARTY, Said.THIRD_PARTY, Said.WRONG_NUMBER,
)  # fmt: skip
# Of those of a campaign who can be phoned: the number, and what they paid first since a day, if they paid anything.
_PEOPLE = text(
    """
    SELECT cc.contact_id, min(r.value) AS number, min(paid.day) AS paid_on,
           (array_agg(paid.reference ORDER BY paid.day))[1] AS reference,
           (array_agg(paid.cents ORDER BY paid.day))[1] AS cents
    FROM campaign_contact cc
    JOIN contact_reach r ON r.contact_id = cc.contact_id AND r.kind = 'phone'
    LEFT JOIN LATERAL (
        SELECT (one ->> 'paid_on')::date AS day, p.reference, (one ->> 'cents')::int AS cents
        FROM position p CROSS JOIN LATERAL jsonb_array_elements(p.payments) one
        WHERE p.contact_id = cc.contact_id AND p.withdrawn_as_of IS NULL AND (one ->> 'paid_on')::date >= :since
    ) paid ON true
    WHERE cc.campaign_id = :campaign
    GROUP BY cc.contact_id HAVING (min(paid.day) IS NOT NULL) = :pays ORDER BY cc.contact_id LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class _Person:
    """Who is called, and what he paid first since a day, if anything."""

    contact_id: int
    number: str
    paid_on: date | None
    reference: str | None
    cents: int | None


def campaign_some(session: Session, *, contract_id: int, today: date) -> None:
    """Once: a second time it does nothing."""
    ente = session.scalars(select(Ente).where(Ente.cadastral_code == CALLED)).one()
    if session.scalar(select(Campaign.id).where(Campaign.ente_id == ente.id).limit(1)) is not None:
        return
    now, patron = clock.now(session), (ente.patron_month, ente.patron_day)
    first = working_day_after(today - timedelta(weeks=WEEKS_AGO), 1, patron)
    days = [one for one in (first + timedelta(days=n) for n in range(LASTS)) if is_working_day(one, patron)]
    _it_is(session, first, 9)
    over = _begun(session, contract_id, ente.id, DONE, "tari")
    for by, deed in ((APPROVER, Deed.APPROVE), (MANAGER, Deed.START)):
        service.act(session, person(session, by), campaign_id=over, deed=deed)
    admission.admit(session, campaign_id=over)
    _call(session, session.get_one(Campaign, over), days)
    _it_is(session, days[-1], 18)
    service.act(session, person(session, MANAGER), campaign_id=over, deed=Deed.END)
    session.info["now"] = now
    _begun(session, contract_id, ente.id, ASKED, "imu")


def _it_is(session: Session, day: date, hour: int, minute: int = 0) -> datetime:
    """What is done from here on was done then."""
    session.info["now"] = datetime.combine(day, time(hour, minute), ROME)
    return clock.now(session)


def _begun(session: Session, contract_id: int, ente_id: int, name: str, tax: str) -> int:
    """A campaign that waits for its ente's approval, about those who have an act about this tax."""
    manager = person(session, MANAGER)
    segment = Segment(((Condition(Field.TAX, Operator.IS, (tax,)),),))
    list_id = lists.make(session, manager, ente_id=ente_id, name=f"{tax.upper()}, chi ha un avviso", segment=segment)
    tasks.build(session, list_id=list_id)
    queue = session.scalars(select(Queue.id).where(Queue.contract_id == contract_id, Queue.name == QUEUE)).one()
    line = next(geographic for code, _, geographic in LINES if code == CALLED)
    plan = Plan(queue_id=queue, line=line, scripts={Phase.PERSONAL: SCRIPT})
    made = service.begin(
        session, manager, ente_id=ente_id, contract_id=contract_id, list_id=list_id, name=name, plan=plan
    )
    service.act(session, manager, campaign_id=made, deed=Deed.SUBMIT)
    return made


def _call(session: Session, its: Campaign, days: list[date]) -> None:
    """Who was tried, on which days, and what came of it."""
    dice = Random(f"campaign:{days[0]}")  # noqa: S311 (invented data)
    agents = [person(session, user.username) for user in (NEWCOMER, *COLLEAGUES)]
    people = [
        _Person(*row)
        for pays, most in ((True, PAYERS), (False, PEOPLE - PAYERS))
        for row in session.execute(_PEOPLE, {"campaign": its.id, "since": days[2], "pays": pays, "most": most})
    ]
    for one in people:
        before = [day for day in days if one.paid_on is None or day < one.paid_on]
        pays = one.paid_on is not None and (one.paid_on - before[-1]).days < AFTER
        tries = sorted(dice.sample(before, min(len(before), dice.choice((1, 1, 2, 3)))))
        spoken = pays or dice.random() < MET
        agent = dice.choice(agents)
        for day in tries:
            at = _it_is(session, day, dice.randint(9, 17), dice.randint(0, 59))
            said = (Said.PROMISE if pays else dice.choice(SAYS)) if spoken and day == tries[-1] else None
            attempt = _attempt(session, its, one, at, agent, _ended(said, dice))
            if said is not None:
                _say(session, attempt, said, agent, one if pays else None)
    session.execute(
        update(CampaignContact)
        .where(
            CampaignContact.campaign_id == its.id, CampaignContact.contact_id.in_([one.contact_id for one in people])
        )
        .values(state=ContactState.DONE)
    )


def _ended(said: Said | None, dice: Random) -> Ended:
    if said is None:
        return dice.choice(NOBODY)
    return Ended.SPOKEN if CATALOGUE[said].whom is Whom.RIGHT_PARTY else Ended.ANSWERED


def _attempt(
    session: Session, its: Campaign, one: _Person, at: datetime, agent: Principal, ended: Ended
) -> Attempt:  # fmt: skip
    operator = ended in {Ended.SPOKEN, Ended.ANSWERED, Ended.MACHINE}
    made = Attempt(
        id=new_id(session), ente_id=its.ente_id, contract_id=its.contract_id, campaign_id=its.id, version=its.version,
        contact_id=one.contact_id, number=one.number, at=at, begun=True, reasons=[], agent_id=agent.user_id,
        operator=operator, ended=ended, ended_at=at + timedelta(seconds=150 if operator else 25),
        known_at=at - timedelta(hours=6),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _say(session: Session, attempt: Attempt, said: Said, agent: Principal, pays: _Person | None) -> None:
    """What the operator wrote down; whoever paid had promised it."""
    now = clock.now(session)
    if said is Said.PROMISE and pays is None and not promises.payable(session, [attempt.contact_id]):
        said = Said.INFORMED
    given = OutcomeGiven(
        id=new_id(session), ente_id=attempt.ente_id, campaign_id=attempt.campaign_id, contact_id=attempt.contact_id,
        attempt_id=attempt.id, call_id=new_id(session), said=said, given_at=now, given_by=agent.user_id, note="",
        deeds={"step": 0},
    )  # fmt: skip
    session.add(given)
    session.flush()
    if pays is not None:
        _promised(session, given, agent, pays)
    elif said is Said.PROMISE:
        promises.make(
            session, agent, ente_id=attempt.ente_id, campaign_id=attempt.campaign_id, contact_id=attempt.contact_id,
            outcome_id=given.id, wanted=Wanted(clock.business_day(now) + timedelta(days=AFTER)), most_days=30,
            grace_days=GRACE,
        )  # fmt: skip


def _promised(session: Session, given: OutcomeGiven, agent: Principal, pays: _Person) -> None:
    """He promised what he paid then: nothing of it was paid yet."""
    assert pays.paid_on is not None
    assert pays.cents is not None
    row = PaymentPromise(
        ente_id=given.ente_id, campaign_id=given.campaign_id, contact_id=given.contact_id, outcome_id=given.id,
        made_on=clock.business_day(given.given_at), due_on=pays.paid_on, grace_days=GRACE, cents=pays.cents,
        state=PromiseState.OPEN, made_by=agent.user_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.add(
        PromisePosition(
            promise_id=row.id, reference=pays.reference, ente_id=given.ente_id, due_cents=pays.cents, before_cents=0
        )
    )
