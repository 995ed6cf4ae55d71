"""Calls by the hour of operators' time (O4): on the levels' pages, and in a closed period under its seal."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from crm.access.models import Role, RoleGrant
from crm.core import clock
from crm.core.db import Database, Scope
from crm.levels.agreement import Period
from crm.levels.closing import close_due, closed
from crm.levels.differences import Whole, shifts
from crm.levels.formulas import Standing
from crm.levels.frozen import judged_again, seal
from crm.levels.known import Outbound
from crm.levels.metrics import MetricName
from outbound.dialer.models import OutboundDay
from tests.cast import Cast, promise
from tests.outbound.dialing import Dialing
from tests.web.test_dialer import as_, dialing
from web.levels.view import days_of

__all__ = ["dialing"]
pytestmark = pytest.mark.integration
TWO_HOURS_MS = 7_200_000


def counted(dialing: Dialing, day: date, attempts: int) -> None:
    stage, cast = dialing.stage, dialing.stage.cast
    its = {"ente_id": cast.empoli, "contract_id": cast.contract, "campaign_id": dialing.campaign}
    row = {"day": day, "attempts": attempts, "staffed_ms": TWO_HOURS_MS, "counted_at": stage.work(clock.now)}
    stage.work(lambda s: s.merge(OutboundDay(**its, **row)))


def test_calls_by_the_hour_are_a_level_that_leads_to_each_campaign_s_days(
    client: TestClient, dialing: Dialing, database: Database, cast: Cast
) -> None:
    """Metric: outbound per hour."""
    with database.begin(Scope.nothing()) as session:
        promise(session, cast.contract, MetricName.OUTBOUND, "50", op=">=")
        supervises = RoleGrant.user_id == cast.sara
        session.execute(update(RoleGrant).where(supervises).values(role=Role.ADMINISTRATOR))
    counted(dialing, clock.business_day(dialing.stage.work(clock.now)), 90)
    as_(client, "sara")
    levels = client.get("/levels").text
    assert "90 chiamate in 2 ore degli operatori" in levels
    page = client.get(f"/levels/{cast.contract}/outbound")
    assert page.status_code == 200
    for words in ("Solleciti", "45", "almeno"):
        assert words in page.text, words
    assert client.get(f"/levels/{cast.other_contract}/outbound").status_code == 404
    as_(client, "anna")
    assert client.get(f"/levels/{cast.contract}/outbound").status_code == 403


def test_a_closed_period_keeps_calls_and_operators_time_under_its_seal(
    dialing: Dialing, database: Database, cast: Cast
) -> None:
    """Metric: outbound per hour. What is counted anew afterwards is told apart, and changes nothing that was closed."""
    with database.begin(Scope.nothing()) as session:
        promise(session, cast.contract, MetricName.OUTBOUND, 50, op=">=")
    day = clock.business_day(dialing.stage.work(clock.now)) - timedelta(days=40)
    first, after = Period.MONTH.around(day)
    counted(dialing, day, 90)
    assert close_due(database, days_of)
    counted(dialing, day, 91)
    assert close_due(database, days_of) == 0
    with database.begin(Scope.of_contract(cast.contract)) as session:
        whole, empoli, vinci = (
            closed(session, cast.contract, first, after - timedelta(days=1), ente_id=one)
            for one in (None, cast.empoli, cast.vinci)
        )
        assert whole is not None
        assert empoli is not None
        assert vinci is not None
        now = days_of(session, cast.contract, None)(first, after)
    frozen = whole.frozen
    assert frozen.evidence.outbound == empoli.frozen.evidence.outbound == Outbound(90, TWO_HOURS_MS)
    assert vinci.frozen.evidence.outbound is None
    (verdict,) = (one for one in frozen.verdicts if one.promise.metric == MetricName.OUTBOUND)
    assert (verdict.measured, verdict.standing) == (Decimal(45), Standing.BROKEN)
    assert judged_again(frozen) == frozen.verdicts
    assert whole.seal == seal(frozen) != seal(replace(frozen, evidence=now))
    changed = {one.figure: (one.was, one.now) for one in shifts(frozen.evidence, now)}
    assert changed == {Whole.OUTBOUND_CALLS: (90, 91)}
