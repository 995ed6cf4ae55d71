"""Every case comes to its end, by steps that are somebody's; terms come from the contract, else from the law."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.cases.carrying import Stated, carried_out
from crm.cases.drawing import drawn
from crm.cases.escalation import Told, now_told, warnings
from crm.cases.gestionale.standing import Progress, follows, progress
from crm.cases.lifecycle import (
    DECISIONS,
    MACHINES,
    OPENED,
    Deed,
    Need,
    Outcome,
    Standing,
    State,
    Topic,
    Who,
    after,
    possible,
)
from crm.cases.naming import numbers_in
from crm.cases.sharing import Hand, Left, Waiting, share
from crm.cases.terms import RULES, TermKind, begun_by, longer_told, met_by
from crm.core.errors import ConflictError, InvalidError
from crm.levels.agreement import Promise
from crm.levels.presets import PRESETS
from crm.positions.models import PositionState, StepKind
from crm.positions.numbers import act_key
from crm.proposals.lifecycle import State as Proposed

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def promised(preset: str) -> dict[str, Promise]:
    return {one.metric: one for one in PRESETS[preset].promises}


@given(st.data(), st.sampled_from(Topic))
def test_whatever_is_done_with_a_case_it_can_come_to_its_end(data: st.DataObject, topic: Topic) -> None:
    standing = OPENED
    for _ in range(12):
        steps = possible(topic, standing.state)
        if standing.state is State.CLOSED:
            assert not steps
            assert standing.outcome is not None
            return
        assert steps
        step = data.draw(st.sampled_from(steps))
        outcome = data.draw(st.sampled_from(DECISIONS[step.deed])) if step.deed in DECISIONS else None
        standing = after(topic, standing, step.deed, outcome)


@pytest.mark.parametrize("topic", Topic)
def test_each_state_that_can_be_reached_has_a_way_to_the_end(topic: Topic) -> None:
    leads = {(one.since, to) for one in MACHINES[topic] for to in (one.to, one.carried) if to}
    reached, ends = {State.RECEIVED}, {State.CLOSED}
    for _ in State:
        reached |= {to for since, to in leads if since in reached}
        ends |= {since for since, to in leads if to in ends}
    assert State.CLOSED in reached <= ends


def test_what_the_ente_decides_is_its_own_step() -> None:
    suspension = {one.deed: one.who for one in MACHINES[Topic.SUSPENSION]}
    assert {suspension[one] for one in (Deed.AUTHORISE, Deed.DENY, Deed.SIGN, Deed.SEND_BACK)} == {Who.ENTE}
    redirect = next(one for one in possible(Topic.INFORMATION, State.WORKING) if one.deed is Deed.REDIRECT)
    assert redirect.needs == {Need.REASON, Need.OFFICE}


def test_what_was_granted_waits_for_the_collection_system_and_what_was_refused_does_not() -> None:
    decided = Standing(State.WORKING)
    for outcome, state in ((Outcome.GRANTED, State.AT_GESTIONALE), (Outcome.REFUSED, State.CLOSED)):
        told = after(Topic.INSTALMENTS, after(Topic.INSTALMENTS, decided, Deed.DECIDE, outcome), Deed.REPLY)
        assert told == Standing(state, outcome)


def test_a_decision_needs_its_outcome_and_a_step_its_state() -> None:
    with pytest.raises(InvalidError):
        after(Topic.INSTALMENTS, Standing(State.WORKING), Deed.DECIDE)
    with pytest.raises(ConflictError):
        after(Topic.INSTALMENTS, OPENED, Deed.SIGN)


def test_each_term_is_met_by_a_step_that_its_topic_has() -> None:
    for topic, rules in RULES.items():
        deeds = {one.deed for one in MACHINES[topic]} | {Deed.OPEN, Deed.PROPOSE, Deed.ACCEPTED}
        for rule in rules:
            assert rule.met_by & deeds
            assert rule.since & deeds


def test_the_terms_of_a_suspension_are_those_of_anci_toscana() -> None:
    its = promised("anci_toscana")
    (sheet,) = begun_by(Topic.SUSPENSION, Deed.OPEN, its)
    assert (sheet.kind, sheet.span.days, sheet.span.working, sheet.by_contract) == (TermKind.SHEET, 15, False, True)
    assert [one.span.days for one in begun_by(Topic.SUSPENSION, Deed.SEND_SHEET, its)] == [30]
    assert [one.span.days for one in begun_by(Topic.SUSPENSION, Deed.AUTHORISE, its)] == [5]
    assert [one.span.days for one in begun_by(Topic.SUSPENSION, Deed.SIGN, its)] == [15]
    assert met_by(Topic.SUSPENSION, Deed.REPLY) == {TermKind.SENT}


def test_a_surety_gives_more_time_where_the_contract_says_so() -> None:
    days = {
        (preset, surety): next(
            one.span.days
            for one in begun_by(Topic.INSTALMENTS, Deed.OPEN, promised(preset), surety=surety)
            if one.kind is TermKind.DECIDED
        )
        for preset in ("anci_toscana", "step")
        for surety in (False, True)
    }
    assert days == {
        ("anci_toscana", False): 5, ("anci_toscana", True): 10, ("step", False): 15, ("step", True): 15,
    }  # fmt: skip


def test_papers_are_due_in_two_and_in_seven_working_days_by_intercent_and_the_law_speaks_where_no_contract_does() -> (
    None
):
    its = promised("intercent_er")
    spans = [begun_by(one, Deed.OPEN, its)[0].span for one in (Topic.PAPERS, Topic.LITIGATION)]
    assert [(one.days, one.working) for one in spans] == [(2, True), (7, True)]
    (access,) = begun_by(Topic.ACCESS, Deed.OPEN, its)
    assert (access.span.days, access.by_contract, access.source) == (30, False, "L. 241/1990, art. 25, c. 4")


def test_who_asks_to_talk_an_assessment_over_is_summoned_in_time_and_told_in_time_that_it_takes_longer() -> None:
    its = promised("step")
    summons, whole = begun_by(Topic.ADHESION, Deed.OPEN, its)
    assert (summons.kind, summons.span.days, summons.by_contract) == (TermKind.SUMMONED, 15, True)
    assert (whole.span.days, whole.source) == (90, "D.Lgs. 218/1997, art. 6, c. 3")
    assert met_by(Topic.ADHESION, Deed.SUMMON) == {TermKind.SUMMONED}
    standing = OPENED
    for deed, outcome in (
        (Deed.TAKE, None), (Deed.SUMMON, None), (Deed.SEND_SHEET, None), (Deed.SEND_BACK, None),
        (Deed.SEND_SHEET, None), (Deed.AUTHORISE, Outcome.GRANTED), (Deed.REPLY, None),
    ):  # fmt: skip
        standing = after(Topic.ADHESION, standing, deed, outcome)
    assert standing == Standing(State.CLOSED, Outcome.GRANTED)
    told = longer_told(its)
    assert told is not None
    assert (told.span.days, told.span.working, told.source) == (8, False, "complex_request_extension_notice_days")
    assert longer_told(promised("anci_toscana")) is None


@given(
    st.integers(1, 9999), st.integers(1900, 2100), st.sampled_from("/-."), st.sampled_from(("", "ING", "tari")),
    st.text("abc ,.;\n", max_size=20),
)  # fmt: skip
def test_the_number_of_an_act_is_found_in_whatever_way_it_is_written(
    number: int, year: int, sign: str, kind: str, words: str
) -> None:
    written = f"{kind}{sign if kind else ''}{year}{sign}{number:05}"
    assert act_key(written) in numbers_in(f"{words} {written}, {words}")


def test_the_number_of_a_notice_is_found_in_groups_and_a_short_number_is_none() -> None:
    assert "301234567890123456" in numbers_in("avviso 3012 3456 7890 1234 56, grazie")
    assert not numbers_in("ho 2 figli e abito al n. 12/a; sono venuto il 3.1")
    assert len(numbers_in(" ".join(f"2024/{n}" for n in range(99)))) == 20


def test_less_than_five_days_are_four() -> None:
    promise = {"complaint_reply_working_days": Promise(1, "complaint_reply_working_days", "<", Decimal(5))}
    (reply,) = begun_by(Topic.COMPLAINT, Deed.OPEN, promise)
    assert (reply.span.days, reply.span.working) == (4, True)


@given(st.integers(1, 400 * 24), st.integers(0, 400 * 24))
def test_the_owner_is_told_before_the_supervisor_both_before_the_end_and_once(hours: int, passed: int) -> None:
    due, now = NOW + timedelta(hours=hours), NOW + timedelta(hours=passed)
    at = warnings(NOW, due)
    assert NOW < at.owner <= at.supervisor < due
    told = now_told(NOW, due, now, before=frozenset())
    assert now_told(NOW, due, now, before=told) == frozenset()
    assert Told.SUPERVISOR not in told or Told.OWNER in told


@given(
    st.lists(st.tuples(st.sampled_from(list(Topic)[:3]), st.integers(0, 30)), max_size=25),
    st.lists(st.tuples(st.sets(st.sampled_from(list(Topic)[:3]), min_size=1), st.integers(0, 9), st.integers(1, 9)),
             max_size=4),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_nobody_gets_what_he_does_not_know_or_more_than_he_can_have_in_whatever_order(
    cases: list[tuple[Topic, int]], people: list[tuple[set[Topic], int, int]], dice: object
) -> None:
    everybody = frozenset(range(len(people)))
    waiting = [Waiting(n, topic, NOW + timedelta(days), everybody) for n, (topic, days) in enumerate(cases)]
    hands = [Hand(n, frozenset(topics), load, most) for n, (topics, load, most) in enumerate(people)]
    shared = share(waiting, hands)
    assert shared.given.keys() | shared.left.keys() == {one.id for one in waiting}
    for case_id, hand_id in shared.given.items():
        assert waiting[case_id].topic in hands[hand_id].topics
    for hand in hands:
        assert shared.load[hand.id] <= max(hand.most, hand.load)
    for case_id, why in shared.left.items():
        knowing = [one for one in hands if waiting[case_id].topic in one.topics]
        assert bool(knowing) == (why is Left.ALL_FULL)
    dice.shuffle(waiting)  # type: ignore[attr-defined]
    dice.shuffle(hands)  # type: ignore[attr-defined]
    assert share(waiting, hands) == shared


def test_what_was_granted_is_done_once_every_debt_shows_it() -> None:
    since, owed = NOW.date(), Stated(PositionState.OVERDUE)
    plan, late = Stated(PositionState.IN_INSTALMENTS), ((StepKind.RELIEF, since - timedelta(1)),)
    assert carried_out(Topic.INSTALMENTS, since, (plan, plan))
    assert not carried_out(Topic.INSTALMENTS, since, (plan, owed))
    assert not carried_out(Topic.INSTALMENTS, since, ())
    assert carried_out(Topic.RELIEF, since, (Stated(PositionState.OVERDUE, ((StepKind.RELIEF, since),)),))
    assert not carried_out(Topic.RELIEF, since, (Stated(PositionState.OVERDUE, late),))
    assert not carried_out(Topic.ACCESS, since, (plan,))


@given(st.lists(st.sampled_from(Proposed), min_size=1), st.data())
def test_one_debt_refused_is_decided_again_and_only_all_of_them_are_accepted(
    states: list[Proposed], data: st.DataObject
) -> None:
    news = data.draw(st.lists(st.sampled_from(states)))
    deed = follows(news, states)
    if Proposed.REJECTED in news:
        assert deed is Deed.REJECTED
    elif deed is Deed.ACCEPTED:
        assert set(states) == {Proposed.ACKNOWLEDGED}
        assert news
    assert progress(states[0], seen=True) is Progress.SEEN


def test_what_the_collection_system_refuses_stands_again_where_it_was_decided() -> None:
    for topic, back in ((Topic.INSTALMENTS, State.WORKING), (Topic.SUSPENSION, State.AT_ENTE)):
        for state in {one.since for one in MACHINES[topic] if one.deed is Deed.REJECTED}:
            assert after(topic, Standing(state, Outcome.GRANTED), Deed.REJECTED) == Standing(back)
    own = {one.kind: one for one in begun_by(Topic.RELIEF, Deed.PROPOSE, {}, own_days=7)}
    assert own[TermKind.GESTIONALE_ANSWERS].span.days == 7
    assert not begun_by(Topic.INFORMATION, Deed.PROPOSE, {}, own_days=7)


def test_the_drawing_in_the_documents_is_the_one_of_the_code() -> None:
    assert (Path(__file__).parents[3] / "docs" / "case-states.md").read_text() == drawn()
