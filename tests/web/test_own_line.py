"""What an agent reads of his own day is what boards and reports make of the same calls."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm.core.clock import start_of_day
from crm.levels import queries
from crm.levels.formulas import mean_handling_ms
from crm.levels.metering import Counts, Spread
from crm.reports.report import head
from telephony.calls import conversation
from telephony.calls.choices import Disposition, Topic
from telephony.calls.events import BackAsked, HoldAsked
from tests.telephony.stage import Stage
from tests.web.conftest import Desk
from web.console.strip import own_counts, strip

pytestmark = pytest.mark.integration


def test_the_mean_of_ones_own_calls_is_the_reports_and_the_boards(desk: Desk) -> None:
    """Metric: AHT. Sixty seconds, twenty of them on hold, and the notes; another of thirty, not yet written up."""
    stage: Stage = desk.stage
    cast = stage.cast
    stage.ready(cast.anna)
    first = stage.queues(sid="CAfirst")
    stage.talks(first)
    for event, after in ((HoldAsked, 10), (BackAsked, 30)):
        stage.hear(first, event(stage.after(first, after), cast.anna))
    stage.caller_leaves(first, after=60)
    by = stage.principal(cast.anna)
    about = {"topic": Topic.INSTALMENTS, "disposition": Disposition.WILL_PAY, "note": "Rate."}
    stage.work(lambda s: conversation.draft(s, by, call_id=first, **about))
    stage.work(lambda s: conversation.wrap_up(s, by, call_id=first, intended=None))
    second = stage.queues(sid="CAsecond")
    stage.talks(second)
    stage.caller_leaves(second, after=30)
    stage.engine.fold_counters()

    since = start_of_day((stage.call(first).arrived_at - timedelta(days=1)).date())
    own = stage.work(lambda s: own_counts(s, cast.anna, since))
    tally = stage.work(lambda s: queries.tally_since(s, frozenset({cast.contract}), since))
    counted = sum(tally.rows.values(), Counts())
    assert (own.handled, own.hold_ms) == (2, 20_000)
    assert (own.handled, own.talk_ms, own.hold_ms) == (counted.handled, counted.talk_ms, counted.hold_ms)
    assert abs(own.wrap_up_ms - counted.wrap_up_ms) <= 1  # half a millisecond may be rounded otherwise
    mean = mean_handling_ms(own)
    assert mean is not None
    assert mean > mean_handling_ms(replace(own, hold_ms=0, wrap_up_ms=0))  # type: ignore[operator]
    shown = stage.work(lambda s: strip(s, cast.anna))
    assert (shown.mine, shown.handling_s) == (2, float(mean) / 1000)
    assert abs(head(counted, Spread()).handling_ms - mean) <= 1  # type: ignore[operator]
    assert stage.work(lambda s: strip(s, cast.luca)).handling_s is None
