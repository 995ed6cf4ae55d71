"""What a campaign has brought: whom it reached, what was promised and paid, and whether any rule was broken."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.contacts import preferences
from crm.contacts.models import ConditionKind, ContactCondition, Source
from crm.core import clock
from crm.core.clock import ROME
from crm.core.db import Scope, table_of
from crm.core.errors import ConflictError, ForbiddenError, NotFoundError
from outbound.campaigns.models import Attempt, Campaign
from outbound.compliance.rules import Ended
from outbound.outcomes.catalogue import OutcomeRules, Said
from outbound.outcomes.deeds import Heard
from outbound.promises.judging import PromiseState
from outbound.promises.service import Wanted
from outbound.results import reading, service
from outbound.results.breaches import Law, holidays_among
from outbound.results.results import of_nobody, restored, seal, stored
from telephony.calls.models import Call
from tests.outbound.outcomes.test_giving import feed, gives, hangs_up, judged, plans, talks, today
from tests.outbound.test_calling import Anna, anna, campaign
from tests.telephony.conftest import stage
from tests.telephony.stage import Stage

__all__ = ["anna", "campaign", "stage"]

pytestmark = pytest.mark.integration
HOUR = timedelta(hours=1)


def results(stage: Stage, campaign: int, days: int = 30) -> Any:
    return stage.work(lambda s: reading.read(s, campaign_id=campaign, days=days))


def tried(stage: Stage, campaign: int, *whens: datetime, ended: Ended = Ended.NO_ANSWER, **about: Any) -> None:
    """Mario was tried then, whatever the rules say of it."""
    of = {"ente_id": stage.cast.empoli, "contract_id": stage.cast.contract, "campaign_id": campaign, "version": 1}
    rows = [
        {
            **of, "id": uuid4(), "contact_id": stage.cast.mario, "number": "+393480000001", "at": when, "begun": True,
            "reasons": [], "operator": True, "ended": ended, **about,
        }
        for when in whens
    ]  # fmt: skip
    stage.work(lambda s: s.execute(insert(table_of(Attempt)), rows))


def broken(stage: Stage, campaign: int) -> list[Law]:
    return [one.law for one in results(stage, campaign).breaches.first]


def rome(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ROME)


def test_a_conversation_a_promise_and_its_payment_are_in_the_figures(stage: Stage, anna: Anna) -> None:
    plans(stage, anna.campaign, outcomes=OutcomeRules(minute_mills=90))
    call, day = talks(stage, anna), today(stage)
    gives(stage, anna, call, Said.PROMISE, Heard(promise=Wanted(day, 50_000)))
    hangs_up(stage, call)
    stage.work(lambda s: s.execute(update(Call).values(talked_ms=150_000, held_ms=30_000)))
    feed(stage, day, 50_000)
    assert judged(stage) is PromiseState.KEPT
    found = results(stage, anna.campaign)
    assert (found.reached.contacts, found.reached.tried, found.reached.right_party) == (1, 1, 1)
    assert dict(found.outcomes) == {Said.PROMISE: 1}
    assert {state: one.paid_cents for state, one in found.promises.items()} == {PromiseState.KEPT: 50_000}
    assert [(one.number, one.minutes, one.cents) for one in found.costs] == [(1, 3.0, 27)]


def test_what_was_paid_after_the_first_attempt_is_collected_and_what_was_paid_before_is_not(
    stage: Stage, campaign: int
) -> None:
    now = stage.work(clock.now)
    first = clock.business_day(now - timedelta(days=20))
    tried(stage, campaign, now - timedelta(days=20), now - timedelta(days=5))
    long_ago = update(Campaign).values(started_at=now - timedelta(days=40))
    stage.work(lambda s: s.execute(long_ago))
    feed(stage, first + timedelta(days=8), 30_000)
    for days, cents, share in ((7, 0, 0), (15, 30_000, 1)):
        found = results(stage, campaign, days).collected
        assert found.weeks[0].first == first - timedelta(days=first.weekday())
        assert sum(found.cents.values()) == cents
        assert found.weeks[0].tried.share == share
        assert found.weeks[0].untried is None  # nobody is left
    feed(stage, first - timedelta(days=1), 30_000)
    assert results(stage, campaign).collected.weeks[0].before == 1


@pytest.mark.parametrize(
    ("whens", "ended", "laws"),
    [
        ((rome(11, 24, 8, 30), rome(11, 24, 20, 59), rome(11, 28, 14, 59)), Ended.NO_ANSWER, []),
        ((rome(11, 24, 8, 29),), Ended.NO_ANSWER, [Law.HOURS]),
        ((rome(11, 28, 15),), Ended.NO_ANSWER, [Law.HOURS]),
        ((rome(11, 29, 11),), Ended.NO_ANSWER, [Law.HOURS]),  # a Sunday
        ((rome(11, 30, 11),), Ended.NO_ANSWER, [Law.HOLIDAY]),  # the patron saint of the ente
        ((rome(3, 30, 8, 30), rome(10, 26, 20, 59)), Ended.NO_ANSWER, []),  # the days after the clocks change
        ((rome(11, 24, 10), rome(11, 24, 18)), Ended.SPOKEN, [Law.SECOND_TODAY]),
        (
            (rome(11, 24, 10), rome(11, 25, 10), rome(11, 26, 10), rome(11, 27, 10)),
            Ended.SPOKEN,
            [Law.FOURTH_IN_A_WEEK],
        ),
        ((rome(11, 17, 10), rome(11, 18, 10), rome(11, 19, 10), rome(11, 24, 10)), Ended.SPOKEN, []),
        ((rome(11, 17, 11), rome(11, 20, 11)), Ended.SILENT, [Law.SILENT]),
        ((rome(11, 18, 11), rome(11, 23, 11)), Ended.SILENT, []),
    ],
)
def test_what_law_and_code_forbid_is_found_again_in_what_was_stored(
    stage: Stage, campaign: int, whens: tuple[datetime, ...], ended: Ended, laws: list[Law]
) -> None:
    tried(stage, campaign, *whens, ended=ended)
    assert broken(stage, campaign) == laws
    assert results(stage, campaign).breaches.looked_at == len(whens)


def test_whoever_had_refused_and_what_the_rules_had_held_back_are_breaches(stage: Stage, campaign: int) -> None:
    now = rome(11, 24, 11)
    tried(stage, campaign, now, reasons=["do_not_call"])
    assert broken(stage, campaign) == [Law.UNSTATED]
    tried(stage, campaign, stage.work(clock.now) + HOUR)
    sara = Principal(stage.cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.contract)}))
    stage.work(lambda s: preferences.do_not_call(s, sara, contact_id=stage.cast.mario))
    assert Law.REFUSED in broken(stage, campaign)


def test_who_was_known_to_be_dead_was_called_against_the_rules_unless_it_was_not_so(
    stage: Stage, campaign: int
) -> None:
    now = rome(11, 24, 11)
    tried(stage, campaign, now)
    told = {"since": None, "source": Source.RELATED, "note": "", "told_by": stage.cast.anna}
    of = {"ente_id": stage.cast.empoli, "contact_id": stage.cast.mario, "kind": ConditionKind.DECEASED}
    row = ContactCondition(**of, **told, told_at=now + HOUR)
    stage.work(lambda s: s.add(row))
    assert broken(stage, campaign) == [], "nobody knew then"
    stage.work(lambda s: s.execute(update(ContactCondition).values(told_at=now - HOUR)))
    assert broken(stage, campaign) == [Law.DEAD]
    stage.work(
        lambda s: s.execute(update(ContactCondition).values(withdrawn_at=now - HOUR / 2, withdrawn_by=stage.cast.anna))
    )
    assert broken(stage, campaign) == []


def test_holidays_are_those_of_the_law_and_of_the_patron(stage: Stage) -> None:
    from crm.enti.calendar import Timetable  # noqa: PLC0415

    days = (date(2026, 12, 8), date(2026, 12, 9), date(2026, 11, 30))
    assert holidays_among(days, Timetable((), patron=(11, 30))) == [date(2026, 11, 30), date(2026, 12, 8)]


def test_a_report_stays_as_it_was_made_and_names_nobody(stage: Stage, anna: Anna) -> None:
    sara = Principal(stage.cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.contract)}))
    tried(stage, anna.campaign, rome(11, 29, 11))
    make = {"campaign_id": anna.campaign, "days": 30}
    assert [stage.work(lambda s: service.make(s, sara, **make)) for _ in range(2)] == [1, 2]
    made, found = stage.work(lambda s: service.report(s, campaign_id=anna.campaign, version=1))
    assert (found.breaches.number, found.breaches.first[0].contact_id) == (1, None)
    assert made.seal == seal(found)
    tried(stage, anna.campaign, rome(11, 24, 11))
    assert stage.work(lambda s: service.report(s, campaign_id=anna.campaign, version=1)) == (made, found)
    assert restored(stored(found)) == found
    assert of_nobody(found) == found
    with pytest.raises(ForbiddenError):
        stage.work(lambda s: service.make(s, anna.me, **make))
    siena = Scope.of_enti([stage.cast.siena], [stage.cast.other_contract])
    with pytest.raises(NotFoundError):
        stage.database.transact(siena, lambda s: service.report(s, campaign_id=anna.campaign, version=1))
    stage.work(lambda s: s.execute(update(Campaign).values(started_at=None)))
    with pytest.raises(ConflictError):
        stage.work(lambda s: service.make(s, sara, **make))
    assert stage.work(lambda s: s.scalar(select(Campaign.id))) == anna.campaign
