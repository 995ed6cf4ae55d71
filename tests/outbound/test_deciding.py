"""What the dialer decides, whatever the desk looks like."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from outbound.campaigns.plan import Mode
from outbound.dialer.deciding import Desk, Ringing, Seat, SeatState, Why, allowed, decide, kept_for_inbound
from outbound.dialer.expected import Expected
from outbound.dialer.pacing import Now, to_dial, to_drop

IN_IT = (SeatState.WAITING, SeatState.LEAVING, SeatState.OPENING, SeatState.TALKING, SeatState.LAST, SeatState.NOTES)
NOBODY_FOR = (SeatState.AWAY, SeatState.ELSEWHERE, SeatState.LEAVING, SeatState.LAST)


@st.composite
def desks(draw: st.DrawFn) -> Desk:
    states = draw(st.lists(st.sampled_from(SeatState), max_size=12))
    waits = draw(st.lists(st.floats(0, 300), min_size=12, max_size=12))
    seats = [
        Seat(n, state, waits[n], UUID(int=n) if state in IN_IT else None, draw(st.booleans()))
        for n, state in enumerate(states)
    ]  # fmt: skip
    for_whom = draw(st.lists(st.none() | st.integers(0, 13), max_size=12))
    whose: set[int] = set()
    ringing = []
    for n, one in enumerate(for_whom):
        if one is not None and one in whose:
            continue
        whose |= {one} if one is not None else set()
        ringing.append(Ringing(UUID(int=100 + n), draw(st.floats(0, 30)), one))
    return Desk(
        draw(st.sampled_from(Mode)), draw(st.booleans()), seats, ringing, Expected(hit=draw(st.floats(0.02, 0.9))),
        draw(st.sampled_from([0.0, 0.01, 0.1, 0.5])), least=draw(st.integers(2, 6)),
        inbound=draw(st.frozensets(st.integers(0, 12))), callers=draw(st.integers(0, 3)),
        at_most=draw(st.integers(0, 20)),
    )  # fmt: skip


@given(desks())
def test_nobody_is_dialed_for_whom_no_operator_would_be_there(desk: Desk) -> None:
    """Rule: no dialling without agents. One line for each who waits, or as many as the price allows."""
    done = decide(desk)
    waiting = {one.agent_id for one in desk.seats if one.state is SeatState.WAITING}
    theirs = [one for one in done.dial if one is not None]
    assert len(done.dial) <= desk.at_most
    assert set(theirs) <= waiting - desk.inbound
    assert len(theirs) == len(set(theirs)), "one line for each"
    assert not {one.for_agent for one in desk.ringing} & set(theirs), "and not a second one"
    if all(one.state in NOBODY_FOR for one in desk.seats) or not desk.runs or desk.mode is Mode.PREVIEW:
        assert done.dial == ()
    if desk.mode is Mode.PROGRESSIVE or desk.price <= 0 or desk.present < desk.least:
        assert None not in done.dial
        free = len(waiting - {one.for_agent for one in desk.ringing})
        assert len(done.dial) <= free


@given(desks())
def test_when_nobody_is_there_everything_that_rings_is_given_up(desk: Desk) -> None:
    """Rule: no dialling without agents. Pacing stops at once when they vanish."""
    gone = replace(desk, seats=[replace(one, state=SeatState.AWAY, call_id=None) for one in desk.seats])
    done = decide(gone)
    assert set(done.drop) == {one.line_id for one in desk.ringing}
    assert (done.dial, done.open, done.release) == ((), (), ())


@given(desks())
def test_who_wants_to_leave_is_let_out_and_who_talks_is_left_alone(desk: Desk) -> None:
    done = decide(desk)
    by_call = {one.call_id: one.state for one in desk.seats if one.call_id is not None}
    assert {by_call[one] for one in done.release} <= {SeatState.WAITING, SeatState.LEAVING, SeatState.OPENING}
    assert len(done.release) == len(set(done.release))
    if not done.drop:
        assert {one.call_id for one in desk.seats if one.state is SeatState.LEAVING} <= set(done.release)
    rung = {one.agent_id: one for one in desk.seats}
    assert all(rung[one].state is SeatState.FREE and not rung[one].rests for one in done.open)


@given(desks())
def test_who_phones_us_goes_first(desk: Desk) -> None:
    """An operator whom callers need is neither rung nor given a line."""
    done = decide(desk)
    assert not desk.inbound & set(done.open)
    assert not desk.inbound & {one for one in done.dial if one is not None}
    if desk.callers > len(desk.inbound):
        assert done.dial == ()


@given(desks())
def test_the_reason_fits_what_is_done(desk: Desk) -> None:
    done = decide(desk)
    assert (done.reason.why is Why.DIALS) == bool(done.dial)
    assert done.reason.count == len(done.dial)
    assert done.reason.ringing in {0, len(desk.ringing)}


@given(st.integers(0, 6), st.lists(st.floats(0, 300), max_size=6), st.lists(st.floats(0, 30), max_size=12))
def test_the_more_operators_the_fewer_lines_are_given_up(ready: int, busy: list[float], rung: list[float]) -> None:
    for price in (0.0, 0.02):
        dropped = [to_drop(Now(ready + more, busy, rung), Expected(), price) for more in range(4)]
        assert dropped == sorted(dropped, reverse=True)
        assert all(0 <= one <= len(rung) for one in dropped)
    assert to_drop(Now(0, (), rung), Expected(), 0.5) == len(rung)


@given(
    st.integers(0, 6), st.lists(st.floats(0, 300), max_size=6), st.lists(st.floats(0, 30), max_size=6),
    st.sampled_from([0.0, 0.01, 0.1, 0.5]), st.floats(0.02, 0.9),
)  # fmt: skip
def test_what_was_just_worth_a_call_is_not_given_up_at_once(
    ready: int, busy: list[float], rung: list[float], price: float, hit: float
) -> None:
    expected, now = Expected(hit=hit), Now(ready, busy, rung)
    count = to_dial(now, expected, price, at_most=20)
    then = Now(ready, busy, [*rung, *[0.0] * count])
    assert to_drop(then, expected, price) <= to_drop(now, expected, price)
    if count:
        assert to_drop(then, expected, price) == 0


@given(st.lists(st.integers(1, 4), max_size=6), st.lists(st.frozensets(st.integers(1, 4)), max_size=6))
def test_each_who_waits_keeps_one_operator_who_may_answer_him(waiting: list[int], may: list[frozenset[int]]) -> None:
    kept = kept_for_inbound(waiting, enumerate(may))
    assert len(kept) <= len(waiting)
    assert all(may[one] & set(waiting) for one in kept)
    if waiting and any(waiting[0] in one for one in may):
        assert kept


def test_an_ente_that_approved_one_way_approved_those_with_more_of_a_look_first() -> None:
    assert allowed(Mode.PREVIEW, Mode.PROGRESSIVE)
    assert allowed(Mode.PREDICTIVE, Mode.PREDICTIVE)
    assert not allowed(Mode.PREDICTIVE, Mode.PROGRESSIVE)
