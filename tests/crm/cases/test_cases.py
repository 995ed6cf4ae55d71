"""Mario's requests: registered with their terms, rested and extended with his being told, decided by Vera, answered."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm.access.models import Role, RoleGrant
from crm.access.permissions import Principal
from crm.audit.models import AuditEntry
from crm.cases import (
    asking,
    concerning,
    documents,
    owners,
    queries,
    resting,
    service,
    views,
    warning,
    watching,
)
from crm.cases import running as running_terms
from crm.cases.deadlines import Span, due_at
from crm.cases.lifecycle import Channel, Deed, Outcome, State, Topic
from crm.cases.models import Case, CaseDocument, CaseTerm, ExtensionReason, PauseReason
from crm.cases.queries import Filter, Whose
from crm.cases.saying import Request, Said
from crm.cases.terms import TermKind
from crm.cases.views import CaseView
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError
from crm.documents.models import DocumentContent
from crm.documents.privacy import let_go
from crm.enti.models import Office
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUp, FollowUpKind, FollowUpState
from crm.levels import evidence
from crm.levels.administration import put
from crm.levels.agreement import EVER, Agreement, Period
from crm.levels.judgement import judge
from crm.levels.metrics import MetricName
from crm.levels.presets import PRESETS, of_contract
from crm.levels.terms import USUAL
from crm.messages.models import Message, MessageState
from crm.positions.models import Position, PositionState
from crm.timeline.models import EntryKind, TimelineEntry
from tests.cast import Cast, add_position, principal_of

pytestmark = pytest.mark.integration


@pytest.fixture
def anna(everything: Session, cast: Cast) -> Principal:
    preset = PRESETS["anci_toscana"]
    put(everything, Agreement(cast.contract, EVER, Period.MONTH, of_contract(preset.promises, cast.contract)))
    return principal_of(everything, cast.anna)


@pytest.fixture
def sara(everything: Session, cast: Cast) -> Principal:
    return principal_of(everything, cast.sara)


@pytest.fixture
def vera(everything: Session, cast: Cast) -> Principal:
    """She decides for Empoli."""
    everything.execute(update(RoleGrant).where(RoleGrant.user_id == cast.vera).values(role=Role.ENTE_APPROVER))
    return principal_of(everything, cast.vera)


def opened(session: Session, by: Principal, cast: Cast, topic: Topic = Topic.SUSPENSION, **more: object) -> int:
    request = Request(topic, Channel.PHONE, "Ha fatto ricorso", "Fino alla sentenza", **more)  # type: ignore[arg-type]
    return service.open_case(session, by, request=request, contact_id=cast.mario)


def seen(session: Session, case_id: int) -> CaseView:
    session.flush()
    return views.one(session, case_id)


def does(
    session: Session, by: Principal, case_id: int, deed: Deed, words: str = "", outcome: Outcome | None = None,
    office: int | None = None, instalments: int | None = None,
) -> None:  # fmt: skip
    version = seen(session, case_id).version
    said = Said(words, outcome, office, instalments)
    service.step(session, by, case_id=case_id, version=version, deed=deed, said=said)


def running(session: Session, case_id: int) -> dict[TermKind, int]:
    return {one.kind: one.days for one in seen(session, case_id).running}


def test_a_request_has_a_number_its_terms_and_how_the_debt_stood(
    everything: Session, cast: Cast, anna: Principal
) -> None:
    first = opened(everything, anna, cast, references=["E-1"])
    second = opened(everything, anna, cast)
    one = seen(everything, first)
    year = clock.in_rome(clock.now(everything)).year
    assert (one.label, seen(everything, second).label) == (f"{year}/1", f"{year}/2")
    assert running(everything, first) == {TermKind.SHEET: 15}
    (debt,) = one.debts
    assert (debt.reference, debt.cents) == ("E-1", debt.cents_now)
    entry = everything.scalars(select(TimelineEntry).where(TimelineEntry.kind == EntryKind.CASE).limit(1)).one()
    assert entry.detail["topic"] == "suspension"
    kinds = set(everything.scalars(select(AuditEntry.kind).where(AuditEntry.contact_id == cast.mario)))
    assert "case.open" in kinds


def test_a_suspension_goes_by_the_ente_twice_and_waits_for_the_collection_system(
    everything: Session, cast: Cast, anna: Principal, vera: Principal, sara: Principal
) -> None:
    case = opened(everything, anna, cast)
    does(everything, anna, case, Deed.TAKE)
    assert seen(everything, case).owner_id == cast.anna
    does(everything, anna, case, Deed.SEND_SHEET)
    assert running(everything, case) == {TermKind.ENTE_DECIDES: 30}
    with pytest.raises(ForbiddenError):
        does(everything, anna, case, Deed.AUTHORISE, outcome=Outcome.GRANTED)
    does(everything, vera, case, Deed.AUTHORISE, outcome=Outcome.GRANTED)
    does(everything, anna, case, Deed.DRAFT)
    with pytest.raises(ForbiddenError):
        does(everything, sara, case, Deed.SIGN)
    does(everything, vera, case, Deed.SIGN)
    assert running(everything, case) == {TermKind.SENT: 15}
    with pytest.raises(InvalidError):  # it has no protocol yet
        does(everything, anna, case, Deed.REPLY, "La sospensione è concessa")
    today = clock.business_day(clock.now(everything))
    version = seen(everything, case).version
    service.register(everything, anna, case_id=case, version=version, number="12/2026", day=today)
    does(everything, anna, case, Deed.REPLY, "La sospensione è concessa")
    one = seen(everything, case)
    assert (one.state, one.outcome, one.running) == (State.AT_GESTIONALE, Outcome.GRANTED, ())
    does(everything, sara, case, Deed.CARRIED_OUT, "Sospesa dal 20/11")
    one = seen(everything, case)
    assert one.closed_at is not None
    assert all(term.in_time for term in one.terms)
    assert [step.deed for step in one.steps][-1] is Deed.OPEN


def test_instalments_are_closed_by_the_feed_that_shows_them(everything: Session, cast: Cast, anna: Principal) -> None:
    case = opened(everything, anna, cast, Topic.INSTALMENTS, references=["E-1"])
    does(everything, anna, case, Deed.TAKE)
    does(everything, anna, case, Deed.DECIDE, "Ha i requisiti", Outcome.GRANTED, instalments=24)
    today = clock.business_day(clock.now(everything))
    service.register(everything, anna, case_id=case, version=3, number="9", day=today)
    does(everything, anna, case, Deed.REPLY, "24 rate")
    assert watching.close_carried(everything, ente_id=cast.empoli) == 0
    everything.execute(
        update(Position).where(Position.reference == "E-1").values(state=PositionState.IN_INSTALMENTS)
    )  # fmt: skip
    assert watching.close_carried(everything, ente_id=cast.empoli) == 1
    one = seen(everything, case)
    assert (one.state, one.outcome, one.steps[0].by) == (State.CLOSED, Outcome.GRANTED, "")


def test_a_promised_case_becomes_one_with_its_words_its_day_and_whose_it_was(
    everything: Session, cast: Cast, anna: Principal
) -> None:
    at = clock.now(everything)
    promise = follow_ups.make(
        everything, anna, contact_id=cast.mario, kind=FollowUpKind.CASE, to=follow_ups.To(user_id=cast.anna),
        due_at=at + timedelta(days=2), note="Chiede la rateizzazione. In 24 rate",
    )  # fmt: skip
    letter = follow_ups.owe(
        everything, ente_id=cast.empoli, contact_id=cast.mario, kind=FollowUpKind.CASE,
        note="La posta ha reso la lettera EM-7 perché il destinatario sarebbe deceduto: verificare.",
    )  # fmt: skip
    everything.execute(update(FollowUp).where(FollowUp.id == promise).values(made_at=at - timedelta(days=3)))
    assert [asking.adopt(everything, ente_id=cast.empoli) for _ in range(2)] == [1, 0]
    (case,) = everything.scalars(select(Case))
    assert (case.topic, case.owner_id, case.opened_by) == (Topic.INSTALMENTS, cast.anna, cast.anna)
    assert (case.received_at, case.reasons) == (at - timedelta(days=3), "Chiede la rateizzazione. In 24 rate")
    assert everything.get_one(FollowUp, promise).state is FollowUpState.DONE
    assert everything.get_one(FollowUp, letter).state is FollowUpState.OPEN  # nobody asked for anything
    kinds = list(everything.scalars(select(TimelineEntry.kind).order_by(TimelineEntry.kind)))
    assert (kinds.count(EntryKind.CASE), kinds.count(EntryKind.FOLLOW_UP)) == (1, 1)
    assert everything.scalars(select(Message.id)).all() == []  # what he said long ago he is not told now


def test_two_people_on_one_case_the_second_is_told(everything: Session, cast: Cast, anna: Principal) -> None:
    case = opened(everything, anna, cast, Topic.INFORMATION)
    service.step(everything, anna, case_id=case, version=1, deed=Deed.TAKE, said=Said())
    with pytest.raises(ConflictError):
        service.step(everything, anna, case_id=case, version=1, deed=Deed.REPLY, said=Said("Risposta"))


def test_terms_rest_with_a_reason_that_he_is_told_and_are_extended_so_too(
    everything: Session, cast: Cast, anna: Principal
) -> None:
    case = opened(everything, anna, cast)
    due = seen(everything, case).due_at
    resting.pause(everything, anna, case_id=case, version=1, reason=PauseReason.PAPERS_MISSING)
    one = seen(everything, case)
    assert (one.rests, one.due_at) == (True, None)
    with pytest.raises(ConflictError):
        resting.pause(everything, anna, case_id=case, version=2, reason=PauseReason.COURT)
    resting.resume(everything, anna, case_id=case, version=2)
    assert seen(everything, case).due_at == due  # on the same day: nothing was lost
    (term,) = seen(everything, case).running
    resting.extend(everything, anna, case_id=case, version=3, term_id=term.id, days=10, reason=ExtensionReason.COMPLEX)
    assert due is not None
    assert clock.in_rome(seen(everything, case).due_at or due).date() == clock.in_rome(due).date() + timedelta(10)
    told = everything.scalars(select(Message).where(Message.cause.like("case:%")).order_by(Message.made_at)).all()
    bodies = {one.template: one.body for one in told}
    assert set(bodies) == {"case_opened", "case_rests", "case_goes_on", "case_extended"}
    assert "aspettiamo da lei i documenti" in bodies["case_rests"]
    assert all(one.state is MessageState.OWED for one in told)
    assert not any("sospensione" in body or "ricorso" in body for body in bodies.values())


def test_what_another_office_is_competent_for_is_sent_there_and_he_is_told_which(
    everything: Session, cast: Cast, anna: Principal
) -> None:
    office = Office(
        ente_id=cast.empoli, name="Ufficio anagrafe", address="Via Roma 1", competent_for="Residenza",
        accessibility="", hours=[],
    )  # fmt: skip
    everything.add(office)
    everything.flush()
    case = opened(everything, anna, cast, Topic.INFORMATION)
    with pytest.raises(InvalidError):
        does(everything, anna, case, Deed.REDIRECT, "È della residenza")
    does(everything, anna, case, Deed.REDIRECT, "È della residenza", office=office.id)
    one = seen(everything, case)
    assert (one.state, one.outcome, one.office) == (State.CLOSED, Outcome.REDIRECTED, "Ufficio anagrafe")
    body = everything.scalars(select(Message.body).where(Message.template == "case_redirected")).one()
    assert "Ufficio anagrafe" in body


def test_what_was_promised_in_a_call_becomes_a_case(everything: Session, cast: Cast, anna: Principal) -> None:
    promised = follow_ups.make(
        everything, anna, contact_id=cast.mario, kind=FollowUpKind.CASE, to=follow_ups.To(user_id=cast.anna),
        due_at=clock.now(everything) + timedelta(days=1), note="Reclamo sugli interessi",
    )  # fmt: skip
    opened(everything, anna, cast, Topic.COMPLAINT, follow_up_id=promised)
    assert everything.get_one(FollowUp, promised).state is FollowUpState.DONE


def test_the_ente_asks_for_papers_and_only_what_is_nobodys_is_opened_without_a_taxpayer(
    everything: Session, cast: Cast, anna: Principal
) -> None:
    papers = Request(Topic.PAPERS, Channel.ENTE, "La relata dell'atto 2024/118")
    case = service.open_case(everything, anna, request=papers, ente_id=cast.empoli)
    does(everything, anna, case, Deed.TAKE)
    does(everything, anna, case, Deed.HAND_OVER, "Mandata all'ufficio tributi")
    assert seen(everything, case).outcome is Outcome.DONE
    with pytest.raises(InvalidError):
        service.open_case(
            everything, anna, request=Request(Topic.RELIEF, Channel.PHONE, "x"), ente_id=cast.empoli
        )  # fmt: skip


def test_papers_for_the_ente_are_due_in_two_working_days_for_its_litigation_office_in_seven_and_late_ones_count(
    everything: Session, cast: Cast, anna: Principal
) -> None:
    now = clock.now(everything)
    today = clock.business_day(now)
    levels = of_contract(PRESETS["intercent_er"].levels, cast.contract)
    put(everything, Agreement(cast.contract, today - timedelta(days=30), Period.MONTH, levels))
    calendar = running_terms.patron(everything, cast.empoli)
    for topic, days in ((Topic.PAPERS, 2), (Topic.LITIGATION, 7)):
        for ago in (0, 20):
            request = Request(topic, Channel.ENTE, "Le relate", received_at=now - timedelta(days=ago) if ago else None)
            case = service.open_case(everything, anna, request=request, ente_id=cast.empoli)
            one = seen(everything, case)
            assert one.due_at == due_at(one.received_at, Span(days, working=True), calendar)
            does(everything, anna, case, Deed.TAKE)
            does(everything, anna, case, Deed.HAND_OVER, "Consegnate all'ufficio")
            (term,) = seen(everything, case).terms
            assert (term.kind, term.in_time) == (TermKind.HANDED_OVER, ago == 0)
    known = evidence.of_period(everything, cast.contract, today - timedelta(days=30), today + timedelta(days=30))
    for metric in (MetricName.CASE_INFORMATION, MetricName.LITIGATION_PAPERS):
        promise = next(one for one in levels if one.metric == metric)
        verdict = judge(promise, known, USUAL)
        assert (verdict.part, verdict.whole) == (1, 2)
        assert verdict.penalised  # each day late is paid for


def test_cases_are_shared_by_topic_and_room_and_given_by_hand(
    everything: Session, cast: Cast, anna: Principal, sara: Principal
) -> None:
    cases = [opened(everything, anna, cast, topic) for topic in (Topic.RELIEF, Topic.RELIEF, Topic.ACCESS)]
    for user_id, most in ((cast.luca, 1), (cast.marta, 5)):
        owners.set_worker(
            everything, sara, contract_id=cast.contract, user_id=user_id, topics={Topic.RELIEF}, most=most
        )  # fmt: skip
    lines, loads = owners.plan(everything, sara, contract_id=cast.contract)
    assert [line.owner_id for line in lines if line.topic is Topic.ACCESS] == [None]
    assert sum(loads.values()) == 2
    wanted = {line.id: line.owner_id for line in lines if line.owner_id}
    assert owners.apply(everything, sara, contract_id=cast.contract, wanted=wanted) == 2
    assert owners.apply(everything, sara, contract_id=cast.contract, wanted=wanted) == 0
    with pytest.raises(ForbiddenError):
        owners.assign(everything, anna, case_id=cases[2], version=1, user_id=cast.luca)
    owners.assign(everything, anna, case_id=cases[2], version=1, user_id=cast.anna)
    mine, _ = queries.listed(everything, Filter(whose=Whose.MINE), user_id=cast.anna)
    assert [one.id for one in mine] == [cases[2]]


def test_whoever_has_a_case_is_told_before_its_term_is_over_then_whoever_manages_them_once_each(
    everything: Session, cast: Cast, anna: Principal
) -> None:
    case = opened(everything, anna, cast)
    does(everything, anna, case, Deed.TAKE)
    assert warning.warn(everything, ente_id=cast.empoli) == 0
    now = clock.now(everything)

    def begun(days: float) -> None:
        everything.execute(
            update(CaseTerm).values(since_at=now - timedelta(days=days), due_at=now + timedelta(days=15 - days))
        )

    begun(13)
    assert [warning.warn(everything, ente_id=cast.empoli) for _ in range(2)] == [1, 0]
    begun(14.5)
    assert [warning.warn(everything, ente_id=cast.empoli) for _ in range(2)] == [1, 0]
    assert [step.deed for step in seen(everything, case).steps][:2] == [Deed.WARN, Deed.WARN]
    late, _ = queries.listed(everything, Filter(late=True), user_id=cast.anna)
    assert [one.id for one in late] == [case]


def test_numbers_have_no_gap_though_several_come_at_once_and_one_is_taken_back(database: Database, cast: Cast) -> None:
    scope = Scope.of_enti([cast.empoli], [cast.contract])

    def comes(fails: bool) -> None:
        with suppress(InterruptedError), database.begin(scope) as session:
            opened(session, principal_of(session, cast.anna), cast, Topic.INFORMATION)
            if fails:
                raise InterruptedError

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(comes, (False, True, False, False)))
    with database.begin(scope) as session:
        assert list(session.scalars(select(Case.number).order_by(Case.number))) == [1, 2, 3]


def test_a_day_of_arrival_is_believed_within_reason(everything: Session, cast: Cast, anna: Principal) -> None:
    for wrong in (datetime(2020, 1, 1, tzinfo=UTC), clock.now(everything) + timedelta(hours=1)):
        with pytest.raises(InvalidError):
            opened(everything, anna, cast, received_at=wrong)
    case = opened(everything, anna, cast, received_at=clock.now(everything) - timedelta(days=20))
    one = seen(everything, case)
    assert one.late is not None
    assert one.late.value == "overdue"
    assert date.min < (one.last_day or date.min) < clock.business_day(clock.now(everything))


def test_levels_of_cases_are_judged_by_the_days_that_each_term_took(
    everything: Session, cast: Cast, anna: Principal
) -> None:
    now = clock.now(everything)
    today = clock.business_day(now)
    for topic, ago in ((Topic.INSTALMENTS, 8), (Topic.INSTALMENTS, 3), (Topic.COMPLAINT, 1)):
        case = opened(everything, anna, cast, topic, received_at=now - timedelta(days=ago))
        if ago == 3:
            does(everything, anna, case, Deed.TAKE)
            does(everything, anna, case, Deed.DECIDE, "Sì", Outcome.GRANTED, instalments=12)
    known = evidence.of_period(everything, cast.contract, today - timedelta(days=30), today + timedelta(days=30))
    took = {(one.metric, one.days) for one in known.terms if one.metric == MetricName.INSTALMENT_DECIDED}
    assert took == {(MetricName.INSTALMENT_DECIDED, 8), (MetricName.INSTALMENT_DECIDED, 3)}
    promise = next(one for one in PRESETS["anci_toscana"].promises if one.metric == MetricName.INSTALMENT_DECIDED)
    verdict = judge(promise, known, USUAL)
    assert (verdict.measured, verdict.part, verdict.whole) == (8, 1, 2)
    assert known.complaints is not None
    assert len(known.complaints.those) == 1
    before = evidence.of_period(everything, cast.contract, today - timedelta(days=60), today - timedelta(days=30))
    assert (before.terms, before.complaints) == ((), None)
    nobodys = evidence.of_period(everything, cast.contract, today, today + timedelta(days=1), ente_id=cast.vinci)
    assert nobodys.complaints is not None
    assert nobodys.complaints.those == ()


def test_that_it_takes_longer_is_told_in_time_or_late_and_counts_once(
    everything: Session, cast: Cast, anna: Principal
) -> None:
    now = clock.now(everything)
    today = clock.business_day(now)
    levels = of_contract(PRESETS["step"].levels, cast.contract)
    put(everything, Agreement(cast.contract, today - timedelta(days=30), Period.MONTH, levels))
    for ago, reason in ((5, ExtensionReason.COMPLEX), (12, ExtensionReason.CHECKS), (6, ExtensionReason.ASKED)):
        case = opened(everything, anna, cast, Topic.INFORMATION, received_at=now - timedelta(days=ago))
        row = everything.get_one(Case, case)
        assert running_terms.longer_until(everything, row) == today + timedelta(days=8 - ago)
        for _ in range(2):
            one = seen(everything, case)
            resting.extend(
                everything, anna, case_id=case, version=one.version, term_id=one.running[0].id, days=5, reason=reason
            )
    known = evidence.of_period(everything, cast.contract, today - timedelta(days=30), today + timedelta(days=30))
    took = sorted(one.days for one in known.terms if one.metric == MetricName.EXTENSION_NOTICE)
    assert took == [5, 12]  # who wanted more time himself was told nothing by us


def test_a_request_is_about_more_or_fewer_debts_until_it_is_decided_and_its_story_says_why(
    everything: Session, cast: Cast, anna: Principal, vera: Principal
) -> None:
    add_position(everything, cast.empoli, cast.mario, "E-2", None)
    add_position(everything, cast.vinci, cast.gina, "V-9", None)
    everything.execute(update(Position).where(Position.reference == "E-2").values(act_number="2024/77"))
    case = opened(everything, anna, cast, Topic.RELIEF, references=["E-1"])

    def change(*references: str, why: str = "Riguarda anche il 2024", by: Principal = anna) -> None:
        version = seen(everything, case).version
        concerning.change(everything, by, case_id=case, version=version, references=references, why=why)

    for wrong in (("E-1",), ("E-1", "V-9")):  # nothing changes; it is somebody else's
        with pytest.raises(InvalidError):
            change(*wrong)
    with pytest.raises(InvalidError):
        change("E-2", why=" ")
    with pytest.raises(ForbiddenError):
        change("E-2", by=vera)
    change("E-1", "E-2")
    assert seen(everything, case).steps[0].words == "Aggiunte: 2024/77. Riguarda anche il 2024"
    change("E-2", why="Il 2023 l'ha pagato")
    one = seen(everything, case)
    assert [each.reference for each in one.debts] == ["E-2"]
    assert one.steps[0].words.endswith(". Il 2023 l'ha pagato")
    chosen = concerning.choices(everything, everything.get_one(Case, case))
    assert {each.reference: each.its for each in chosen} == {"E-1": False, "E-2": True}
    does(everything, anna, case, Deed.TAKE)
    does(everything, anna, case, Deed.SEND_SHEET)
    with pytest.raises(ConflictError):  # the ente decides about what it has read
        change("E-1")
    assert concerning.choices(everything, everything.get_one(Case, case)) == ()


def test_a_file_that_another_case_has_too_stays_in_the_store(everything: Session, cast: Cast, anna: Principal) -> None:
    """Whatever lets go of it: the store keeps one file of one content."""
    first, second = opened(everything, anna, cast), opened(everything, anna, cast)
    brought = documents.Brought("ricorso.pdf", "application/pdf", 9, "a" * 64)
    for case in (first, second):
        documents.add(everything, anna, case_id=case, brought=brought)
    everything.flush()

    def let_go_of(case: int) -> bool:
        everything.execute(delete(CaseDocument).where(CaseDocument.case_id == case))
        let_go(everything, ente_id=cast.empoli, digests=[brought.sha256])
        return everything.scalar(select(DocumentContent.sha256)) is None

    assert not let_go_of(first)
    assert let_go_of(second)
