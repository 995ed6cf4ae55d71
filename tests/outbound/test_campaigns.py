"""A campaign as its people live it: written, approved by the ente, run; whom it dials, and whom it never does."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.cases import lifecycle as of_cases
from crm.cases import service as cases
from crm.cases.models import Case
from crm.collection.models import ImportRun, ImportState
from crm.contacts import preferences
from crm.contacts.models import Contact, PersonKind
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError
from crm.core.secrecy import Secrecy
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUp, FollowUpKind, FollowUpState
from crm.follow_ups.service import To
from crm.positions.models import Position, PositionState
from outbound.campaigns import admission, contacts, ripening, running, sequence, service
from outbound.campaigns.lifecycle import Deed, State
from outbound.campaigns.models import (
    Attempt,
    Campaign,
    CampaignContact,
    CampaignVersion,
    ContactState,
    Look,
    LookEnd,
    WrittenAttempt,
)
from outbound.campaigns.plan import Channel, Phase, Plan, Step
from outbound.compliance.calls import opens
from outbound.compliance.rules import Ended, Reason, Written
from outbound.dialer import calling, recalls
from outbound.dialer.models import DialerRecall
from outbound.letters.usual import USUAL
from outbound.lists.models import ContactList, ContactListMember, ListState, Origin
from outbound.messages.text import Words
from outbound.outcomes import service as outcomes
from telephony.lines.models import LineKind, PhoneLine
from tests.cast import EMPOLI_LINE, Cast, add_contact, add_position, principal_of
from tests.databases import DatabaseUrls

pytestmark = pytest.mark.integration
NOON = datetime(2026, 11, 24, 11, tzinfo=UTC)  # a Tuesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLAN = Plan(
    queue_id=1,
    line=EMPOLI_LINE,
    scripts={Phase.PERSONAL: "La chiamo per una posizione."},
    fresh_hours=720,
    letters=USUAL,
)


class Office:
    """Sara's, who runs campaigns; Vera approves for Empoli; Anna and Luca call. It is Tuesday noon."""

    def __init__(self, urls: DatabaseUrls, cast: Cast) -> None:
        self.cast, self.now = cast, NOON
        self.database = Database(
            urls.app, urls.routing, pool_size=4, clock=lambda: self.now, secrecy=Secrecy(bytes(32))
        )
        self.scope = Scope.of_enti([cast.empoli, cast.vinci], [cast.contract])
        with self.database.begin(Scope.nothing()) as session:
            self.sara, self.anna, self.luca = (principal_of(session, one) for one in (cast.sara, cast.anna, cast.luca))
        self.vera = Principal(cast.vera, "", "it", frozenset({Held(Role.ENTE_APPROVER, cast.empoli, None)}))

    def work(self, do: Callable[..., Any]) -> Any:
        return self.database.transact(self.scope, do)

    def list_of(self, *contact_ids: int) -> int:
        def make(session: Any) -> int:
            of = {"ente_id": self.cast.empoli}
            made = ContactList(
                **of, name="Chi deve", origin=Origin.FILE, state=ListState.READY, made_by=self.cast.sara,
                made_at=clock.now(session), members=len(contact_ids), rows=0, wrong=0, unknown=0, several=0, twice=0,
            )  # fmt: skip
            session.add(made)
            session.flush()
            session.add_all(ContactListMember(list_id=made.id, contact_id=one, **of) for one in contact_ids)
            return int(made.id)

        return int(self.work(make))

    def begin(self, *contact_ids: int, plan: Plan = PLAN, name: str = "Solleciti") -> int:
        of = {"ente_id": self.cast.empoli, "contract_id": self.cast.contract}
        list_id = self.list_of(*(contact_ids or (self.cast.mario,)))
        return int(self.work(lambda s: service.begin(s, self.sara, **of, list_id=list_id, name=name, plan=plan)))

    def act(self, by: Principal, campaign: int, *deeds: Deed, reason: str = "") -> State:
        for deed in deeds:
            state: State = self.work(lambda s: service.act(s, by, campaign_id=campaign, deed=deed, reason=reason))  # noqa: B023
        return state

    def run(self, *contact_ids: int, **about: Any) -> int:
        campaign = self.begin(*contact_ids, **about)
        self.act(self.sara, campaign, Deed.SUBMIT)
        self.act(self.vera, campaign, Deed.APPROVE)
        self.act(self.sara, campaign, Deed.START)
        self.work(lambda s: admission.admit(s, campaign_id=campaign))
        return campaign

    def next(self, by: Principal, campaign: int) -> Any:
        return self.work(lambda s: contacts.next_contact(s, by, campaign_id=campaign))

    def dial(self, by: Principal, campaign: int, contact: int) -> Any:
        return self.work(lambda s: contacts.dial(s, by, campaign_id=campaign, contact_id=contact))

    def contact(self, campaign: int, contact: int) -> Any:
        row = select(CampaignContact.state, CampaignContact.why, CampaignContact.due_at).where(
            CampaignContact.campaign_id == campaign, CampaignContact.contact_id == contact
        )
        return self.work(lambda s: s.execute(row).one())

    def lucia(self) -> int:
        """Of Empoli, without a telephone, who owes too."""

        def make(session: Any) -> int:
            lucia = add_contact(session, self.cast.empoli, "VRDLCU70A41D403W", "VERDI", "LUCIA", None)
            add_position(session, self.cast.empoli, lucia, "E-2", None)
            return lucia

        return int(self.work(make))

    def waiting(self, campaign: int, channel: Channel) -> list[int]:
        def look(session: Any) -> list[int]:
            its = running.get(session, campaign)
            return sequence.waiting(session, campaign=its, channel=channel, limit=10, now=clock.now(session))

        return list(self.work(look))

    def adds_up(self) -> None:
        """What is kept as spent on messages and letters is what was spent on them."""
        costs = func.coalesce(func.sum(WrittenAttempt.cost), 0)
        its = select(Campaign.written_cost, costs).outerjoin(WrittenAttempt, WrittenAttempt.campaign_id == Campaign.id)
        for kept, spent in self.work(lambda s: s.execute(its.group_by(Campaign.id)).all()):
            assert kept == spent

    def passed(self, campaign: int, contact: int) -> None:
        def work(session: Any) -> None:
            its = running.get(session, campaign)
            sequence.passed(session, campaign=its, contact_ids=[contact], now=clock.now(session))

        self.work(work)

    def why_not(self, campaign: int, contact: int) -> set[Reason]:
        of = {"campaign_id": campaign, "contact_ids": [contact]}
        return set(self.work(lambda s: contacts.explain(s, self.sara, **of))[contact].reasons)


@pytest.fixture
def office(database_urls: DatabaseUrls, cast: Cast) -> Iterator[Office]:
    made = Office(database_urls, cast)
    heard = {"file_name": "feed.jsonl", "file_bytes": 1, "totals": [], "state": ImportState.DONE}
    when = dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), NOON - HOUR)
    made.work(lambda s: s.add(ImportRun(ente_id=cast.empoli, **heard, **when)))
    yield made
    made.database.dispose()


def test_it_is_written_approved_by_the_ente_and_run(office: Office, cast: Cast) -> None:
    campaign = office.begin(plan=replace(PLAN, line=""))
    with pytest.raises(InvalidError) as lacking:
        office.act(office.sara, campaign, Deed.SUBMIT)
    assert [one.field for one in lacking.value.parts] == ["line"]
    office.work(lambda s: service.write(s, office.sara, campaign_id=campaign, name="Solleciti", plan=PLAN))
    office.act(office.sara, campaign, Deed.SUBMIT)
    with pytest.raises(ForbiddenError):
        office.act(office.sara, campaign, Deed.APPROVE)
    with pytest.raises(InvalidError, match="perché"):
        office.act(office.vera, campaign, Deed.REFUSE)
    assert office.act(office.vera, campaign, Deed.REFUSE, reason="Troppo presto") is State.DRAFT
    kept = office.work(
        lambda s: s.execute(
            select(CampaignVersion.number, CampaignVersion.approved, CampaignVersion.reason).order_by(
                CampaignVersion.number
            )
        ).all()
    )
    assert kept == [(1, False, "Troppo presto"), (2, None, "")]
    office.act(office.sara, campaign, Deed.SUBMIT)
    assert office.act(office.vera, campaign, Deed.APPROVE) is State.APPROVED
    with pytest.raises(ForbiddenError):
        office.act(office.vera, campaign, Deed.START)
    assert office.act(office.sara, campaign, Deed.START) is State.RUNNING
    office.work(lambda s: admission.admit(s, campaign_id=campaign))
    office.work(lambda s: admission.admit(s, campaign_id=campaign))  # a worker that thought it had the lease
    assert office.contact(campaign, cast.mario).state is ContactState.READY
    assert office.act(office.vera, campaign, Deed.STOP, reason="Errore nelle cartelle") is State.STOPPED
    with pytest.raises(ConflictError):
        office.act(office.sara, campaign, Deed.RESUME)
    assert office.next(office.anna, campaign) is None
    assert office.act(office.vera, campaign, Deed.RELEASE) is State.PAUSED


def test_what_was_approved_is_not_written_over(office: Office) -> None:
    campaign = office.run()
    with pytest.raises(InvalidError, match="bozza"):
        office.work(lambda s: service.write(s, office.sara, campaign_id=campaign, name="Altro", plan=PLAN))
    office.act(office.sara, campaign, Deed.PAUSE)
    assert office.act(office.sara, campaign, Deed.CHANGE) is State.DRAFT
    with pytest.raises(ConflictError):
        office.act(office.sara, campaign, Deed.RESUME)  # the ente has yet to see what was changed
    again = office.work(lambda s: service.clone(s, office.sara, campaign_id=campaign, name="Come la prima"))
    assert office.work(lambda s: s.get(Campaign, again).state) is State.DRAFT


def test_whoever_is_claimed_is_nobody_else_s_and_is_dialed_once(office: Office, cast: Cast) -> None:
    campaign = office.run()
    other = office.run(cast.mario, name="Un'altra")
    chosen = office.next(office.anna, campaign)
    assert chosen.contact_id == cast.mario
    assert office.next(office.luca, campaign) is None
    assert office.next(office.luca, other) is None
    assert office.contact(other, cast.mario).why is None
    with pytest.raises(ConflictError):
        office.dial(office.luca, campaign, cast.mario)
    attempt, verdict = office.dial(office.anna, campaign, cast.mario)
    assert verdict.allowed
    for _ in range(2):
        office.work(lambda s: contacts.ended(s, attempt_id=attempt, ended=Ended.SPOKEN, operator=True))
    assert office.next(office.anna, campaign) is None
    assert Reason.SPOKEN_TODAY in office.why_not(other, cast.mario), "over all campaigns"
    found = office.contact(campaign, cast.mario)
    assert (found.state, found.why) == (ContactState.LATER, Reason.SPOKEN_TODAY)
    assert found.due_at >= NOON + 2 * DAY - HOUR * 4


def test_two_agents_ask_at_one_instant_and_two_campaigns_have_the_same_man(office: Office, cast: Cast) -> None:
    running = [office.run(cast.mario, name=name) for name in ("Una", "Due")]
    got: list[Any] = []
    gate = threading.Barrier(4)

    def ask(by: Principal, campaign: int) -> None:
        gate.wait()
        got.append(office.next(by, campaign))

    people = [
        (office.anna, running[0]),
        (office.luca, running[0]),
        (office.anna, running[1]),
        (office.luca, running[1]),
    ]
    threads = [threading.Thread(target=ask, args=one) for one in people]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(one is not None for one in got) == 1


def test_the_next_contact_is_chosen_by_few_statements_also_when_others_come_first_who_may_not(
    office: Office, cast: Cast
) -> None:
    campaign = office.run(cast.mario, office.lucia())
    office.work(lambda s: s.execute(update(CampaignContact).values(priority=CampaignContact.contact_id)))
    asked: list[str] = []
    event.listen(office.database.app_engine, "before_cursor_execute", lambda *about: asked.append(about[2]))
    chosen = office.next(office.anna, campaign)  # Lucia comes first, and has no telephone
    assert chosen.contact_id == cast.mario
    asked.clear()
    office.work(lambda s: contacts.let_go(s, office.anna, campaign_id=campaign, contact_id=cast.mario))
    asked.clear()
    assert office.next(office.anna, campaign).contact_id == cast.mario
    assert len(asked) <= 12, asked


def test_whom_another_campaign_has_is_passed_over_and_keeps_his_place(office: Office, cast: Cast) -> None:
    first, second = office.run(cast.mario, name="Una"), office.run(cast.mario, name="Due")
    assert office.next(office.anna, first) is not None
    before = office.contact(second, cast.mario)
    assert office.next(office.luca, second) is None
    assert office.contact(second, cast.mario) == before
    office.work(lambda s: contacts.let_go(s, office.anna, campaign_id=first, contact_id=cast.mario))
    assert office.next(office.luca, second) is not None, "at once"


def test_whoever_has_paid_died_or_complained_since_the_list_was_made_is_not_dialed(office: Office, cast: Cast) -> None:
    campaign = office.run()

    def changed(model: Any, where: Any, **values: Any) -> None:
        office.work(lambda s: s.execute(update(model).where(where).values(**values)))

    assert office.why_not(campaign, cast.mario) == set()
    changed(Position, Position.contact_id == cast.mario, residual_cents=0, state=PositionState.PAID)
    assert Reason.NOTHING_DUE in office.why_not(campaign, cast.mario)
    assert office.next(office.anna, campaign) is None
    assert office.contact(campaign, cast.mario).why is Reason.NOTHING_DUE
    changed(Position, Position.contact_id == cast.mario, residual_cents=100, state=PositionState.SUSPENDED)
    assert Reason.SUSPENDED in office.why_not(campaign, cast.mario)
    changed(Position, Position.contact_id == cast.mario, residual_cents=100, state=PositionState.OVERDUE)
    assert office.why_not(campaign, cast.mario) == set()
    changed(Contact, Contact.id == cast.mario, deceased_on=date(2026, 11, 1))
    assert office.why_not(campaign, cast.mario) == {Reason.DECEASED}
    changed(Contact, Contact.id == cast.mario, deceased_on=None)
    office.work(lambda s: preferences.do_not_call(s, office.sara, contact_id=cast.mario, why="lo ha chiesto"))
    assert office.why_not(campaign, cast.mario) == {Reason.DO_NOT_CALL}


def test_he_asked_not_to_be_called_while_the_agent_read_his_file(office: Office, cast: Cast) -> None:
    campaign = office.run()
    assert office.next(office.anna, campaign) is not None
    office.work(lambda s: preferences.do_not_call(s, office.sara, contact_id=cast.mario))
    _, verdict = office.dial(office.anna, campaign, cast.mario)
    assert verdict.reasons == (Reason.DO_NOT_CALL,)
    (row,) = office.work(lambda s: s.execute(select(Attempt.begun, Attempt.reasons, Attempt.ended)).all())
    assert row == (False, ["do_not_call"], None)
    assert office.contact(campaign, cast.mario).state is ContactState.OUT


def test_nobody_is_dialed_at_night_and_he_is_the_next_one_in_the_morning(office: Office, cast: Cast) -> None:
    office.now = NOON + 8 * HOUR  # eight in the evening: the plan says until seven
    campaign = office.run()
    assert office.next(office.anna, campaign) is None
    nine = datetime(2026, 11, 25, 8, tzinfo=UTC)  # in Rome
    assert opens(office.work(lambda s: running.get(s, campaign)).rules, office.now) == nine
    office.now = nine - timedelta(seconds=1)
    assert office.next(office.anna, campaign) is None
    office.now = nine
    assert office.next(office.anna, campaign).contact_id == cast.mario


def test_while_only_businesses_are_called_people_keep_their_place(office: Office, cast: Cast) -> None:
    """Requirement O3: Mario is looked for in the evening, a firm at noon."""

    def found(session: Any) -> int:
        firm = add_contact(session, cast.empoli, "01234560480", "TESSITURE ARNO SRL", "", "+390571700900")
        add_position(session, cast.empoli, firm, "E-3", None)
        session.execute(update(Contact).where(Contact.id == firm).values(kind=PersonKind.LEGAL, born_on=None))
        return firm

    firm = office.work(found)
    week = {"hours": ("17:00-20:00",) * 7, "business_hours": ("9:00-13:00",) * 7}
    campaign = office.run(cast.mario, firm, plan=replace(PLAN, **week))
    assert office.next(office.anna, campaign).contact_id == firm
    assert office.next(office.luca, campaign) is None
    assert office.contact(campaign, cast.mario).state is ContactState.READY
    office.now += 6 * HOUR
    assert office.next(office.luca, campaign).contact_id == cast.mario


def test_an_agent_who_forgets_whom_he_claimed_leaves_him_to_the_others(office: Office, cast: Cast) -> None:
    campaign = office.run()
    assert office.next(office.anna, campaign) is not None
    office.now += contacts.CLAIM
    with pytest.raises(ConflictError):
        office.dial(office.anna, campaign, cast.mario)
    assert office.work(lambda s: ripening.ripen(s, campaign_id=campaign)) == 1
    assert office.next(office.luca, campaign).contact_id == cast.mario
    office.work(lambda s: contacts.let_go(s, office.luca, campaign_id=campaign, contact_id=cast.mario))
    assert office.next(office.anna, campaign).contact_id == cast.mario


def test_whom_somebody_had_before_him_as_the_campaign_was_paused_may_be_called_by_another(
    office: Office, cast: Cast
) -> None:
    paused, other = office.run(), office.run(name="Secondo sollecito")
    assert office.work(lambda s: calling.next_contact(s, office.anna, campaign_id=paused)) is not None
    office.act(office.sara, paused, Deed.PAUSE)
    ripening.ripen_all(office.database)
    assert office.next(office.luca, other) is None, "he is hers for ten minutes"
    office.now += contacts.CLAIM + contacts.judging.ELSEWHERE
    ripening.ripen_all(office.database)
    assert office.contact(paused, cast.mario).state is ContactState.READY
    assert office.next(office.luca, other).contact_id == cast.mario
    (look,) = office.work(lambda s: s.execute(select(Look.became, Look.over_at - Look.asked_at)).all())
    assert look == (LookEnd.LAPSED, contacts.CLAIM)


def test_who_is_spoken_with_for_long_is_nobody_else_s_meanwhile(office: Office, cast: Cast) -> None:
    """Else the next step, and any other campaign, would have him while he is on the telephone."""
    steps = (Step(Channel.CALL), Step(Channel.LETTER, 5))
    campaign = office.run(cast.mario, plan=replace(PLAN, steps=steps, attempts=1))
    office.next(office.anna, campaign)
    attempt_id, _ = office.dial(office.anna, campaign, cast.mario)
    office.now += contacts.CLAIM
    assert office.work(lambda s: ripening.ripen(s, campaign_id=campaign)) == 0
    assert office.next(office.luca, campaign) is None
    assert office.contact(campaign, cast.mario).state is ContactState.CLAIMED
    office.work(lambda s: contacts.ended(s, attempt_id=attempt_id, ended=Ended.SPOKEN, operator=True))
    assert office.contact(campaign, cast.mario) == (ContactState.LATER, None, office.now + 5 * DAY)


def test_an_open_case_is_why_he_is_out_whatever_else_holds(office: Office, cast: Cast) -> None:
    """Only whom a case holds is let go when it is closed: else he would be out for ever."""
    campaign = office.run()
    office.work(lambda s: s.execute(update(ImportRun).values(as_of=NOON - 40 * DAY)))
    case = {"contact_id": cast.mario, "kind": FollowUpKind.CASE, "due_at": NOON + DAY, "to": To(), "note": ""}
    held = office.work(lambda s: follow_ups.make(s, office.anna, **case))
    assert office.why_not(campaign, cast.mario) == {Reason.STALE, Reason.COMPLAINT}
    assert office.next(office.anna, campaign) is None
    assert office.contact(campaign, cast.mario)[:2] == (ContactState.OUT, Reason.COMPLAINT)
    assert office.work(outcomes.let_go) == 0
    office.work(lambda s: follow_ups.cancel(s, office.anna, follow_up_id=held))
    assert office.work(outcomes.let_go) == 1


def test_a_request_holds_him_from_its_promise_to_its_end(office: Office, cast: Cast) -> None:
    """A follow-up that became a case is closed: the case holds him in its place."""
    campaign = office.run()
    case = {"contact_id": cast.mario, "kind": FollowUpKind.CASE, "due_at": NOON + DAY, "to": To(), "note": ""}
    promised = office.work(lambda s: follow_ups.make(s, office.anna, **case))
    request = cases.Request(
        of_cases.Topic.COMPLAINT, of_cases.Channel.PHONE, "Il sollecito era già pagato.", follow_up_id=promised
    )
    office.work(lambda s: cases.open_case(s, office.anna, request=request, contact_id=cast.mario))
    assert office.work(lambda s: s.scalar(select(FollowUp.state))) is FollowUpState.DONE
    assert office.why_not(campaign, cast.mario) == {Reason.COMPLAINT}
    assert office.next(office.anna, campaign) is None
    assert office.work(outcomes.let_go) == 0
    office.work(lambda s: s.execute(update(Case).values(state=of_cases.State.CLOSED, closed_at=office.now)))
    assert office.work(outcomes.let_go) == 1


def test_another_ente_s_people_see_and_do_nothing(office: Office, cast: Cast) -> None:
    campaign = office.run()
    foreign = Principal(cast.luca, "", "it", frozenset({Held(Role.SUPERVISOR, None, cast.other_contract)}))
    with pytest.raises(ForbiddenError):
        office.act(foreign, campaign, Deed.PAUSE)
    with pytest.raises(ForbiddenError):
        office.next(foreign, campaign)
    with pytest.raises(ForbiddenError):
        office.work(lambda s: contacts.explain(s, foreign, campaign_id=campaign, contact_ids=[cast.mario]))
    siena = Scope.of_enti([cast.siena], [cast.other_contract])
    assert office.database.transact(siena, lambda s: s.scalars(select(Campaign.id)).all()) == []


def test_its_steps_follow_each_other_after_their_days(office: Office, cast: Cast) -> None:
    """Whom a step did not reach goes to the next one after its days; after the last he is done."""
    steps = (Step(Channel.SMS), Step(Channel.CALL, 3), Step(Channel.LETTER, 10))
    lucia = office.lucia()
    messages = {Written.SMS: {Phase.PERSONAL: Words(body="{ente}: ci chiami.")}}
    campaign = office.run(cast.mario, lucia, plan=replace(PLAN, steps=steps, messages=messages))
    assert office.next(office.anna, campaign) is None, "first an SMS"
    assert set(office.waiting(campaign, Channel.SMS)) == {cast.mario, lucia}
    office.passed(campaign, cast.mario)
    assert office.contact(campaign, cast.mario).due_at == office.now + 3 * DAY
    assert office.waiting(campaign, Channel.SMS) == [lucia]
    office.now += 3 * DAY
    office.work(lambda s: ripening.ripen(s, campaign_id=campaign))
    assert office.next(office.anna, campaign).contact_id == cast.mario
    office.passed(campaign, cast.mario)
    office.now += 10 * DAY
    office.work(lambda s: ripening.ripen(s, campaign_id=campaign))
    assert office.waiting(campaign, Channel.LETTER) == [cast.mario]
    office.passed(campaign, cast.mario)
    assert office.contact(campaign, cast.mario).state is ContactState.DONE
    assert office.waiting(campaign, Channel.LETTER) == []


def test_for_whom_the_matter_is_ended_no_further_step_follows(office: Office, cast: Cast) -> None:
    """A letter is handed over, or a call ends that exhausts his number, after he has kept his promise."""
    campaign = office.run(plan=replace(PLAN, steps=(Step(Channel.CALL), Step(Channel.LETTER, 1)), attempts=1))
    assert office.next(office.anna, campaign) is not None
    attempt_id, _ = office.dial(office.anna, campaign, cast.mario)
    done = {"campaign_id": campaign, "contact_ids": [cast.mario]}
    office.work(lambda s: sequence.done(s, **done, now=clock.now(s)))
    office.work(lambda s: contacts.ended(s, attempt_id=attempt_id, ended=Ended.BUSY, operator=False))
    assert office.contact(campaign, cast.mario).state is ContactState.DONE
    office.passed(campaign, cast.mario)
    assert office.contact(campaign, cast.mario).state is ContactState.DONE


def test_who_cannot_be_called_is_written_to(office: Office) -> None:
    """Whom a telephone cannot reach goes on to the next step; where there is none he is out."""
    lucia = office.lucia()
    steps = (Step(Channel.CALL), Step(Channel.LETTER, 1))
    campaign = office.run(lucia, plan=replace(PLAN, steps=steps))
    assert office.next(office.anna, campaign) is None
    assert office.contact(campaign, lucia).state is ContactState.LATER


def test_who_asked_to_be_called_is_not_once_his_step_is_a_letter(office: Office, cast: Cast) -> None:
    """His last attempt went by, say: asked for again at every turn, he would lose a step each time."""
    steps = (Step(Channel.CALL), Step(Channel.LETTER, 5), Step(Channel.LETTER, 9))
    campaign = office.run(cast.mario, plan=replace(PLAN, steps=steps, attempts=1))
    his = {"campaign_id": campaign, "contact_id": cast.mario}
    office.next(office.anna, campaign)
    attempt_id, _ = office.dial(office.anna, campaign, cast.mario)
    wanted = {"ente_id": cast.empoli, "agent_id": cast.anna, "wanted_at": NOON + HOUR, "made_at": NOON}
    office.work(lambda s: s.add(DialerRecall(**his, **wanted)))
    office.work(lambda s: contacts.ended(s, attempt_id=attempt_id, ended=Ended.ANSWERED, operator=True))
    office.work(lambda s: recalls.keep(s, campaign, cast.mario))
    assert office.contact(campaign, cast.mario) == (ContactState.LATER, None, NOON + 5 * DAY)
    office.now = NOON + HOUR
    for _ in range(2):
        assert office.work(lambda s: recalls.due(s, running.get(s, campaign), cast.anna, office.now)) is None
    assert office.contact(campaign, cast.mario) == (ContactState.LATER, None, NOON + 5 * DAY)


def test_who_is_being_called_is_not_let_go(office: Office, cast: Cast) -> None:
    """A page that was left open says "let go" while he talks: nobody else gets him."""
    campaign = office.run(cast.mario)
    office.next(office.anna, campaign)
    office.dial(office.anna, campaign, cast.mario)
    office.work(lambda s: contacts.let_go(s, office.anna, campaign_id=campaign, contact_id=cast.mario))
    assert office.contact(campaign, cast.mario).state is ContactState.CLAIMED


def test_steps_that_somebody_has_begun_stay_as_they_are(office: Office, cast: Cast) -> None:
    plan = replace(PLAN, steps=(Step(Channel.CALL), Step(Channel.LETTER, 10)))
    campaign = office.run(cast.mario, plan=plan)
    office.act(office.sara, campaign, Deed.PAUSE, Deed.CHANGE)
    written = {"campaign_id": campaign, "name": "Solleciti"}
    changed = replace(plan, steps=(Step(Channel.SMS), *plan.steps))
    with pytest.raises(InvalidError):
        office.work(lambda s: service.write(s, office.sara, **written, plan=changed))
    later = replace(plan, steps=(Step(Channel.CALL), Step(Channel.SMS, 2)))
    office.work(lambda s: service.write(s, office.sara, **written, plan=later))


def test_a_campaign_calls_as_its_ente_and_by_its_contract_s_operators(office: Office, cast: Cast) -> None:
    """A form may be forged: the number is shown to people, and printed as the one to phone."""
    campaign = office.begin(plan=replace(PLAN, line="", queue_id=None))
    written = {"campaign_id": campaign, "name": "Solleciti"}
    forged = {"line": "+39899000000", "queue_id": 2**31 - 1}
    others = "+390577000001"
    with office.database.begin(Scope.nothing()) as session:
        of = {"contract_id": cast.other_contract, "ente_id": None}
        session.add(PhoneLine(number=others, label="D'altri", kind=LineKind.GEOGRAPHIC, **of))
    for wrong in (forged, {**forged, "line": others}):
        with pytest.raises(InvalidError) as refused:
            office.work(lambda s, wrong=wrong: service.write(s, office.sara, **written, plan=replace(PLAN, **wrong)))
        assert {one.field for one in refused.value.parts} == {"line", "queue_id"}
    right = replace(PLAN, queue_id=cast.operator)
    office.work(lambda s: service.write(s, office.sara, **written, plan=right))
