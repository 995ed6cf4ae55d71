"""Figures of large campaigns: whoever counts does it for everybody, and what he counted equals the rows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from crm.collection.models import ImportRun, ImportState
from crm.core import jobs
from crm.core.db import Scope
from crm.core.jobs import Job
from outbound.campaigns import contacts, counted, queries, running
from outbound.campaigns.contacts import Chosen
from outbound.campaigns.counted import LONGEST, SHARE, SHORTEST, kept_for
from outbound.campaigns.models import Attempt, CampaignContact, CampaignFigure, ContactState
from outbound.campaigns.queries import Progress
from outbound.compliance.rules import Ended, Reason, Verdict
from outbound.results import reading, watching
from outbound.results.reading import WITHIN
from outbound.results.results import THOROUGH
from outbound.results.watching import Watched
from tests.cast import Cast
from tests.databases import DatabaseUrls
from tests.outbound.test_campaigns import Office

pytestmark = pytest.mark.integration
MOMENT = timedelta(seconds=1)


@pytest.fixture
def people(database_urls: DatabaseUrls, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An office in which two contacts are many."""
    monkeypatch.setattr(counted, "LARGE", 2)
    made = Office(database_urls, cast)
    yield made
    made.database.dispose()


def progress(office: Office, campaign: int) -> Progress:
    found: Progress = office.work(lambda s: queries.progress(s, campaign))
    return found


def kept(office: Office) -> list[Any]:
    return office.work(lambda s: list(s.scalars(select(CampaignFigure))))


@given(st.floats(0, 1e9))
def test_counting_takes_a_twentieth_of_the_time_at_the_most(took_ms: float) -> None:
    keeps = kept_for(took_ms)
    assert SHORTEST <= keeps <= LONGEST
    assert keeps == LONGEST or keeps >= timedelta(milliseconds=SHARE * took_ms)


def test_what_is_counted_equals_the_rows_and_is_counted_anew_when_it_is_old(people: Office, cast: Cast) -> None:
    campaign = people.run(cast.mario, people.lucia())
    first = progress(people, campaign)
    assert first == people.work(lambda s: queries.progress_now(s, campaign))
    assert first.states == {ContactState.READY: 2}
    assert people.next(people.anna, campaign) is None  # nobody has heard the collection system
    people.now += MOMENT
    assert progress(people, campaign) == first  # as it was a moment ago, and it says so
    people.now += LONGEST
    later = progress(people, campaign)
    assert later == people.work(lambda s: queries.progress_now(s, campaign))
    assert later.at == people.now
    assert later.states == {ContactState.LATER: 1, ContactState.OUT: 1}
    assert later.reasons == {Reason.STALE: 1, Reason.NO_NUMBER: 1}


def test_everybody_is_shown_what_one_counted_also_while_another_counts(people: Office, cast: Cast) -> None:
    campaign = people.run(cast.mario, people.lucia())
    first = progress(people, campaign)
    people.now += LONGEST
    with people.database.begin(people.scope) as session:
        session.execute(select(CampaignFigure).with_for_update())  # somebody counts, and takes his time
        assert progress(people, campaign) == first
    assert progress(people, campaign).at == people.now


def test_whoever_dies_while_he_counts_leaves_what_was_counted(people: Office, cast: Cast) -> None:
    campaign = people.run(cast.mario, people.lucia())
    first = progress(people, campaign)
    people.now += LONGEST

    def dies(session: Any) -> None:
        queries.progress(session, campaign)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        people.work(dies)
    assert [one.at for one in kept(people)] == [first.at]


def test_of_few_nothing_is_kept(people: Office, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = people.run(cast.mario, people.lucia())
    progress(people, campaign)
    monkeypatch.setattr(counted, "LARGE", 3)
    people.now += LONGEST
    progress(people, campaign)
    assert kept(people) == []
    people.work(lambda s: s.execute(update(CampaignContact).values(state=ContactState.DONE)))
    assert progress(people, campaign).states == {ContactState.DONE: 2}


def test_another_ente_neither_reads_nor_overwrites_them(people: Office, cast: Cast) -> None:
    campaign = people.run(cast.mario, people.lucia())
    first = progress(people, campaign)
    people.now += LONGEST
    with people.database.begin(Scope.of_enti([cast.vinci], [cast.contract])) as session:
        assert session.scalars(select(CampaignFigure)).all() == []
        assert queries.progress(session, campaign).contacts == 0
    assert [one.at for one in kept(people)] == [first.at]


def owed(office: Office) -> list[Any]:
    return office.work(lambda s: list(s.scalars(select(Job).where(Job.kind == watching.COUNT))))


def counts(office: Office) -> None:
    """A worker comes by."""
    for job in owed(office):
        jobs.run(office.database, {watching.COUNT: watching.COUNTER}, job_id=job.id, ente_id=job.ente_id)


def wrongly(office: Office, campaign: int) -> None:
    """Mario is called on a Sunday, whatever the rules say."""

    def work(session: Any) -> None:
        its, chosen = running.get(session, campaign), Chosen(office.cast.mario, Verdict("+39055"), office.now)
        attempt = contacts.begun(session, campaign=its, chosen=chosen, agent_id=None)
        contacts.ended(session, attempt_id=attempt, ended=Ended.NO_ANSWER, operator=False)

    office.now += timedelta(days=5)
    office.work(work)


def test_who_watches_results_waits_for_nobody_and_what_was_counted_equals_the_rows(people: Office, cast: Cast) -> None:
    campaign = people.run(cast.mario, people.lucia())
    heard = {"file_name": "x", "file_bytes": 1, "totals": [], "state": ImportState.DONE}
    when = dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), people.now + timedelta(days=9))
    people.work(lambda s: s.add(ImportRun(ente_id=cast.empoli, **heard, **when)))

    def watched(days: int = 30) -> Watched:
        found: Watched = people.work(lambda s: watching.watched(s, campaign_id=campaign, days=days))
        return found

    wrongly(people, campaign)
    assert [watched().counting for _ in range(2)] == [True, True]
    assert len(owed(people)) == 1, "it is counted once for both"
    counts(people)
    for days in WITHIN:
        seen = watched(days)
        assert seen.counted_at == people.now
        assert seen.results == people.work(lambda s: reading.read(s, campaign_id=campaign, days=days))  # noqa: B023
        assert seen.results.collected.weeks
    assert [one.contact_id for one in watched().results.breaches.first] == [cast.mario]
    before = people.now
    people.now += timedelta(days=2)
    wrongly(people, campaign)
    later = watched()
    assert (later.counted_at, later.results.breaches.number) == (before, 1)
    counts(people)
    assert (watched().counted_at, watched().results.breaches.number) == (people.now, 2)


def test_what_is_kept_of_breaches_names_nobody(people: Office, cast: Cast) -> None:
    campaign = people.run(cast.mario, people.lucia())
    wrongly(people, campaign)
    people.work(lambda s: watching.watched(s, campaign_id=campaign, days=30))
    counts(people)
    (figure,) = [one for one in kept(people) if one.kind == watching.KIND]
    assert THOROUGH.validate_json(figure.value).checked.number == 1
    assert "contact" not in figure.value
    people.work(lambda s: s.execute(delete(Attempt)))
    found = people.work(lambda s: watching.watched(s, campaign_id=campaign, days=30)).results
    assert [one.contact_id for one in found.breaches.first] == [None], "he was erased"


def test_of_few_results_are_of_now(people: Office, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "LARGE", 9)
    campaign = people.run(cast.mario)
    wrongly(people, campaign)
    seen = people.work(lambda s: watching.watched(s, campaign_id=campaign, days=30))
    assert seen == Watched(people.work(lambda s: reading.read(s, campaign_id=campaign)))
    assert (owed(people), kept(people)) == ([], [])


def test_whom_a_campaign_looks_at_first_are_those_whose_turn_it_is(people: Office, cast: Cast) -> None:
    campaign = people.run(cast.mario, lucia := people.lucia())

    def first() -> list[int]:
        def read(session: Any) -> list[int]:
            return queries.first(session, campaign, of=queries.one(session, campaign))

        found: list[int] = people.work(read)
        return found

    def put(contact_id: int, **values: Any) -> None:
        its = update(CampaignContact).where(CampaignContact.contact_id == contact_id)
        people.work(lambda s: s.execute(its.values(**values)))

    put(lucia, priority=9)
    put(cast.mario, priority=1)
    assert first() == [lucia, cast.mario]
    put(lucia, state=ContactState.LATER)
    assert first() == [cast.mario, lucia]
    put(cast.mario, state=ContactState.DONE)
    assert first() == [lucia, cast.mario]
