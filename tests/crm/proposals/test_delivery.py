"""Approved proposals go to a gestionale over HTTP, and its answers come back: the stand-in takes and answers them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from crm.collection.models import CollectionSource, SourceKind
from crm.collection.sources import service as sources
from crm.collection.sources.service import Timetable
from crm.core import jobs
from crm.core.db import Database
from crm.core.errors import ConflictError, ForbiddenError, InvalidError
from crm.core.jobs import LEASE, Job, JobState
from crm.proposals import delivery, exports, queries
from crm.proposals.acknowledgements import NOT_READ
from crm.proposals.lifecycle import State
from crm.proposals.models import DELIVER, ProposalExport
from crm.proposals.service import Made
from tests.cast import Cast
from tests.crm.collection.sources.conftest import TOKEN, Served
from tests.crm.conftest import Killed, die
from tests.crm.proposals.test_proposals import Office

pytestmark = pytest.mark.integration
RUNNERS = {DELIVER: delivery.DELIVERER, delivery.ASK: delivery.ASKER}


class Wired(Office):
    """An office whose gestionale takes proposals."""

    served: Served

    def connects(self) -> int:
        """Set the source up."""
        source: int = self.do(
            lambda session: sources.save(
                session, self.people["admin"], ente_id=self.cast.empoli, source_id=None, kind=SourceKind.HTTP,
                name="Gestionale", endpoint="DEMO", timetable=Timetable(), active=True, takes_proposals=True,
            )
        )  # fmt: skip
        return source

    def approved(self, number: str = "0571 700123") -> Made:
        """A proposal that the ente approved."""
        made = self.phone(number)
        self.decide(made)
        return made

    def works(self) -> int:
        """Do the jobs that wait; how many."""
        waiting = select(Job.id).where(Job.state == JobState.WAITING).order_by(Job.id)
        ids = self.do(lambda session: session.scalars(waiting).all())
        return sum(jobs.run(self.database, RUNNERS, job_id=one, ente_id=self.cast.empoli) for one in ids)

    def passes(self) -> None:
        """Time enough passes for whatever is put off."""
        later = {"open_until": None, "answers_due_at": None}
        self.do(lambda session: session.execute(update(CollectionSource).values(later)))

    def sweeps(self) -> int:
        """The beat looks for what is due, and the workers do it."""
        self.do(delivery.owe)
        return self.works()

    def feed(self) -> ProposalExport:
        """The last feed."""
        row: ProposalExport = self.do(
            lambda session: session.scalars(select(ProposalExport).order_by(ProposalExport.id.desc()).limit(1)).one()
        )
        return row

    @property
    def inbox(self) -> Any:
        """What the gestionale has taken."""
        return self.served.gestionale.enti["D403"].inbox


@pytest.fixture
def office(database: Database, cast: Cast, served: Served, monkeypatch: pytest.MonkeyPatch) -> Wired:
    monkeypatch.setenv("FILODIRETTO_GESTIONALE_DEMO_URL", served.url)
    monkeypatch.setenv("FILODIRETTO_GESTIONALE_DEMO_TOKEN", TOKEN)
    monkeypatch.setattr("crm.collection.sources.http.FIRST_WAIT_S", 0.0)
    wired = Wired(database, cast)
    wired.served = served
    return wired


def test_what_is_exported_is_delivered_and_answered_later(office: Wired) -> None:
    office.connects()
    made = office.approved()
    office.export()
    assert office.works() == 1
    assert (office.feed().delivered_at is not None, list(office.inbox.proposals)) == (True, [str(made.proposal_id)])
    assert office.see(made).state is State.EXPORTED
    assert office.sweeps() == 1  # nothing to answer with yet
    assert office.sweeps() == 0  # for a quarter of an hour
    office.inbox.decide(accepted=False, reason="Non risulta", now=office.served.gestionale.now())
    office.passes()
    assert office.sweeps() == 1
    one = office.see(made)
    assert (one.state, one.reason) == (State.REJECTED, "Non risulta")
    office.passes()
    assert office.sweeps() == 0  # all is answered


def test_it_may_be_answered_at_once(office: Wired) -> None:
    office.inbox.at_once = True
    office.connects()
    made = office.approved()
    office.export(by=None)
    office.works()
    assert office.see(made).state is State.ACKNOWLEDGED


def test_answers_come_page_by_page_and_from_the_start_when_the_cursor_is_gone(
    office: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.collection.sources.http.PAGE_RECORDS", 2)
    office.connects()
    made = [office.approved(f"0571 70012{number}") for number in range(5)]
    office.export()
    office.works()
    office.inbox.decide(accepted=True, reason="", now=office.served.gestionale.now())
    office.do(lambda session: session.execute(update(CollectionSource).values(answers_cursor="earlier-3")))
    assert office.sweeps() == 1
    assert {office.see(one).state for one in made} == {State.ACKNOWLEDGED}


def test_a_gestionale_that_does_not_answer_is_let_alone_for_a_while_and_then_gets_everything_in_order(
    office: Wired,
) -> None:
    office.connects()
    office.served.gestionale.faults = ["error"] * 12  # four tries a delivery
    for number in ("0571 700123", "0571 700124"):
        office.approved(number)
        office.export()
    office.works()
    assert "stato 500" in (office.do(queries.exports)[1].delivery_failure or "")
    assert office.sweeps() == 1
    office.do(lambda session: session.execute(update(Job).where(Job.state != JobState.DONE).values(state="done")))
    assert office.sweeps() == 0  # the circuit is open
    office.passes()
    assert office.sweeps() == 1
    feeds = office.do(queries.exports)
    assert [(one.delivered_at is not None, one.delivery_failure) for one in feeds] == [(True, None)] * 2
    assert len(office.inbox.proposals) == 2


def test_when_the_answer_is_lost_it_is_sent_again_and_taken_once(office: Wired) -> None:
    office.connects()
    office.approved()
    office.served.gestionale.faults = ["deaf"]
    office.export()
    office.works()
    assert office.feed().delivered_at is not None
    assert (len(office.inbox.feeds), len(office.inbox.proposals)) == (1, 1)


def test_killed_between_sending_and_noting_it_is_delivered_once(office: Wired, killed: Killed) -> None:
    office.inbox.at_once = True
    office.connects()
    made = office.approved()
    office.export()
    job = office.do(lambda session: session.scalars(select(Job.id).where(Job.kind == DELIVER)).one())

    def work(database: Database) -> None:
        delivery._taken = die
        jobs.run(database, RUNNERS, job_id=job, ente_id=office.cast.empoli)

    killed(work)
    assert (len(office.inbox.feeds), office.feed().delivered_at) == (1, None)
    office.do(lambda session: session.execute(update(Job).values(due_at=Job.due_at - LEASE)))
    assert jobs.run(office.database, RUNNERS, job_id=job, ente_id=office.cast.empoli)
    assert office.feed().delivered_at is not None
    assert (len(office.inbox.feeds), len(office.inbox.answers)) == (1, 1)
    assert office.see(made).state is State.ACKNOWLEDGED


def test_a_feed_that_is_refused_waits_for_a_person(office: Wired) -> None:
    office.connects()
    office.approved()
    export_id = office.export()
    assert export_id is not None
    office.inbox.feeds[str(office.feed().delivery_key)] = "of another feed"
    office.works()
    assert "non prende questo flusso (stato 409)" in (office.feed().delivery_failure or "")
    assert office.sweeps() == 0
    office.inbox.feeds.clear()
    with pytest.raises(ForbiddenError):
        office.do(lambda session: delivery.deliver_now(session, office.people["anna"], export_id=export_id))
    admin = office.people["admin"]
    office.do(lambda session: delivery.deliver_now(session, admin, export_id=export_id))
    office.works()
    assert (office.feed().delivered_at is not None, office.feed().delivery_failure) == (True, None)
    with pytest.raises(ConflictError):
        office.do(lambda session: delivery.deliver_now(session, admin, export_id=export_id))


def test_where_the_gestionale_takes_files_alone_nothing_is_sent(office: Wired) -> None:
    office.approved()
    export_id = office.export()
    assert export_id is not None
    assert (office.feed().delivery_key, office.works(), office.sweeps()) == (None, 0, 0)
    admin = office.people["admin"]
    with pytest.raises(InvalidError, match="Nessuna fonte"):
        office.do(lambda session: delivery.deliver_now(session, admin, export_id=export_id))
    office.connects()
    office.do(lambda session: delivery.deliver_now(session, admin, export_id=export_id))
    office.works()
    assert len(office.inbox.proposals) == 1


def test_answers_are_taken_as_far_as_they_can_be_and_the_others_are_shown(office: Wired) -> None:
    office.connects()
    ahead, odd, late, good = (office.approved(f"0571 70012{number}") for number in range(4))
    office.export()
    office.works()
    now = datetime.now(UTC)

    def answer(made: Made, **more: Any) -> dict[str, Any]:
        return {"id": str(made.proposal_id), "outcome": "rejected", "reason": "No", "at": now.isoformat()} | more

    office.inbox.answers += [
        answer(ahead, at=(now + timedelta(minutes=50)).isoformat(), operator="12", reason="Lungo\x00 " + "o" * 500),
        answer(odd, at="0001-01-01T00:00:00+01:00"), answer(late, at=(now + timedelta(hours=2)).isoformat()), 12,
        answer(good, outcome="boh"),
    ]  # fmt: skip
    assert office.sweeps() == 1
    taken = office.see(ahead)
    assert (taken.state, len(taken.reason), taken.reason[:7]) == (State.REJECTED, 400, "Lungo o")
    refused = {one.proposal: one.reason for one in office.do(queries.refused_answers)}
    assert refused == {
        str(odd.proposal_id): NOT_READ, str(late.proposal_id): exports.FUTURE, "": NOT_READ,
        str(good.proposal_id): NOT_READ,
    }  # fmt: skip
    office.inbox.answers += [answer(odd), answer(good)]
    office.passes()
    assert office.sweeps() == 1
    assert {one.proposal for one in office.do(queries.refused_answers)} == {"", str(late.proposal_id)}
    assert office.see(odd).state is State.REJECTED


def test_one_source_of_an_ente_takes_them(office: Wired) -> None:
    office.connects()
    with pytest.raises(InvalidError) as refusal:
        office.do(
            lambda session: sources.save(
                session, office.people["admin"], ente_id=office.cast.empoli, source_id=None, kind=SourceKind.HTTP,
                name="Altro", endpoint="DEMO", timetable=Timetable(), active=True, takes_proposals=True,
            )
        )  # fmt: skip
    assert [part.field for part in refusal.value.parts] == ["takes_proposals"]
