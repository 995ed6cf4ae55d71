"""Calls by the hour of operators' time (O4): summed up from rows, the same live, in a report, and counted anew."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.db import new_id
from crm.core.errors import ConflictError, FieldError
from crm.levels.known import Outbound
from outbound.campaigns.models import Attempt, Look, LookEnd, Skip
from outbound.campaigns.plan import Mode
from outbound.compliance import windows
from outbound.compliance.rules import Ended
from outbound.dialer import calling, queries, service, staffing
from outbound.dialer.models import DialerGap, DialerStay, Gap, OutboundDay
from telephony.agents.models import Activity, AgentFact
from tests.cast import MARIO_MOBILE, principal_of
from tests.outbound.dialing import Dialing
from tests.telephony.conftest import stage
from tests.telephony.stage import Stage

__all__ = ["stage"]
pytestmark = pytest.mark.integration
MINUTE_MS = 60_000


@pytest.fixture(autouse=True)
def whatever_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """People may be called whatever the hour at which the tests run."""
    monkeypatch.setattr(windows, "opening", lambda _window, at: at)


def gaps(one: Dialing) -> list[tuple[Gap, bool]]:
    rows = select(DialerGap.why, DialerGap.until.is_(None)).order_by(DialerGap.id)
    return [(why, lasts) for why, lasts in one.stage.work(lambda s: s.execute(rows).all())]


def test_time_in_which_nobody_of_the_list_can_be_called_is_written_down(stage: Stage) -> None:
    """Metric: outbound per hour."""
    one = Dialing(stage)
    one.seated(stage.cast.anna)
    assert gaps(one) == []
    one.turn()
    one.ends(one.lines()[0], "no-answer")
    one.turn()
    assert gaps(one) == [(Gap.LIST, True)], "Mario was called a moment ago, and nobody else is there"
    one.turn()
    assert len(gaps(one)) == 1
    sara = stage.work(lambda s: principal_of(s, stage.cast.sara))
    for stopped in (True, False):
        stage.work(lambda s, stopped=stopped: service.stop(s, sara, campaign_id=one.campaign, stopped=stopped))
        one.turn()
    assert gaps(one) == [(Gap.LIST, False), (Gap.STOPPED, False)]


def lived(one: Dialing, *, days_ago: int) -> Any:
    """Days ago Anna took part for an hour from nine in the evening, in Rome: for ten minutes she was with a caller, for
    twenty nobody could be called. Sixty calls left. The day.
    """
    stage, cast = one.stage, one.stage.cast
    day = stage.work(lambda s: clock.business_day(clock.now(s))) - timedelta(days=days_ago)
    nine = clock.start_of_day(day) + timedelta(hours=21)
    its = {"ente_id": cast.empoli, "contract_id": cast.contract, "campaign_id": one.campaign}

    def work(session: Session) -> None:
        hour = timedelta(hours=1)
        session.add(DialerStay(**its, agent_id=cast.anna, joined_at=nine, left_at=nine + hour))
        gap = nine + timedelta(minutes=30)
        session.add(DialerGap(**its, why=Gap.LIST, since=gap, until=gap + timedelta(minutes=20)))
        for after, activity in ((0, Activity.READY), (10, Activity.TALKING), (20, Activity.READY)):
            call_id = new_id(session) if activity is Activity.TALKING else None
            at = nine + timedelta(minutes=after)
            session.add(AgentFact(agent_id=cast.anna, at=at, activity=activity, call_id=call_id))
        session.add(AgentFact(agent_id=cast.anna, at=nine + hour, activity=Activity.OFFLINE))
        rows = [
            {
                **its, "id": new_id(session), "version": 1, "contact_id": cast.mario, "number": MARIO_MOBILE,
                "at": nine + timedelta(seconds=30 * n), "begun": n < 60, "reasons": [], "ended": Ended.NO_ANSWER,
                "ended_at": nine + hour, "operator": False,
            }
            for n in range(61)
        ]  # fmt: skip
        session.execute(insert(Attempt), rows)

    stage.work(work)
    return day


def test_a_day_of_any_month_is_counted_from_its_rows_and_again(stage: Stage) -> None:
    """Metric: outbound per hour. Sixty calls in thirty minutes that were the campaign's: 120 an hour."""
    one, cast = Dialing(stage), stage.cast
    stage.ready(cast.anna)
    day = lived(one, days_ago=40)
    stage.work(lambda s: staffing.fold(s, contract_id=cast.contract))
    after = day + timedelta(days=1)
    found = stage.work(lambda s: staffing.of_period(s, cast.contract, day, after))
    assert found == Outbound(60, 30 * MINUTE_MS)
    assert found.an_hour == 120
    assert stage.work(lambda s: staffing.of_period(s, cast.contract, day, after, ente_id=cast.empoli)) == found
    assert stage.work(lambda s: staffing.of_period(s, cast.contract, day, after, ente_id=cast.vinci)) is None
    long = {"since": clock.start_of_day(day), "until": clock.start_of_day(after)}
    assert [one.stored == one.true for one in stage.work(lambda s: staffing.verify(s, cast.contract, **long))] == [True]
    stage.work(lambda s: s.execute(update(OutboundDay).values(attempts=61)))
    wrong = stage.work(lambda s: staffing.verify(s, cast.contract, **long))
    assert [(each.stored.attempts, each.true.attempts) for each in wrong] == [(61, 60)]
    stage.work(lambda s: staffing.correct(s, wrong))
    assert stage.work(lambda s: staffing.of_period(s, cast.contract, day, after)) == found
    assert stage.work(lambda s: staffing.fold(s, contract_id=cast.contract)) == 0, "a day that is over stays"


def test_the_board_and_the_level_say_the_same(stage: Stage) -> None:
    """Metric: outbound per hour."""
    one, cast = Dialing(stage, others=2), stage.cast
    one.seated(cast.anna)
    one.turn()
    stage.passes(1)
    board = stage.work(lambda s: queries.board(s, one.campaign))
    today = stage.work(lambda s: clock.business_day(clock.now(s)))
    stage.work(lambda s: staffing.fold(s, contract_id=cast.contract))
    found = stage.work(lambda s: staffing.of_period(s, cast.contract, today, today + timedelta(days=1)))
    assert found is not None
    assert (found.attempts, board.dialed) == (1, 1)
    assert 0 <= found.staffed_ms - board.staffed_ms < 60_000


def test_who_looks_first_counts_too_and_in_vain_he_does_not(stage: Stage) -> None:
    """Metric: outbound per hour."""
    one, cast = Dialing(stage, mode=Mode.PREVIEW), stage.cast
    stage.ready(cast.anna)
    anna = stage.work(lambda s: principal_of(s, cast.anna))
    assert stage.work(lambda s: calling.next_contact(s, anna, campaign_id=one.campaign)) is not None
    mario = {"campaign_id": one.campaign, "contact_id": cast.mario}
    call, _ = stage.work(lambda s: calling.call(s, anna, **mario))
    looks = select(Look.became, Look.call_id).order_by(Look.id)
    assert stage.work(lambda s: s.execute(looks).all()) == [(LookEnd.CALLED, call)]
    now = stage.work(clock.now)
    spans = stage.work(lambda s: staffing.spans_of(s, one.campaign, now - timedelta(hours=1), now))
    assert list(spans) == [cast.anna], "until her notes are written"
    assert stage.work(lambda s: calling.next_contact(s, anna, campaign_id=one.campaign)) is None
    assert [row.became for row in stage.work(lambda s: s.execute(looks).all())] == [LookEnd.CALLED, LookEnd.NOBODY]
    assert stage.work(lambda s: queries.board(s, one.campaign)).dialed == 1


def test_nobody_pages_through_names(stage: Stage) -> None:
    """Whoever asks for the next one has called, or has said why not: then he is a colleague's, and it is counted."""
    one, cast = Dialing(stage, mode=Mode.PREVIEW, others=1), stage.cast
    stage.ready(cast.anna, cast.luca)
    anna, luca = (stage.work(lambda s, who=who: principal_of(s, who)) for who in (cast.anna, cast.luca))
    first = stage.work(lambda s: calling.next_contact(s, anna, campaign_id=one.campaign))
    assert first is not None
    for _ in range(2):
        with pytest.raises(ConflictError):
            stage.work(lambda s: calling.next_contact(s, anna, campaign_id=one.campaign))
    shown = stage.work(lambda s: calling.before_him(s, anna))
    assert shown is not None
    assert shown[1].contact_id == first.contact_id, "he is there again when the page is loaded anew"
    his = {"campaign_id": one.campaign, "contact_id": first.contact_id}
    with pytest.raises(FieldError):
        stage.work(lambda s: calling.let_go(s, anna, **his, why=None))
    stage.work(lambda s: calling.let_go(s, luca, **his, why=Skip.OTHER))  # of whom he knows nothing
    with pytest.raises(ConflictError):
        stage.work(lambda s: calling.next_contact(s, anna, campaign_id=one.campaign))
    stage.work(lambda s: calling.let_go(s, anna, **his, why=Skip.KNOWN))
    second = stage.work(lambda s: calling.next_contact(s, anna, campaign_id=one.campaign))
    assert second is not None
    assert second.contact_id != first.contact_id, "not she"
    theirs = stage.work(lambda s: calling.next_contact(s, luca, campaign_id=one.campaign))
    assert theirs is not None
    assert theirs.contact_id == first.contact_id
    assert stage.work(lambda s: queries.board(s, one.campaign)).skips == {Skip.KNOWN: 1}
    kinds = select(AuditEntry.kind).where(AuditEntry.kind == "campaign.skipped")
    assert len(stage.work(lambda s: s.scalars(kinds).all())) == 1
