"""Asking a gestionale over HTTP: the stand-in answers, over a real connection, by the published contract."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from pydantic import ValidationError

from crm.collection.feed import parse_record
from crm.collection.sources import http
from crm.collection.sources.http import Gestionale
from crm.collection.sources.port import Known, SourceError
from crm.core.jobs import LEASE
from tests.crm.collection.sources.conftest import TOKEN, Served

pytestmark = pytest.mark.integration
CONTRACT = OpenAPI.from_file_path(
    str(Path(__file__).parents[4] / "docs" / "gestionale-api.yaml"),
    config=Config(
        extra_media_type_deserializers={"application/problem+json": json.loads, "application/jsonl": bytes.decode}
    ),
)


def client(served: Served, waits: list[float] | None = None, ente: str = "D403") -> Gestionale:
    return Gestionale(served.endpoint, ente, wait=(waits if waits is not None else []).append, chance=lambda: 1.0)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def nothing() -> None:
    pass


def test_the_first_time_the_whole_state_is_read_in_pages(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "PAGE_RECORDS", 3)
    fetched = client(served).fetch(tmp_path / "feed", Known(), nothing)
    told = lines(tmp_path / "feed")
    assert [line["record"] for line in told] == [
        "feed", *["taxpayer"] * 5, *["position"] * 5, "totals", "end"
    ]  # fmt: skip
    assert (told[0]["mode"], told[0]["ente"], told[-1]["positions"]) == ("full", "D403", 5)
    assert told[-2] == {"record": "totals", "tax": "tari", "positions": 5, "residual": "4060.00", "paid": "0.00"}
    assert fetched.known == Known(served.empoli.cursor)


def test_then_only_what_has_changed_and_nothing_when_nothing_has(served: Served, tmp_path: Path) -> None:
    feed, gestionale = tmp_path / "feed", client(served)
    known = gestionale.fetch(feed, Known(), nothing).known
    empty = gestionale.fetch(feed, known, nothing)
    assert (empty.is_feed, empty.known.cursor) == (False, known.cursor)
    assert empty.known.etag
    assert gestionale.fetch(feed, empty.known, nothing) == empty  # 304
    served.empoli.pay("T-2", served.gestionale.now())
    served.empoli.withdraw("T-3", served.gestionale.now())
    fetched = gestionale.fetch(feed, empty.known, nothing)
    told = lines(feed)
    assert [line["record"] for line in told] == ["feed", "position", "withdrawal", "totals", "end"]
    assert (told[0]["mode"], told[1]["state"], told[2]["reference"]) == ("incremental", "paid", "T-3")
    assert fetched.known.cursor == served.empoli.cursor


def test_changes_that_are_no_longer_kept_are_the_whole_state_again(served: Served, tmp_path: Path) -> None:
    fetched = client(served).fetch(tmp_path / "feed", Known("earlier-7"), nothing)
    assert fetched.is_feed
    assert lines(tmp_path / "feed")[0]["mode"] == "full"


@pytest.mark.parametrize(("fault", "waits"), [("error", [0.5, 1.0]), ("busy", [2.0, 2.0])])
def test_trouble_that_passes_is_waited_for(served: Served, tmp_path: Path, fault: str, waits: list[float]) -> None:
    served.gestionale.faults = [fault] * 2
    waited: list[float] = []
    assert client(served, waited).fetch(tmp_path / "feed", Known(), nothing).is_feed
    assert waited == waits


REFUSALS: list[tuple[list[str], bool, str]] = [
    (["error"] * 4, False, "stato 500"),
    (["token"], True, "rifiuta la nostra credenziale"),
    (["garbage"], True, "non è quella del contratto"),
]


@pytest.mark.parametrize(("faults", "permanent", "said"), REFUSALS)
def test_trouble_that_does_not(served: Served, tmp_path: Path, faults: list[str], permanent: bool, said: str) -> None:
    served.gestionale.faults = faults
    with pytest.raises(SourceError, match=said) as refusal:
        client(served).fetch(tmp_path / "feed", Known(), nothing)
    assert refusal.value.permanent is permanent


def test_an_ente_that_the_credential_is_not_for(served: Served, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="stato 403"):
        client(served, ente="B962").fetch(tmp_path / "feed", Known(), nothing)


def answering(answer: Callable[[httpx.Request], httpx.Response], served: Served) -> Gestionale:
    transport = httpx.MockTransport(answer)
    return Gestionale(served.endpoint, "D403", wait=lambda _: None, transport=transport)


def page(**changes: Any) -> dict[str, Any]:
    return {"ente": "D403", "as_of": "2026-01-10T06:00:00Z", "records": [], "next": "a", "more": False} | changes


def test_who_is_told_comes_before_what_is_his(served: Served, tmp_path: Path) -> None:
    told: list[dict[str, Any]] = [
        {"record": "document", "reference": "D-1"}, {"record": "withdrawal", "of": "document", "reference": "D-1"},
        {"record": "withdrawal", "of": "position", "reference": "T-1"}, {"record": "taxpayer"},
    ]  # fmt: skip
    answers = [page(records=told), {"ente": "D403", "as_of": "2026-01-10T06:00:00Z", "totals": []}]
    answering(lambda _: httpx.Response(200, json=answers.pop(0)), served).fetch(tmp_path / "feed", Known(), nothing)
    assert [(line["record"], line.get("of")) for line in lines(tmp_path / "feed")] == [
        ("feed", None), ("taxpayer", None), ("document", None), ("withdrawal", "document"), ("withdrawal", "position"),
        ("end", None),
    ]  # fmt: skip


ODD = (
    b'12', b'{"record": "taxpayer", "surname": "\\ud800"}', b'{"record": "taxpayer", "surname": "Forl\xec"}',
    b'{"record": "position", "year": ' + b"1" * 5000 + b"}", b'{"record": "debito"}', b'{"record": ["taxpayer"]}',
)  # fmt: skip


def test_a_record_that_cannot_be_read_is_a_line_to_be_refused(served: Served, tmp_path: Path) -> None:
    whole = (
        json.dumps(page(records=["HERE"], next="b"))
        .encode()
        .replace(b'"HERE"', b", ".join((*ODD, b'{"record": "position"}')))
    )
    totals = json.dumps({"ente": "D403", "as_of": "2026-01-10T06:00:00Z", "totals": [3]}).encode()
    answers = [whole, totals]
    answering(lambda _: httpx.Response(200, content=answers.pop(0)), served).fetch(tmp_path / "feed", Known(), nothing)
    told = (tmp_path / "feed").read_bytes().splitlines()
    assert len(told) == len(ODD) + 3
    for line in told[1:-1]:
        with pytest.raises(ValidationError):
            parse_record(line)
    assert sum(value for value in json.loads(told[-1]).values() if isinstance(value, int)) == len(ODD) + 1


def test_cursors_that_go_in_circles_are_no_pages(served: Served, tmp_path: Path) -> None:
    def circles(request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            200, json=page(more=True, next={"a": "b", "b": "c"}.get(request.url.params.get("since"), "a"))
        )

    with pytest.raises(SourceError, match="senza fine"):
        answering(circles, served).fetch(tmp_path / "feed", Known(), nothing)


def test_pages_that_together_are_larger_than_any_state_are_given_up(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_FEED_BYTES", 1_000)
    with pytest.raises(SourceError, match="senza fine"):
        client(served).fetch(tmp_path / "feed", Known(), nothing)


def test_an_answer_that_drips_is_not_waited_for(served: Served, tmp_path: Path) -> None:
    clock = iter(range(0, 10_000, 400))
    gestionale = Gestionale(served.endpoint, "D403", monotonic=lambda: next(clock))
    drips = httpx.MockTransport(lambda _: httpx.Response(200, content=(b"x" * 300_000 for _ in range(9))))
    gestionale._options["transport"] = drips
    with pytest.raises(SourceError, match="troppo lentamente") as refusal:
        gestionale.fetch(tmp_path / "feed", Known(), nothing)
    assert not refusal.value.permanent


def test_no_call_is_silent_for_as_long_as_a_lease() -> None:
    timeout = http.TIMEOUT
    longest = sum(part or 0 for part in (timeout.connect, timeout.read, timeout.write, timeout.pool))
    assert max(longest, http.LONGEST_WAIT_S) < LEASE.total_seconds()


@pytest.mark.parametrize(("mark", "kept"), [('"a"', '"a"'), ("x" * 201, None)])
def test_a_mark_that_cannot_be_kept_is_not(served: Served, tmp_path: Path, mark: str, kept: str | None) -> None:
    answer = httpx.Response(200, json=page(), headers={"etag": mark})
    assert answering(lambda _: answer, served).fetch(tmp_path / "feed", Known("z"), nothing).known == Known("a", kept)


HOSTILE = [
    (page(ente="B962"), "mandato i dati dell'ente B962"),
    (page(records=[{"record": "end", "taxpayers": 0, "positions": 0}]), "contratto"),
    (page(records=[{"record": "feed", "ente": "B962"}]), "contratto"),
    (page(more=True), "senza fine"),
    (page(next="x" * 201), "contratto"),
    (page(next="a\x00"), "contratto"),
    (page(as_of="2026-01-10"), "contratto"),
    (page(as_of="0001-01-01T00:00:00+01:00"), "contratto"),
    (page(records={}), "contratto"),
    (page(records=[{}] * 100_001), "contratto"),
    ([], "contratto"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "said"), HOSTILE)
def test_what_is_not_in_the_contract_is_refused_whole(served: Served, tmp_path: Path, told: Any, said: str) -> None:
    with pytest.raises(SourceError, match=said) as refusal:
        answering(lambda _: httpx.Response(200, json=told), served).fetch(tmp_path / "feed", Known(), nothing)
    assert refusal.value.permanent
    assert not (tmp_path / "feed").exists()


def test_an_endless_answer_and_a_redirect_are_not_followed(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_PAGE_BYTES", 100)
    with pytest.raises(SourceError, match="64 MB"):
        client(served).fetch(tmp_path / "feed", Known(), nothing)
    elsewhere = httpx.Response(302, headers={"location": "https://evil.example/"})
    with pytest.raises(SourceError, match="stato 302"):
        answering(lambda _: elsewhere, served).fetch(tmp_path / "feed", Known(), nothing)


def test_whoever_does_not_answer_at_all(served: Served, tmp_path: Path) -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("no", request=request)

    with pytest.raises(SourceError, match="ConnectTimeout") as refusal:
        answering(silent, served).fetch(tmp_path / "feed", Known(), nothing)
    assert not refusal.value.permanent


def test_a_document_is_fetched_whatever_its_reference(served: Served, tmp_path: Path) -> None:
    served.gestionale.documents["2024/1 à.pdf"] = b"%PDF"
    media_type = client(served).document("2024/1 à.pdf", tmp_path / "document", nothing, most_bytes=99)
    assert (media_type, (tmp_path / "document").read_bytes()) == ("application/pdf", b"%PDF")


ASKED: list[tuple[str, dict[str, Any], list[str], int]] = [
    ("/v1/enti/D403/full", {"limit": 3}, [], 200),
    ("/v1/enti/D403/records", {"since": "cursor"}, [], 200),
    ("/v1/enti/D403/records", {"since": "earlier-1"}, [], 410),
    ("/v1/enti/D403/totals", {}, [], 200),
    ("/v1/enti/D403/totals", {}, ["error"], 500),
    ("/v1/enti/D403/totals", {}, ["busy"], 429),
    ("/v1/enti/B962/totals", {}, [], 403),
    ("/v1/enti/D403/documents/no", {}, [], 404),
]


@pytest.mark.parametrize(("path", "query", "faults", "status"), ASKED)
def test_the_stand_in_answers_by_the_contract(
    served: Served, path: str, query: dict[str, Any], faults: list[str], status: int
) -> None:
    served.gestionale.faults = faults
    served.empoli.annul("T-1", served.gestionale.now())
    query = {name: f"{served.empoli.epoch}-0" if value == "cursor" else value for name, value in query.items()}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = httpx.get(served.url + path, params=query, headers=headers, trust_env=False)
    assert answer.status_code == status
    request = MockRequest("https://gestionale.example.it/api", "get", "/api" + path, args=query, headers=headers)
    CONTRACT.validate_request(request)
    CONTRACT.validate_response(
        request,
        MockResponse(answer.content, status, dict(answer.headers), answer.headers["content-type"].partition(";")[0]),
    )


FEED = (
    '{"record":"proposals","version":1,"ente":"D403"}\n'
    '{"record":"correction","id":"0c9d3c4e-5f0b-4b8e-9c1a-6a2b8f7d1e55"}\n'
    '{"record":"end","corrections":1,"notification_problems":0}\n'
)


@pytest.mark.parametrize(
    ("feed", "at_once", "faults", "status"),
    [
        (FEED, False, [], 202), (FEED, True, [], 200), ("{}", False, [], 422), (FEED, False, ["deaf"], 500),
        (FEED.replace("D403", "B962"), False, [], 422),
    ],
)  # fmt: skip
def test_it_takes_proposals_by_the_contract(
    served: Served, feed: str, at_once: bool, faults: list[str], status: int
) -> None:
    served.empoli.inbox.at_once, served.gestionale.faults = at_once, faults
    key = "b7c5c1d2-9f04-4a53-8f64-16f3f8f8b7a4"
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key, "Content-Type": "application/jsonl"}
    posted = httpx.post(f"{served.url}/v1/enti/D403/proposals", content=feed, headers=headers, trust_env=False)
    asked = httpx.get(f"{served.url}/v1/enti/D403/answers", headers=headers, trust_env=False)
    assert (posted.status_code, len(asked.json()["answers"])) == (status, int(at_once))
    for method, path, answer in (("post", "proposals", posted), ("get", "answers", asked)):
        request = MockRequest(
            "https://gestionale.example.it/api", method, f"/api/v1/enti/D403/{path}", headers=headers,
            content_type="application/jsonl", data=feed.encode() if method == "post" else None,
        )  # fmt: skip
        if method == "get" or status < 400:
            CONTRACT.validate_request(request)
        CONTRACT.validate_response(
            request,
            MockResponse(
                answer.content, answer.status_code, dict(answer.headers),
                answer.headers["content-type"].partition(";")[0],
            ),
        )  # fmt: skip


def test_its_page_lets_a_payment_arrive(served: Served) -> None:
    said = httpx.post(
        f"{served.url}/happens", data={"what": "pay", "ente": "D403", "reference": "T-1"}, follow_redirects=True,
        trust_env=False,
    )  # fmt: skip
    assert "Fatto: T-1" in said.text
    assert served.empoli.records["position", "T-1"]["amounts"]["residual"] == "0.00"
    httpx.post(f"{served.url}/fails", data={"how": "error", "times": 3}, trust_env=False)
    assert served.gestionale.faults == ["error"] * 3
