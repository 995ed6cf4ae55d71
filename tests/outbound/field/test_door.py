"""At the door: nothing of a debt before it is known who hears it."""

from hypothesis import given
from hypothesis import strategies as st

from outbound.field.visits.door import (
    AFTER_TOLD,
    ENTITLED,
    GIVEN_AT,
    ORDER,
    Deed,
    Done,
    Door,
    Fault,
    Outcome,
    Stage,
    Whom,
    after,
    judged,
    outcomes,
    table,
)

ARRIVED, INTRODUCED, TOLD, LEFT = (Done(one) for one in (Deed.ARRIVED, Deed.INTRODUCED, Deed.TOLD, Deed.LEFT))
HIMSELF = Done(Deed.WHO, Whom.HIMSELF)


def _gave(outcome: Outcome) -> Done:
    return Done(Deed.OUTCOME, outcome=outcome)


DEEDS = st.one_of(
    st.sampled_from([ARRIVED, INTRODUCED, TOLD, LEFT, Done(Deed.NOBODY), Done(Deed.UNSAFE)]),
    st.builds(Done, st.just(Deed.WHO), st.sampled_from(Whom), st.sampled_from(["", "Anna Neri"]),
              st.sampled_from(["", "amministratrice"])),
    st.sampled_from([_gave(one) for one in Outcome]),
)  # fmt: skip


def test_a_visit_in_order_has_no_fault() -> None:
    assert judged([ARRIVED, INTRODUCED, HIMSELF, TOLD, _gave(Outcome.PROMISE), LEFT]).faults == ()
    assert judged([ARRIVED, Done(Deed.NOBODY), _gave(Outcome.ABSENT), LEFT]).faults == ()


def test_a_neighbour_hears_one_neutral_sentence() -> None:
    led = judged([ARRIVED, INTRODUCED, Done(Deed.WHO, Whom.THIRD_PARTY), TOLD, _gave(Outcome.PROMISE)])
    assert led.door.stage is Stage.NEUTRAL
    assert not led.door.shows_debt
    assert [fault for _, fault in led.faults] == [Fault.NOT_ENTITLED, Fault.NOT_ENTITLED, Fault.UNFINISHED]


def test_who_cannot_show_who_he_is_hears_no_more_until_he_can() -> None:
    before = [ARRIVED, INTRODUCED, Done(Deed.WHO, Whom.NOT_ESTABLISHED)]
    assert not judged(before).door.shows_debt
    assert judged([*before, HIMSELF]).door.shows_debt


def test_in_a_company_who_is_entitled_is_named() -> None:
    unnamed = Done(Deed.WHO, Whom.COMPANY, "Anna Neri")
    assert (2, Fault.COMPANY_UNNAMED) in judged([ARRIVED, INTRODUCED, unnamed]).faults
    named = Done(Deed.WHO, Whom.COMPANY, "Anna Neri", "amministratrice")
    assert judged([ARRIVED, INTRODUCED, named]).door.shows_debt


def test_nobody_binds_himself_to_what_he_has_not_heard() -> None:
    assert (3, Fault.NOT_TOLD) in judged([ARRIVED, INTRODUCED, HIMSELF, _gave(Outcome.PROMISE)]).faults


def test_when_it_was_not_he_after_all_what_was_told_counts_no_more() -> None:
    led = judged([ARRIVED, INTRODUCED, HIMSELF, TOLD, Done(Deed.WHO, Whom.THIRD_PARTY), HIMSELF])
    assert not led.door.told


def test_he_leaves_at_once_when_it_is_not_safe() -> None:
    assert judged([ARRIVED, Done(Deed.UNSAFE)]).door.outcome is Outcome.UNSAFE


@given(st.lists(DEEDS, max_size=14))
def test_whatever_is_told_nothing_of_a_debt_shows_before_somebody_entitled_is_there(deeds: list[Done]) -> None:
    door, entitled = Door(), False
    for done in deeds:
        door, fault = after(door, done)
        if fault is None and done.deed is Deed.WHO:
            entitled = done.whom in ENTITLED
        assert entitled or not door.shows_debt
        if door.outcome in AFTER_TOLD:
            assert door.told


@given(st.lists(DEEDS, max_size=14))
def test_a_deed_with_a_fault_changes_nothing(deeds: list[Done]) -> None:
    faulty = {place for place, _ in judged(deeds).faults}
    kept = [done for place, done in enumerate(deeds) if place not in faulty]
    assert judged(kept).door == judged(deeds).door


def test_every_outcome_can_be_given_somewhere_and_the_page_has_the_same_rules() -> None:
    reachable = {one for stage in Stage for one in outcomes(stage)} | {Outcome.UNSAFE}
    assert reachable == set(Outcome)
    given = table()
    assert {tuple(one) for one in given["order"]} == {(a.value, b.value, c.value) for (a, b), c in ORDER.items()}
    assert given["given_at"].keys() == {one.value for one in GIVEN_AT}
