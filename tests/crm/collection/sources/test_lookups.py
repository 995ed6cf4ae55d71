"""Asking about one taxpayer: the stand-in answers over a real connection, and what it says is taken in, or nothing."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from crm.collection.importer import import_feed
from crm.collection.models import CollectionSource, ContactLookup, SourceKind
from crm.collection.sources import lookups, one
from crm.collection.sources.lookups import Last, Lookups
from crm.collection.sources.port import Lookup
from crm.contacts.models import Contact
from crm.core import clock
from crm.core.db import Database, Scope
from crm.positions.models import Position, PositionState
from tests.crm.collection.sources.conftest import TOKEN, Served

pytestmark = pytest.mark.integration
EMPOLI = Scope.of_enti([1])


class Asking:
    """Empoli's gestionale answers about one taxpayer; what it holds was read from a feed an hour ago."""

    def __init__(self, db: Database, served: Served) -> None:
        self.db, self.served, self.lookups = db, served, Lookups(db)
        now = self.now = db.transact(Scope.nothing(), clock.now)
        served.gestionale.now = lambda: now
        db.transact(EMPOLI, lambda s: s.add(_source(s)))

    def contact(self, n: int = 0) -> Any:
        rows = select(Contact).order_by(Contact.id).offset(n).limit(1)
        return self.work(lambda s: s.scalars(rows).one())

    def ask(self, n: int = 0) -> Lookup | None:
        return self.lookups.ask(ente_id=1, contact_id=self.contact(n).id)

    def work(self, do: Callable[[Session], Any]) -> Any:
        return self.db.transact(EMPOLI, do)

    def debt(self, n: int = 0) -> Any:
        return self.work(lambda s: s.scalars(select(Position).where(Position.contact_id == self.contact(n).id)).one())

    def last(self, n: int = 0) -> Last | None:
        mine = self.contact(n).id
        found: Last | None = self.work(lambda s: lookups.last(s, [mine])).get(mine)
        return found

    def reference(self, n: int = 0) -> str:
        return str(self.debt(n).reference)


def _source(_session: Session) -> CollectionSource:
    return CollectionSource(
        ente_id=1, kind=SourceKind.HTTP, name="g", endpoint="EMPOLI", active=True, answers_one=True, failures=0
    )


@pytest.fixture
def asking(db: Database, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    monkeypatch.setenv("FILODIRETTO_GESTIONALE_EMPOLI_URL", served.url)
    monkeypatch.setenv("FILODIRETTO_GESTIONALE_EMPOLI_TOKEN", TOKEN)
    import_feed(db, tmp_path / "demo" / "feed-empoli.jsonl", ente_code_expected="D403")
    found = Asking(db, served)
    yield found
    found.lookups.close()


def test_who_has_paid_since_the_feed_has_paid_here_too_and_nobody_else_is_touched(asking: Asking) -> None:
    asking.served.empoli.pay(asking.reference(), asking.now)
    before = asking.debt(1)
    assert asking.ask() is Lookup.ANSWERED
    assert (asking.debt().state, asking.debt().residual_cents) == (PositionState.PAID, 0)
    assert (asking.debt(1).as_of, asking.debt(1).digest) == (before.as_of, before.digest)
    last = asking.last()
    assert last is not None
    assert last.outcome is Lookup.ANSWERED
    assert last.as_of is not None
    assert abs(last.as_of - asking.now) < timedelta(seconds=1)


def test_no_codice_fiscale_is_in_an_address(asking: Asking) -> None:
    seen: list[str] = []
    asking.lookups._http.event_hooks = {"request": [lambda r: seen.append(str(r.url))], "response": []}
    asking.ask()
    assert seen == [f"{asking.served.url}/v1/enti/D403/lookups"]


def test_what_the_database_refuses_was_no_answer_and_is_not_asked_for_each_turn(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "_taken", lambda session, **_: session.execute(text("SELECT 1 / 0")))
    assert asking.ask() is Lookup.UNREADABLE
    last = asking.last()
    assert last is not None
    assert last.outcome is Lookup.UNREADABLE


def test_a_debt_that_is_no_longer_named_is_gone(asking: Asking) -> None:
    asking.served.empoli.withdraw(asking.reference(), asking.now)
    assert asking.ask() is Lookup.ANSWERED
    assert asking.debt().withdrawn_as_of is not None


def test_asked_again_what_has_not_changed_is_not_sent_again(asking: Asking) -> None:
    asking.ask()
    row = asking.work(lambda s: s.scalars(select(ContactLookup)).one())
    sent: list[bytes] = []
    asking.lookups._http.event_hooks = {"request": [lambda r: sent.append(r.read())], "response": []}
    stated = asking.debt().as_of
    later = asking.now
    asking.served.gestionale.now = lambda: later
    assert asking.ask() is Lookup.ANSWERED
    assert json.loads(sent[0])["mark"] == row.mark
    assert asking.debt().as_of == stated


def test_a_later_feed_is_not_gone_back_behind(asking: Asking) -> None:
    """The gestionale answers from a copy of an hour ago: what a feed has said since stands."""
    asking.work(
        lambda s: s.execute(update(Position).values(as_of=asking.now, state=PositionState.PAID, residual_cents=0))
    )
    earlier = asking.now - timedelta(hours=1)
    asking.served.gestionale.now = lambda: earlier
    assert asking.ask() is Lookup.ANSWERED
    assert asking.debt().state is PositionState.PAID
    last = asking.last()
    assert last is not None
    assert last.as_of == earlier


TROUBLE = [
    (["error"], Lookup.SILENT), (["busy"], Lookup.SILENT), (["token"], Lookup.SILENT),
    (["garbage"], Lookup.UNREADABLE), (["other"], Lookup.UNREADABLE),
]  # fmt: skip


@pytest.mark.parametrize(("faults", "came"), TROUBLE)
def test_trouble_changes_nothing_but_that_it_was_asked(asking: Asking, faults: list[str], came: Lookup) -> None:
    asking.served.empoli.pay(asking.reference(), asking.now)
    before = [asking.debt(n).digest for n in range(3)]
    asking.served.gestionale.faults = faults
    assert asking.ask() is came
    assert [asking.debt(n).digest for n in range(3)] == before
    last = asking.last()
    assert last is not None
    assert (last.outcome, last.as_of) == (came, None)


def test_it_is_not_waited_for_while_it_thinks(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one, "TIMEOUT", httpx.Timeout(0.1))
    asking.lookups = Lookups(asking.db)
    over = Event()
    asking.served.gestionale.pause = lambda _seconds: over.wait(5)  # type: ignore[assignment, return-value]
    asking.served.gestionale.faults = ["slow"]
    assert asking.ask() is Lookup.SILENT
    over.set()


def test_a_gestionale_that_is_gone_is_let_alone_after_three_questions(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILODIRETTO_GESTIONALE_EMPOLI_URL", "http://127.0.0.1:9")
    assert [asking.ask(n) for n in range(4)] == [Lookup.SILENT] * 3 + [Lookup.LET_ALONE]
    assert asking.last(3) is None
    offered = asking.work(lambda s: lookups.offer(s, 1))
    assert offered is not None
    assert offered.within is None
    everybody = [asking.contact(n).id for n in range(5)]
    assert asking.work(lambda s: lookups.unasked(s, ente_id=1, contact_ids=everybody)) == []


def test_somebody_whom_it_does_not_know_says_nothing_of_the_others(asking: Asking) -> None:
    for n in range(4):
        del asking.served.empoli.records["taxpayer", asking.contact(n).codice_fiscale]
        del asking.served.empoli.records["position", asking.reference(n)]
    assert [asking.ask(n) for n in range(5)] == [Lookup.UNKNOWN] * 4 + [Lookup.ANSWERED]


def test_who_was_asked_about_just_now_is_not_asked_about_again(asking: Asking) -> None:
    both = [asking.contact(0).id, asking.contact(1).id]

    def unasked(*, ahead: bool = False) -> list[int]:
        found: list[int] = asking.work(
            lambda s: lookups.unasked(s, ente_id=1, contact_ids=both, ahead=ahead)
        )  # fmt: skip
        return found

    assert unasked() == both
    asking.ask()
    assert unasked() == both[1:]
    ago = update(ContactLookup).values(asked_at=ContactLookup.asked_at - timedelta(minutes=3))
    asking.work(lambda s: s.execute(ago))
    assert (unasked(), unasked(ahead=True)) == (both[1:], both)


def test_without_such_a_source_nobody_is_asked_about(asking: Asking) -> None:
    asking.work(lambda s: s.execute(update(CollectionSource).values(answers_one=False)))
    assert asking.ask() is None
    assert asking.work(lambda s: lookups.unasked(s, ente_id=1, contact_ids=[asking.contact().id])) == []


HOSTILE: list[Callable[[list[dict[str, Any]]], list[Any]]] = [
    lambda his: [],
    lambda his: his[1:],
    lambda his: [*his, {**his[1], "reference": "X", "codice_fiscale": "BNCMRA62A01D403X"}],
    lambda his: [*his, {"record": "withdrawal", "of": "position", "reference": "T-3"}],
    lambda his: [*his, {"record": "withdrawal", "of": "taxpayer", "codice_fiscale": "BNCMRA62A01D403X"}],
    lambda his: [*his, {"record": "debito"}],
    lambda his: [*his, 3],
    lambda his: [{**his[0], "as_of": "2199-01-01T00:00:00Z"}, *his[1:]],
    lambda his: his * 600,
]


@pytest.mark.parametrize("told", HOSTILE)
def test_an_answer_that_is_not_his_whole_state_changes_nothing(
    asking: Asking, told: Callable[[list[dict[str, Any]]], list[Any]]
) -> None:
    empoli = asking.served.empoli
    his = empoli.of_one(asking.contact().codice_fiscale)
    paid = [his[0], {**his[1], "state": "paid", "amounts": {**his[1]["amounts"], "residual": "0.00"}}]
    answer = {"ente": "D403", "as_of": asking.now.isoformat(), "records": told(paid)}
    asking.lookups = Lookups(asking.db, transport=httpx.MockTransport(lambda _: httpx.Response(200, json=answer)))
    assert asking.ask() is Lookup.UNREADABLE
    assert asking.debt().state is not PositionState.PAID
    assert asking.debt(2).withdrawn_as_of is None


def test_the_stand_in_answers_by_the_contract(served: Served) -> None:
    contract = OpenAPI.from_file_path(str(Path(__file__).parents[4] / "docs" / "gestionale-api.yaml"))
    mine = next(key for kind, key in served.empoli.records if kind == "taxpayer")
    headers = {"authorization": f"Bearer {TOKEN}"}
    for asked, status in (({"codice_fiscale": mine}, 200), ({"codice_fiscale": "0" * 11}, 404)):
        answer = httpx.post(f"{served.url}/v1/enti/D403/lookups", json=asked, headers=headers)
        assert answer.status_code == status
        request = MockRequest(
            "https://gestionale.example.it/api", "post", "/api/v1/enti/D403/lookups", headers=headers,
            data=json.dumps(asked).encode(), content_type="application/json",
        )  # fmt: skip
        contract.validate_request(request)
        if status == 200:
            contract.validate_response(
                request, MockResponse(answer.content, status, dict(answer.headers), "application/json")
            )
