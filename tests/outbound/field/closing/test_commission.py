"""What payments earn, quarter by quarter, whatever the order in which they are told."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import InvalidError, NotFoundError
from outbound.field.closing import agreed, ledger
from outbound.field.closing.agreed import Band, Conditions, Part, Phase, Version
from outbound.field.closing.commission import EARNING, Judged, Mandate, Why, counting, half_even, judge
from outbound.field.closing.ledger import Change, Event, Key, Payment, Statement, Told
from outbound.field.closing.quarters import Quarter
from outbound.field.closing.settlement import Line, Settled, lines, sums, with_these

JAN, MAR, JUN = date(2026, 1, 10), date(2026, 3, 31), date(2026, 6, 30)
NINE = Conditions((Band(Decimal(90)),))
AGREED = (Version(1, date(2026, 1, 1), NINE),)


def a_mandate(n: int = 1, first: date = JAN, last: date = MAR, cents: int = 100_000, agent: int = 7) -> Mandate:
    """The n-th, on T-1, accepted on its first day."""
    at = datetime(first.year, first.month, first.day, 8, n, tzinfo=UTC)
    return Mandate(UUID(int=n), agent, n, n, first, last, at, cents, frozenset({"T-1"}))


def paid(on: date, cents: int = 10_000, n: int = 1, **more: object) -> Payment:
    """Registered on the day itself."""
    values = {"registered_on": on, **more}
    return Payment("T-1", f"{on:%Y%m%d}-{cents}-{n}", on, cents, **values)  # type: ignore[arg-type]


def one(payment: Payment, *mandates: Mandate, versions: tuple[Version, ...] = AGREED) -> Judged:
    """What became of it alone."""
    return judge([payment], mandates or [a_mandate()], versions)[0]


def test_a_payment_inside_the_mandate_earns_its_rate() -> None:
    found = one(paid(date(2026, 2, 3), 12_345))
    assert (found.why, found.within_cents, found.commission_cents) == (Why.EARNED, 12_345, 1_111)  # 1111.05
    assert found.per_mille == Decimal(90)


@pytest.mark.parametrize(
    ("on", "why"),
    [
        (JAN - timedelta(days=1), Why.BEFORE), (JAN, Why.EARNED), (MAR, Why.EARNED),
        (MAR + timedelta(days=1), Why.AFTER),
    ],
)  # fmt: skip
def test_both_its_days_belong_to_a_mandate(on: date, why: Why) -> None:
    found = one(paid(on))
    assert (found.why, bool(found.commission_cents)) == (why, why is Why.EARNED)
    assert found.mandate == a_mandate()  # the nearest, so that its agent reads why


@pytest.mark.parametrize(("days", "why"), [(0, Why.EARNED), (30, Why.EARNED), (31, Why.LATE)])
def test_what_the_ente_registers_too_late_earns_nothing_and_says_so(days: int, why: Why) -> None:
    on = date(2026, 2, 3)
    assert one(paid(on, registered_on=on + timedelta(days=days))).why is why


def test_of_a_payment_over_the_amount_of_the_mandate_the_rest_earns_nothing() -> None:
    first, second, third = (paid(date(2026, 2, day), 60_000) for day in (1, 2, 3))
    found = judge([third, first, second], [a_mandate(cents=100_000)], AGREED)
    assert [(each.within_cents, each.commission_cents, each.why) for each in found] == [
        (60_000, 5_400, Why.EARNED), (40_000, 3_600, Why.EARNED), (0, 0, Why.OVER),
    ]  # fmt: skip


def test_of_two_mandates_it_is_whose_it_was_on_the_paid_day() -> None:
    first, second = a_mandate(1, last=date(2026, 2, 10), agent=7), a_mandate(2, first=date(2026, 2, 10), agent=8)
    days = {date(2026, 2, 9): 7, date(2026, 2, 10): 8, date(2026, 2, 11): 8}
    for day, agent in days.items():
        found = one(paid(day), first, second)
        assert found.mandate is not None
        assert found.mandate.agent_id == agent


def test_a_plan_granted_in_its_days_earns_on_each_rate_whenever_it_is_paid() -> None:
    rate = paid(date(2026, 8, 1), granted_on=date(2026, 3, 1))
    assert one(rate).why is Why.INSTALMENT
    assert one(rate).commission_cents == 900
    assert one(replace(rate, granted_on=date(2026, 4, 1))).why is Why.AFTER
    late = replace(rate, registered_on=date(2026, 10, 1))
    assert one(late).why is Why.LATE


def test_what_counts_is_agreed_and_the_rest_earns_nothing() -> None:
    parts = (6_000, 3_000, 500, 500)
    only_tax = Version(1, JAN, replace(NINE, parts=(Part.TAX,)))
    found = one(paid(JAN, parts=parts), versions=(only_tax,))
    assert (found.counted_cents, found.commission_cents) == (6_000, 540)
    none = one(paid(JAN, parts=(0, 10, 0, 0)), versions=(only_tax,))
    assert (none.why, none.commission_cents) == (Why.NOT_COUNTED, 0)
    assert counting(NINE, parts, 777) == 777


def test_rates_are_by_amount_and_phase_the_narrowest_first() -> None:
    bands = (
        Band(Decimal(50)), Band(Decimal(80), 50_000), Band(Decimal(120), 50_000, Phase.ENFORCEABLE),
        Band(Decimal(100), 20_000),
    )  # fmt: skip
    conditions = Conditions(bands)
    for cents, phase, rate in (
        (20_000, Phase.REQUEST, 100), (20_001, Phase.REQUEST, 80), (50_000, Phase.ENFORCEABLE, 120),
        (50_001, Phase.ENFORCEABLE, 50),
    ):  # fmt: skip
        assert agreed.rate(conditions, cents, phase) == rate, (cents, phase)
    assert agreed.rate(Conditions(bands[1:]), 50_001, Phase.REQUEST) is None
    found = one(paid(JAN), a_mandate(cents=60_000), versions=(Version(1, JAN, Conditions(bands[1:])),))
    assert found.why is Why.NO_RATE


def test_the_conditions_of_the_paid_day_hold() -> None:
    versions = (*AGREED, Version(2, date(2026, 3, 1), Conditions((Band(Decimal(100)),), least_cents=5_000)))
    assert one(paid(date(2026, 2, 28)), versions=versions).commission_cents == 900
    assert one(paid(date(2026, 3, 1)), versions=versions).commission_cents == 1_000
    assert one(paid(date(2026, 3, 1), 4_999), versions=versions).why is Why.SMALL
    assert one(paid(date(2026, 2, 1)), versions=versions[1:]).why is Why.NOT_AGREED


def test_half_a_cent_goes_to_the_even_one() -> None:
    assert [half_even(Decimal(text)) for text in ("0.5", "1.5", "2.5", "2.51", "-0.5")] == [0, 2, 2, 3, 0]


def test_nobody_agrees_on_what_cannot_be() -> None:
    wrong = Conditions((Band(Decimal("0.005")), Band(Decimal(10), 0), Band(Decimal(11), 0)), (), 400, -1)
    with pytest.raises(InvalidError) as told:
        agreed.check(wrong)
    assert {part.field for part in told.value.parts} == {"rate-1", "up-2", "up-3", "parts", "days", "least"}
    with pytest.raises(InvalidError):
        agreed.check(Conditions(()))
    assert agreed.restored(agreed.stored(NINE)) == NINE


def test_quarters_follow_one_another() -> None:
    quarter = Quarter.of(date(2025, 12, 31))
    assert (str(quarter), quarter.first, quarter.last) == ("2025-4", date(2025, 10, 1), date(2025, 12, 31))
    assert str(quarter.next) == "2026-1"
    assert Quarter.parse("2026-1") == quarter.next
    for wrong in ("2026", "2026-5", "26-1", "²026-1", ""):
        with pytest.raises(NotFoundError):
            Quarter.parse(wrong)


# -- what was told, and when --------------------------------------------------------------------------------------


def test_a_payment_is_registered_when_it_is_first_told_unless_the_ente_says_when() -> None:
    told = (Told(JAN, 500), Told(JAN, 700, date(2026, 1, 12)))
    heard = ledger.hear({}, Statement("T-1", date(2026, 2, 1), told), JAN)
    assert [(event.change, event.payment.registered_on) for event in heard] == [
        (Change.TOLD, date(2026, 2, 1)), (Change.TOLD, date(2026, 1, 12)),
    ]  # fmt: skip
    assert ledger.hear({}, Statement("T-1", date(2026, 2, 1), told), date(2026, 1, 11)) == ()  # before the practice


def test_two_equal_payments_of_a_day_are_two_and_one_of_them_may_be_reversed() -> None:
    twice = Statement("T-1", JAN, (Told(JAN, 500), Told(JAN, 500)))
    events = after([], twice)
    assert gone(events) == [None, None]
    assert after(events, twice) == events  # heard again, it says nothing new
    events = after(events, Statement("T-1", MAR, (Told(JAN, 500),)))
    assert gone(events) == [None, Change.REVERSED]
    events = after(events, Statement("T-1", JUN, (), withdrawn=True))
    assert gone(events) == [Change.WITHDRAWN, Change.REVERSED]
    assert gone(after(events, replace(twice, as_of=JUN))) == [None, None]


def test_a_rate_told_as_paid_is_a_payment_once_though_told_in_both_lists() -> None:
    rates, granted = (Told(MAR, 500),), date(2026, 2, 1)
    alone = Statement("T-1", MAR, (), rates, granted)
    events = after([], alone)
    assert [event.payment.granted_on for event in events] == [granted]
    assert after(events, replace(alone, paid=(Told(MAR, 500),))) == events
    later = after(after([], Statement("T-1", MAR, (Told(MAR, 500),))), alone)
    assert [event.change for event in later] == [Change.TOLD, Change.RATE]


def after(events: list[Event], statement: Statement) -> list[Event]:
    """What was heard after one more statement."""
    return [*events, *ledger.hear(ledger.known(events, date.max), statement, JAN)]


def gone(events: list[Event]) -> list[Change | None]:
    """Why each payment no longer counts; none: it does."""
    return [payment.gone for payment in ledger.known(events, date.max).values()]


# -- quarters -----------------------------------------------------------------------------------------------------

DAYS = st.integers(0, 360).map(lambda days: date(2026, 1, 1) + timedelta(days=days))
MANDATES = st.lists(
    st.tuples(DAYS, st.integers(0, 120), st.integers(1, 60_000), st.sampled_from([7, 8])), min_size=1, max_size=4
).map(
    lambda some: [
        a_mandate(n, first, first + timedelta(days=length), cents, agent)
        for n, (first, length, cents, agent) in enumerate(some, start=1)
    ]
)
PAYMENTS = st.lists(st.tuples(DAYS, st.integers(1, 30_000), st.integers(0, 60)), max_size=8)
QUARTERS = [Quarter(2026, 1), Quarter(2026, 2), Quarter(2026, 3), Quarter(2026, 4), Quarter(2027, 1)]


def statements(told: list[tuple[date, int, int]], gone: set[int], turns: list[date]) -> list[Statement]:
    """What a gestionale says on these days: what was registered by then and not reversed; those `gone` are from the
    middle one on.
    """
    half = turns[len(turns) // 2]
    return [
        Statement(
            "T-1", turn,
            tuple(
                Told(on, cents, on + timedelta(days=late))
                for n, (on, cents, late) in enumerate(told)
                if on + timedelta(days=late) <= turn and not (n in gone and turn >= half)
            ),
        )
        for turn in turns
    ]  # fmt: skip


def listen(order: list[Statement]) -> list[Event]:
    """As the product listens: an older statement changes nothing."""
    events: list[Event] = []
    last = date.min
    for statement in order:
        if statement.as_of >= last:
            last = statement.as_of
            state = ledger.known(events, date.max)
            events += ledger.hear(state, statement, date(2026, 1, 1))
    return events


def settle(events: list[Event], mandates: list[Mandate]) -> list[tuple[Line, ...]]:
    """All quarters, one after the other."""
    settled: dict[Key, Settled] = {}
    made = []
    for quarter in QUARTERS:
        payments = ledger.known(events, quarter.last).values()
        found = lines(judge(payments, mandates, AGREED), settled, quarter.last)
        settled = with_these(settled, found, str(quarter))
        made.append(found)
    return made


@given(PAYMENTS, st.sets(st.integers(0, 7), max_size=3), MANDATES, st.permutations(range(6)))
def test_no_order_of_feeds_changes_what_is_earned(
    told: list[tuple[date, int, int]], gone: set[int], mandates: list[Mandate], order: list[int]
) -> None:
    turns = [date(2026, 2, 1) + timedelta(days=72 * n) for n in range(6)]
    feeds = statements(told, gone, turns)
    straight = ledger.known(listen(feeds), date.max).values()
    mixed = ledger.known(listen([feeds[n] for n in order]), date.max).values()

    def earned(payments: object) -> list[tuple[Key, int]]:
        found = judge([each for each in payments if not each.gone], mandates, AGREED)  # type: ignore[attr-defined]
        return [(each.payment.at, each.commission_cents) for each in found]

    assert earned(straight) == earned(mixed)


@given(PAYMENTS, st.sets(st.integers(0, 7), max_size=3), MANDATES)
def test_the_sum_of_all_lines_is_what_is_earned_and_nothing_is_earned_twice(
    told: list[tuple[date, int, int]], gone: set[int], mandates: list[Mandate]
) -> None:
    turns = [date(2026, 2, 1) + timedelta(days=72 * n) for n in range(7)]
    events = listen(statements(told, gone, turns))
    made = settle(events, mandates)
    assert settle(events, mandates) == made  # reckoned again, it is the same
    final = judge(ledger.known(events, QUARTERS[-1].last).values(), mandates, AGREED)
    every = [line for found in made for line in found]
    assert sums(every).commission_cents == sum(each.commission_cents for each in final)
    by_payment: dict[Key, int] = {}
    for line in every:
        by_payment[line.at] = by_payment.get(line.at, 0) + line.commission_cents
    assert by_payment == {each.payment.at: each.commission_cents for each in final if each.mandate}
    by_mandate: dict[UUID, int] = {}
    for line in every:
        by_mandate[line.mandate_id] = by_mandate.get(line.mandate_id, 0) + line.within_cents
    for mandate in mandates:
        assert 0 <= by_mandate.get(mandate.id, 0) <= mandate.cents
    places = {f"{quarter}/{n}": line for quarter, found in zip(QUARTERS, made, strict=True)
              for n, line in enumerate(found, start=1)}  # fmt: skip
    for line in every:
        assert line.why in EARNING or line.commission_cents <= 0
        if line.back:  # it is traced to the line that it takes back whole
            assert places[line.original].commission_cents == -line.commission_cents
            assert places[line.original].at == line.at


def test_what_is_reversed_after_it_was_settled_is_taken_back_in_the_quarter_of_the_reversal() -> None:
    first = Statement("T-1", date(2026, 2, 5), (Told(date(2026, 2, 3), 10_000, date(2026, 2, 4)),))
    reversed_ = Statement("T-1", date(2026, 5, 5))
    made = settle(listen([first, reversed_]), [a_mandate()])
    assert [(line.why, line.cents, line.commission_cents) for line in made[0]] == [(Why.EARNED, 10_000, 900)]
    (back,) = made[1]
    assert (back.why, back.cents, back.commission_cents, back.original) == (Why.REVERSED, -10_000, -900, "2026-1/1")
    again = replace(first, as_of=date(2026, 8, 1))
    third = settle(listen([first, reversed_, again]), [a_mandate()])[2]
    assert [(line.commission_cents, line.original) for line in third] == [(900, "2026-2/1")]


def test_a_withdrawn_position_is_taken_back_as_well() -> None:
    first = Statement("T-1", date(2026, 2, 5), (Told(date(2026, 2, 3), 10_000),))
    gone = Statement("T-1", date(2026, 4, 5), withdrawn=True)
    made = settle(listen([first, gone]), [a_mandate()])
    assert [line.why for line in made[1]] == [Why.WITHDRAWN]
    assert sums([*made[0], *made[1]]).commission_cents == 0


def test_rates_are_settled_in_the_quarters_in_which_they_are_paid() -> None:
    granted, days = date(2026, 3, 1), [date(2026, 3, 20), date(2026, 4, 20), date(2026, 7, 20)]
    feeds = [
        Statement("T-1", later, (), tuple(Told(day, 10_000) for day in days if day <= later), granted) for later in days
    ]
    made = settle(listen(feeds), [a_mandate()])
    assert [[line.why for line in found] for found in made] == [
        [Why.INSTALMENT], [Why.INSTALMENT], [Why.INSTALMENT], [], [],
    ]  # fmt: skip
    assert all(before.paid_on < later.paid_on for before, later in pairwise(line for found in made for line in found))


def test_what_turns_out_otherwise_is_taken_back_and_settled_anew() -> None:
    """A payment that comes to light late uses up the mandate before one that was settled."""
    second = Statement("T-1", date(2026, 3, 5), (Told(date(2026, 3, 1), 10_000, date(2026, 3, 2)),))
    both = replace(
        second, as_of=date(2026, 4, 20), paid=(*second.paid, Told(date(2026, 2, 1), 6_000, date(2026, 2, 2)))
    )
    mandate = a_mandate(cents=10_000)
    heard = listen([second, both])
    told_later = [event for event in heard if event.on > date(2026, 4, 1)]
    early = [event for event in heard if event not in told_later]
    first = lines(judge(ledger.known(early, MAR).values(), [mandate], AGREED), {}, MAR)
    settled = with_these({}, first, "2026-1")
    found = lines(judge(ledger.known(heard, JUN).values(), [mandate], AGREED), settled, JUN)
    assert [(line.why, line.within_cents) for line in found] == [
        (Why.EARNED, 6_000), (Why.ANEW, -10_000), (Why.EARNED, 4_000),
    ]  # fmt: skip
    assert sums([*first, *found]).earning_cents == 10_000
