"""When a closure is agreed: decided purely."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import ConflictError, InvalidError
from crm.enti.consent import Agreed, ClosureStanding, agreed_by_all, agreed_from, check_spell, decided, judged, unjudged

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE, OTHER = uuid4(), uuid4()


def agreed(proposal: UUID, ente_id: int) -> Agreed:
    return Agreed(proposal, ente_id, NOW, NOW + HOUR, "Chiusi.")


@pytest.mark.parametrize(
    ("starts", "ends", "fields"),
    [
        (NOW + HOUR, NOW + 2 * HOUR, set()),
        (NOW, NOW + HOUR, {"starts"}),
        (NOW + 2 * HOUR, NOW + HOUR, {"ends"}),
        (NOW - HOUR, NOW - 2 * HOUR, {"starts", "ends"}),
        (NOW + HOUR, NOW + 61 * 24 * HOUR + HOUR, {"ends"}),
        (NOW + 800 * 24 * HOUR, NOW + 800 * 24 * HOUR + HOUR, {"starts"}),
    ],
)
def test_a_time_that_nobody_can_be_asked_for_is_said_at_its_field(
    starts: datetime, ends: datetime, fields: set[str]
) -> None:
    if not fields:
        check_spell(starts, ends, NOW)
        return
    with pytest.raises(InvalidError) as refusal:
        check_spell(starts, ends, NOW)
    assert {part.field for part in refusal.value.parts} == fields


def test_the_ente_decides_once_in_time_and_says_why_not() -> None:
    proposed = ClosureStanding.PROPOSED

    def decide(standing: ClosureStanding, *, ends_at: datetime = NOW + HOUR, approve: bool = True) -> ClosureStanding:
        return decided(standing, approve=approve, reason="", ends_at=ends_at, now=NOW)

    assert decide(proposed) is ClosureStanding.APPROVED
    with pytest.raises(InvalidError):
        decide(proposed, approve=False)
    with pytest.raises(ConflictError):
        decide(proposed, ends_at=NOW)
    for standing in set(ClosureStanding) - {proposed}:
        with pytest.raises(ConflictError):
            decide(standing)


def test_approved_late_it_is_agreed_from_then_on_and_an_emergency_never() -> None:
    assert agreed_from(ClosureStanding.APPROVED, NOW, NOW - HOUR) == NOW
    assert agreed_from(ClosureStanding.APPROVED, NOW, NOW + HOUR) == NOW + HOUR
    for standing in set(ClosureStanding) - {ClosureStanding.APPROVED}:
        assert agreed_from(standing, NOW, NOW) is None


@given(st.booleans(), st.integers(0, 48))
def test_a_closed_number_is_judged_once_and_that_is_taken_back_within_a_day(approve: bool, hours: int) -> None:
    said = judged(ClosureStanding.EMERGENCY, approve=approve, reason="Non lo sapevamo.")
    assert said is (ClosureStanding.APPROVED if approve else ClosureStanding.REFUSED)
    with pytest.raises(ConflictError):
        judged(said, approve=approve, reason="Non lo sapevamo.")
    if hours <= 24:
        assert unjudged(said, decided_at=NOW, now=NOW + hours * HOUR) is ClosureStanding.EMERGENCY
    else:
        with pytest.raises(ConflictError):
            unjudged(said, decided_at=NOW, now=NOW + hours * HOUR)
    with pytest.raises(ConflictError):
        unjudged(ClosureStanding.EMERGENCY, decided_at=None, now=NOW)


@given(
    st.lists(st.tuples(st.sampled_from([ONE, OTHER]), st.integers(1, 4)), max_size=8),
    st.frozensets(st.integers(1, 3), max_size=3),
)
def test_common_lines_close_for_what_every_ente_approved_and_nothing_else(
    rows: list[tuple[UUID, int]], enti: frozenset[int]
) -> None:
    found = agreed_by_all([agreed(*row) for row in rows], enti)
    wanted = {proposal for proposal, _ in rows if enti and enti <= {ente for each, ente in rows if each == proposal}}
    assert {one.proposal for one in found} == wanted
    assert len(found) == len(wanted)
