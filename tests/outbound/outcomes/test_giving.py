"""What an agent says came of a conversation, and what follows from it for the person, the campaign and the file."""

import threading
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.cases import asking
from crm.cases import service as cases
from crm.cases.lifecycle import Channel as CaseChannel
from crm.cases.lifecycle import Deed, Topic
from crm.cases.lifecycle import Outcome as CaseOutcome
from crm.cases.lifecycle import State as CaseState
from crm.cases.models import Case, CaseStep
from crm.cases.requests import Wanted as CaseWanted
from crm.collection.models import ImportRun
from crm.contacts import queries as people
from crm.contacts.addresses import Address
from crm.contacts.models import ContactCondition, ContactReach, LastOutcome, Source, Verification
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.follow_ups.models import FollowUp, FollowUpState
from crm.messages.models import Message, MessageState
from crm.positions.models import Position
from crm.proposals.models import Proposal
from crm.timeline.models import EntryKind, TimelineEntry
from outbound.campaigns import contacts
from outbound.campaigns.models import CampaignContact, CampaignVersion, ContactState
from outbound.campaigns.plan import Channel, Plan, Purpose, Step, kept
from outbound.compliance.rules import Reason
from outbound.dialer import calling
from outbound.dialer.models import DialerRecall
from outbound.outcomes import service as outcomes
from outbound.outcomes.catalogue import OutcomeRules, Said
from outbound.outcomes.deeds import Heard
from outbound.outcomes.models import OutcomeGiven
from outbound.outcomes.queries import of_call, of_person
from outbound.promises import service as promises
from outbound.promises.judging import PromiseState
from outbound.promises.models import PaymentPromise
from outbound.promises.service import Wanted
from telephony.calls import conversation
from tests.cast import EMPOLI_LINE, MARIO_MOBILE
from tests.outbound.test_calling import ALWAYS, Anna, anna, campaign
from tests.telephony.conftest import stage
from tests.telephony.stage import Stage

__all__ = ["anna", "campaign", "stage"]

pytestmark = pytest.mark.integration
DAY = timedelta(days=1)


def talks(stage: Stage, anna: Anna, *, identified: bool = True) -> UUID:
    """Mario answered; she knows that it is he."""
    call = anna.rings()
    stage.joins(call)
    if identified:
        stage.work(lambda s: conversation.identify(s, anna.me, call_id=call, contact_id=stage.cast.mario))
    return call


def gives(stage: Stage, anna: Anna, call: UUID, said: Said, heard: Heard | None = None) -> UUID:
    given: UUID = stage.work(lambda s: outcomes.give(s, anna.me, call_id=call, said=said, heard=heard or Heard()))
    return given


def hangs_up(stage: Stage, call: UUID) -> None:
    stage.caller_leaves(call)
    stage.work(calling.settle)


def plans(stage: Stage, campaign: int, **about: Any) -> None:
    plan = Plan(queue_id=stage.cast.operator, line=EMPOLI_LINE, hours=ALWAYS, **about)
    its = update(CampaignVersion).where(CampaignVersion.campaign_id == campaign)
    stage.work(lambda s: s.execute(its.values(plan=kept(plan))))


def his(stage: Stage) -> Any:
    row = select(CampaignContact.state, CampaignContact.why, CampaignContact.due_at, CampaignContact.step)
    return stage.work(lambda s: s.execute(row).one())


def told(stage: Stage) -> Any:
    """The line on Mario's timeline."""
    row = select(TimelineEntry.status, TimelineEntry.detail).where(TimelineEntry.kind == EntryKind.OUTCOME)
    return stage.work(lambda s: s.execute(row).one_or_none())


def reach(stage: Stage) -> Any:
    row = select(ContactReach.verification, ContactReach.outcome).where(ContactReach.value == MARIO_MOBILE)
    return stage.work(lambda s: s.execute(row).one())


def today(stage: Stage) -> date:
    return stage.work(lambda s: clock.business_day(clock.now(s)))


def feed(stage: Stage, on: date | None = None, cents: int = 0) -> None:
    """The collection system has told everything until now; a payment of Mario's with it."""

    def write(session: Any) -> None:
        session.execute(update(ImportRun).values(as_of=clock.now(session)))
        if on is not None:
            paid = [{"paid_on": on.isoformat(), "cents": cents, "channel": None}]
            his = update(Position).where(Position.contact_id == stage.cast.mario)
            session.execute(his.values(payments=paid, paid_cents=cents))

    stage.work(write)


def ages(stage: Stage, days: int) -> None:
    """The promise was made so many days earlier."""
    back = {name: getattr(PaymentPromise, name) - days for name in ("made_on", "due_on")}
    stage.work(lambda s: s.execute(update(PaymentPromise).values(**back, judged_on=None)))


def promise(stage: Stage) -> Any:
    row = select(PaymentPromise.state, PaymentPromise.paid_cents, PaymentPromise.cents)
    return stage.work(lambda s: s.execute(row).one())


def judged(stage: Stage) -> PromiseState:
    stage.work(lambda s: promises.judge_due(s, ente_id=stage.cast.empoli))
    state: PromiseState = promise(stage).state
    return state


def test_who_promises_is_not_called_until_then_and_done_once_he_has_paid(stage: Stage, anna: Anna) -> None:
    call, day = talks(stage, anna), today(stage)
    gives(stage, anna, call, Said.PROMISE, Heard(promise=Wanted(day + 5 * DAY)))
    hangs_up(stage, call)
    found = his(stage)
    assert (found.state, found.why) == (ContactState.LATER, Reason.PROMISED)
    assert found.due_at == clock.start_of_day(day + 9 * DAY)  # three days of grace, and the next morning
    assert reach(stage) == (Verification.UNVERIFIED, LastOutcome.REACHED)
    assert promise(stage) == (PromiseState.OPEN, 0, 81_200)
    sara = Principal(stage.cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.contract)}))
    about = {"campaign_id": anna.campaign, "contact_ids": [stage.cast.mario]}
    verdict = stage.work(lambda s: contacts.explain(s, sara, **about))[stage.cast.mario]
    assert Reason.PROMISED in verdict.reasons
    assert verdict.not_before >= found.due_at
    feed(stage, day, 81_200)
    assert judged(stage) is PromiseState.KEPT
    assert his(stage).state is ContactState.DONE
    assert told(stage).detail["promise"]["state"] == "kept"


def test_whoever_breaks_it_is_the_next_one_and_a_payment_told_late_puts_it_right(stage: Stage, anna: Anna) -> None:
    call, day = talks(stage, anna), today(stage)
    gives(stage, anna, call, Said.PROMISE, Heard(promise=Wanted(day, 20_000)))
    hangs_up(stage, call)
    assert judged(stage) is PromiseState.OPEN
    ages(stage, 10)
    old = update(ImportRun).values(as_of=ImportRun.as_of - 8 * DAY)
    stage.work(lambda s: s.execute(old))
    assert judged(stage) is PromiseState.UNJUDGED  # what is known is older than the promise's days
    feed(stage)
    assert judged(stage) is PromiseState.BROKEN
    first = select(CampaignContact.state, CampaignContact.priority)
    assert stage.work(lambda s: s.execute(first).one()) == (ContactState.LATER, promises.BROKEN_FIRST)
    assert stage.work(lambda s: s.scalars(select(DialerRecall.agent_id)).one()) == stage.cast.anna, "hers for a while"
    feed(stage, day - 9 * DAY, 20_000)
    assert judged(stage) is PromiseState.KEPT
    assert his(stage).state is ContactState.DONE


def test_a_part_that_is_told_late_brings_nobody_forward_for_whom_something_else_has_followed(
    stage: Stage, anna: Anna
) -> None:
    call, day = talks(stage, anna), today(stage)
    gives(stage, anna, call, Said.PROMISE, Heard(promise=Wanted(day, 20_000)))
    hangs_up(stage, call)
    ages(stage, 10)
    feed(stage)
    assert judged(stage) is PromiseState.BROKEN
    assert his(stage).state is ContactState.LATER, "whoever took the promise has him first"
    later = {"state": ContactState.LATER, "due_at": clock.start_of_day(day + 9 * DAY), "step": 1}
    stage.work(lambda s: s.execute(update(CampaignContact).values(**later)))
    feed(stage, day - 9 * DAY, 5_000)
    assert judged(stage) is PromiseState.PARTLY
    assert his(stage) == (ContactState.LATER, None, later["due_at"], 1)


@pytest.mark.parametrize(
    ("day", "cents", "field"), [(-1, None, "day"), (31, None, "day"), (3, 0, "amount"), (3, 81_201, "amount")]
)
def test_what_nobody_can_promise_is_said_at_its_field(
    stage: Stage, anna: Anna, day: int, cents: int | None, field: str
) -> None:
    call = talks(stage, anna)
    wanted = Wanted(today(stage) + day * DAY, cents)
    with pytest.raises(InvalidError) as refused:
        gives(stage, anna, call, Said.PROMISE, Heard(promise=wanted))
    assert [one.field for one in refused.value.parts] == [field]
    assert stage.work(lambda s: s.scalars(select(OutcomeGiven.id)).all()) == []


def test_what_concerns_the_debt_presupposes_that_it_is_he(stage: Stage, anna: Anna) -> None:
    call = talks(stage, anna, identified=False)
    for said in (Said.PROMISE, Said.REFUSES, Said.INSTALMENTS, Said.INFORMED):
        with pytest.raises(InvalidError, match="accerta"):
            gives(stage, anna, call, said, Heard(promise=Wanted(today(stage))))
    gives(stage, anna, call, Said.THIRD_PARTY)
    hangs_up(stage, call)
    assert his(stage).due_at >= stage.work(clock.now) + timedelta(hours=23)
    assert reach(stage) == (Verification.UNVERIFIED, None)


def test_a_wrong_number_is_called_no_more_and_taken_back_it_is_as_before(stage: Stage, anna: Anna) -> None:
    call = talks(stage, anna, identified=False)
    gives(stage, anna, call, Said.WRONG_NUMBER, Heard(note="È di un'officina"))
    assert reach(stage) == (Verification.WRONG, LastOutcome.WRONG_PERSON)
    stage.work(lambda s: outcomes.undo(s, anna.me, call_id=call))
    stage.work(lambda s: outcomes.undo(s, anna.me, call_id=call))
    assert reach(stage) == (Verification.UNVERIFIED, None)
    assert told(stage) is None
    gives(stage, anna, call, Said.WRONG_NUMBER)
    hangs_up(stage, call)
    assert (his(stage).state, his(stage).why) == (ContactState.OUT, Reason.NO_NUMBER)


def test_a_dispute_is_a_case_and_nobody_calls_while_it_is_open(stage: Stage, anna: Anna) -> None:
    call = talks(stage, anna)
    gives(stage, anna, call, Said.DISPUTE, Heard(note="Immobile venduto nel 2023"))
    hangs_up(stage, call)
    assert (his(stage).state, his(stage).why) == (ContactState.OUT, Reason.COMPLAINT)
    (case,) = stage.work(lambda s: s.scalars(select(Case)).all())
    assert (case.topic, case.channel, case.call_id) == (Topic.SELF_CORRECTION, CaseChannel.PHONE, call)
    assert "Immobile venduto" in case.reasons
    assert stage.work(lambda s: s.scalars(select(FollowUp)).all()) == []  # one thing, not two
    assert stage.work(outcomes.let_go) == 0
    withdrawn = {"case_id": case.id, "version": 1, "deed": Deed.WITHDRAW, "said": cases.Said("Ci ha ripensato")}
    stage.work(lambda s: cases.step(s, anna.me, **withdrawn))
    assert stage.work(outcomes.let_go) == 1
    assert his(stage).state is ContactState.READY


def test_what_was_asked_for_is_not_when_the_outcome_is_taken_back_and_asked_twice_is_one_case(
    stage: Stage, anna: Anna
) -> None:
    call = talks(stage, anna)
    gives(stage, anna, call, Said.INSTALMENTS)
    stage.work(lambda s: outcomes.undo(s, anna.me, call_id=call))
    (case,) = stage.work(lambda s: s.scalars(select(Case)).all())
    assert (case.state, case.outcome) == (CaseState.CLOSED, CaseOutcome.WITHDRAWN)
    (message,) = stage.work(lambda s: s.scalars(select(Message).where(Message.cause.startswith("case:"))).all())
    assert message.state is MessageState.WITHHELD
    heard = asking.Heard(
        stage.cast.mario, stage.cast.empoli, CaseWanted.INSTALMENTS, CaseChannel.VISIT, "Alla visita chiede le rate."
    )  # fmt: skip
    gives(stage, anna, call, Said.INSTALMENTS)
    assert stage.work(lambda s: asking.ask(s, anna.me, heard)) is None
    steps = stage.work(lambda s: s.scalars(select(CaseStep.deed).order_by(CaseStep.id)).all())
    assert steps[-2:] == [Deed.OPEN, Deed.REPEAT]


def test_whoever_refuses_is_at_the_next_step(stage: Stage, anna: Anna) -> None:
    plans(stage, anna.campaign, steps=(Step(Channel.CALL), Step(Channel.LETTER, 4)))
    call = talks(stage, anna)
    hangs_up(stage, call)
    was = his(stage)
    gives(stage, anna, call, Said.REFUSES)  # during the wrap-up
    assert (his(stage).state, his(stage).step) == (ContactState.LATER, 1)
    stage.work(lambda s: outcomes.undo(s, anna.me, call_id=call))
    assert his(stage) == was


def test_where_he_lives_now_is_proposed_and_where_he_does_not_is_marked(stage: Stage, anna: Anna) -> None:
    call = talks(stage, anna, identified=False)
    place = Address("Via Nuova 5", "50132", "Firenze", "FI")
    gives(stage, anna, call, Said.MOVED, Heard(address=place, source=Source.RELATED))
    person = stage.work(lambda s: people.get(s, stage.cast.mario))
    assert {one.street: one.verification for one in person.addresses} == {
        "Via Roma 1": Verification.WRONG, "Via Nuova 5": Verification.UNVERIFIED,
    }  # fmt: skip
    assert stage.work(lambda s: s.scalars(select(Proposal.what)).all()) == ["residence"]
    stage.work(lambda s: outcomes.undo(s, anna.me, call_id=call))
    person = stage.work(lambda s: people.get(s, stage.cast.mario))
    assert [(one.street, one.verification) for one in person.addresses] == [("Via Roma 1", Verification.UNVERIFIED)]


def test_nobody_calls_the_dead_and_somebody_verifies_it(stage: Stage, anna: Anna) -> None:
    call = talks(stage, anna, identified=False)
    gives(stage, anna, call, Said.DECEASED, Heard(note="Lo dice la figlia", source=Source.RELATED))
    hangs_up(stage, call)
    assert (his(stage).state, his(stage).why) == (ContactState.OUT, Reason.DECEASED)
    row = select(ContactCondition.source, ContactCondition.note, ContactCondition.withdrawn_at)
    assert stage.work(lambda s: s.execute(row).one()) == (Source.RELATED, "Lo dice la figlia", None)
    stage.work(lambda s: outcomes.undo(s, anna.me, call_id=call))
    assert stage.work(lambda s: s.execute(row).one()).withdrawn_at is not None
    assert stage.work(lambda s: s.scalars(select(FollowUp.state)).all()) == [FollowUpState.CANCELLED]


def test_he_is_called_when_he_wants_to_be(stage: Stage, anna: Anna) -> None:
    call, now = talks(stage, anna), stage.work(clock.now)
    with pytest.raises(InvalidError):
        gives(stage, anna, call, Said.CALL_AGAIN)
    gives(stage, anna, call, Said.CALL_AGAIN, Heard(call_after=now + 6 * DAY))
    hangs_up(stage, call)
    assert (his(stage).due_at, his(stage).why) == (now + 6 * DAY, Reason.WISH)


def test_the_next_one_waits_for_the_outcome_of_the_last(stage: Stage, anna: Anna) -> None:
    call = talks(stage, anna)
    hangs_up(stage, call)
    with pytest.raises(ConflictError, match="esito"):
        anna.takes()
    gives(stage, anna, call, Said.INFORMED)
    assert anna.takes() is None
    found = stage.work(lambda s: of_person(s, [stage.cast.mario]))
    assert [(one.attempts, [past.said for past in one.outcomes]) for one in found] == [(1, [Said.INFORMED])]


def test_an_interview_has_endings_of_its_own(stage: Stage, anna: Anna) -> None:
    plans(stage, anna.campaign, purpose=Purpose.SURVEY)
    call = talks(stage, anna)
    hangs_up(stage, call)
    assert stage.work(lambda s: of_call(s, call)) is None
    assert anna.takes() is None  # nothing is owed


def test_two_at_once_give_one_outcome(stage: Stage, anna: Anna) -> None:
    call = talks(stage, anna)
    refused: list[Exception] = []

    def give(said: Said) -> None:
        try:
            gives(stage, anna, call, said)
        except ConflictError as error:
            refused.append(error)

    both = [threading.Thread(target=give, args=(one,)) for one in (Said.REFUSES, Said.DISPUTE)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(refused) == 1
    assert len(stage.work(lambda s: s.scalars(select(OutcomeGiven.id)).all())) == 1


def test_a_colleague_another_ente_and_an_inbound_call_give_none(stage: Stage, anna: Anna, campaign: int) -> None:
    call = talks(stage, anna)
    luca = Principal(stage.cast.luca, "", "it", frozenset({Held(Role.AGENT, None, stage.cast.contract)}))
    with pytest.raises(ConflictError):
        stage.work(lambda s: outcomes.give(s, luca, call_id=call, said=Said.REFUSES))
    stranger = Principal(stage.cast.anna, "", "it", frozenset({Held(Role.AGENT, None, stage.cast.other_contract)}))
    with pytest.raises(ForbiddenError):
        stage.work(lambda s: outcomes.give(s, stranger, call_id=call, said=Said.REFUSES))
    siena = Scope.of_enti([stage.cast.siena], [stage.cast.other_contract])
    with pytest.raises((ConflictError, NotFoundError)):
        stage.database.transact(siena, lambda s: outcomes.give(s, anna.me, call_id=call, said=Said.REFUSES))
    plans(stage, campaign, outcomes=OutcomeRules(off=(Said.REFUSES,)))
    with pytest.raises(ConflictError, match="previsto"):
        gives(stage, anna, call, Said.REFUSES)
    assert stage.work(lambda s: of_call(s, call)).said is None
    other = stage.queues(sid="CAother", caller="+390571700322")
    assert stage.work(lambda s: of_call(s, other)) is None
