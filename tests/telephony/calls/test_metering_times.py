"""Which instant a callback stands for, and what folding does to the counters."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from crm.core.db import Scope
from crm.levels import folding
from crm.levels.models import ServiceCount, ServiceDelta
from telephony.calls.service import carrier_instant
from tests.cast import REGIONAL_LINE, STRANGER
from tests.telephony.stage import Stage

RECEIVED = datetime(2026, 11, 20, 9, 0, 5, 400_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "instant"),
    [
        (None, RECEIVED),
        (datetime(2026, 11, 20, 9, 0, 5, tzinfo=UTC), RECEIVED),  # whole seconds: our receipt is finer
        (datetime(2026, 11, 20, 9, 0, 1, tzinfo=UTC), datetime(2026, 11, 20, 9, 0, 2, tzinfo=UTC)),  # a second at most
        (RECEIVED + timedelta(hours=1), RECEIVED),  # nothing is told before it happens
    ],
)
def test_a_late_callback_keeps_the_carrier_s_instant(told: datetime | None, instant: datetime) -> None:
    assert carrier_instant(told, RECEIVED) == instant


@pytest.mark.integration
def test_folding_moves_every_delta_once_and_changes_no_figure(stage: Stage) -> None:
    lost = stage.queues()
    stage.caller_leaves(lost, after=50)
    unattributed = stage.queues(STRANGER, REGIONAL_LINE, sid="CAother")
    before = stage.counts()
    stage.engine.fold_counters()
    assert stage.counts() == before
    stage.caller_leaves(unattributed, after=20)
    after = stage.counts()
    assert after[None, stage.cast.operator].lost == 1
    stage.engine.fold_counters()
    assert stage.counts() == after
    with stage.database.begin(Scope.of_contract(stage.cast.contract)) as session:
        assert session.execute(select(func.count()).select_from(ServiceDelta)).scalar_one() == 0
        assert session.execute(select(func.count()).select_from(ServiceCount)).scalar_one() == len(
            session.execute(select(ServiceCount.ente_id, ServiceCount.queue_id).distinct()).all()
        )
        assert folding.fold(session) == set()
