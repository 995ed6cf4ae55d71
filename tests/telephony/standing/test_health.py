"""Since when the carrier does not answer."""

from datetime import datetime

import pytest

from crm.core import topics
from crm.core.db import LiveTopic, Scope
from telephony.standing.health import IN_A_ROW, Watch, failing_since
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration


def since(stage: Stage) -> datetime | None:
    with stage.database.begin(Scope.nothing()) as session:
        return failing_since(session)


def test_a_silence_is_known_after_three_failures_with_the_instant_of_the_first_and_over_with_the_first_answer(
    stage: Stage,
) -> None:
    """Rule: heartbeat and take-over. Whatever dies silently is noticed."""
    told: list[LiveTopic] = []
    stage.database.on(LiveTopic, told.extend)
    watch, other = (Watch(stage.database, stage.carrier, "AC1") for _ in range(2))
    assert watch.look()
    stage.carrier.silent = True
    for _ in range(IN_A_ROW - 1):
        watch.look()
    assert since(stage) is None
    before = stage.work(lambda session: session.info["now"])
    watch.look()
    first = since(stage)
    assert first is not None
    assert first < before
    for _ in range(IN_A_ROW):
        other.look()  # another engine leads: the instant stands
    assert since(stage) == first
    stage.carrier.silent = False
    assert other.look()
    assert since(stage) is None
    assert [one.name for one in told] == [topics.carrier()] * 2


def test_one_lost_answer_is_no_outage(stage: Stage) -> None:
    watch = Watch(stage.database, stage.carrier, "AC1")
    for silent in (True, True, False, True, True):
        stage.carrier.silent = silent
        watch.look()
    assert since(stage) is None
