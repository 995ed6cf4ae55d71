"""Every address of ours, given what no row has and no column holds: a clear answer, never a broken page."""

import re
import types
from collections.abc import Iterator
from datetime import date, datetime, time
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from crm.access.models import Role, RoleGrant
from crm.core import clock
from crm.core.db import Database, Scope
from tests.cast import Cast
from tests.crm.enti.test_hours_and_codes import EMPOLI
from tests.web.conftest import PUBLIC, csrf_on, sign_in
from web.app import create_app
from web.edge.allowance import SENT, UPLOADS
from web.wiring import Runtime

pytestmark = pytest.mark.integration

HUGE = "9" * 20
POISONS: dict[type, tuple[str, ...]] = {
    int: (HUGE,),
    str: ("a\x00b", HUGE, "9999-12-31"),
    date: ("9999-12-31", "0001-01-01"),
    datetime: ("9999-12-31T23:59:59", "0001-01-01T00:00:00+01:00"),
}
PLAUSIBLE = {
    "role": "agent", "on": "contract:1", "username": "bruno", "email": "", "phone": "", "starts_on": "",
    "ends_on": "", "starts": "09:00", "ends": "10:00", "to": "me", "since": "2026-01-01", "until": "2026-02-01",
    "token": "none", "key": "none", "breach": "new", "ente": "1", "user": "1", "contact": "1", "position": "1",
    "offset": "0", "right": "true", "back": "/",
}  # fmt: skip
NUMBERED = re.compile(r"-\d+$")
WEEK = {f"day-{day}": "9-12" for day in range(7)}
PROPOSED = {
    "what": "email", "value": "a@example.it", "note": "", "problem": "moved", "since": "2026-01-01", "position": "1",
    "evidence": "told", "call": "",
}  # fmt: skip
LETTER = {
    "name": "Mario Bianchi", "street": "Via Roma 1", "postcode": "50053", "town": "Empoli", "province": "FI",
    "country": "IT", "subject": "Risposta", "body": "Sì.",
}  # fmt: skip
SEGMENT = {
    "name": "Prova", "ente": "1", "showing": "0b8c1c1e-6d0b-4f5d-9b0e-0f6f5e1c2d3a", "do": "add", "join-0": "",
    "field-0": "owed", "operator-0": "at_least", "value-0": "200",
}  # fmt: skip
VISITS = {
    "surname": "Lotti", "given_name": "Fabio", "former_surnames": "", "codice_fiscale": "LTTFBA80A01D403D",
    "born_on": "1980-01-01", "birthplace": "Empoli", "street": "Via Roma 1", "postcode": "50053", "town": "Empoli",
    "province": "FI", "phone": "3330000009",
}  # fmt: skip
FREE: dict[str, dict[str, str]] = {  # the forms whose fields FastAPI does not know
    "/field/commissions/terms/{ente_id}": {
        "from": "2031-01-01", "rate-1": "90", "up-1": "500,00", "phase-1": "request", "parts": "tax", "days": "30",
        "least": "5,00",
    },
    "/campaigns/{campaign_id}/survey/sample": {
        "by": "kind", "allocation": "equal", "size": "1", "reserves": "0", "spread:natural": "1",
    },
    "/campaigns/{campaign_id}/survey/quotas": {"second": "", "cell:y:": "1"},
    "/enti/contracts/{contract_id}/levels": {
        "valid_from": "2026-12-01", "period": "month", "net_value": "1000", "formula": "A", "within": "20",
        "short": "5", "over": "40", "denominator": "received", "preset": "", "metric-0": "max_queue_wait_s",
        "op-0": "<=", "target-0": "300", "threshold-0": "", "callers-0": "", "service-0": "", "own-0": "",
        "share_of_days-0": "90", "tolerated-0": "1", "penalty-0": "0,3", "each-0": "call", "group-0": "call",
    },
    "/enti/contracts/{contract_id}/conditions": {
        **WEEK, **{f"staffed-{day}": "9-12" for day in range(7)}, **{f"desks-{day}": "" for day in range(7)},
        "weekly_hours": "20", "desk_hours": "", "number-freephone": "1", "callers-freephone": "landline",
        "pays-freephone": "1", "queues": "Tributi", "report-month": "1", "extra": "1", "operators": "2",
        "before": "0", "after": "20", "due": "IMU", "replacement_days": "20", "preset": "",
    },
    "/agendas/services/{ente_id}": {
        "name_it": "Rate", "rank": "1", "duration": "20", "buffer": "0", "step": "20", "notice": "0", "cutoff": "0",
        "horizon_days": "30", "per_day": "1", "ahead": "1", "moves": "1", "walk_ins": "", "service": "", "active": "1",
    },
    "/agendas/site/{ente_id}": {
        "slug": "empoli", "host": "", "framed_by": "https://www.comune.example.it", "needs_code": "1", "privacy": "",
        "accessibility": "https://www.comune.example.it/a", "contacts": "", "legal": "", "faq": "", "problem": "",
    },
    "/field/rounds/{plan_id}/settings": {
        "seconds": "5", "home_hours": "9-13", "business_hours": "9-12", "home_minutes": "20", "business_minutes": "30",
        "detour": "1,3", "town_kmh": "20", "country_kmh": "45",
    },
    "/field/rounds/{plan_id}/agents/{agent_id}": {
        "begins": "9:00", "ends": "18:00", "start": "Ufficio", "place": "43.7, 10.9", "returns": "1", "most": "9",
        "pause_earliest": "12:00", "pause_latest": "15:00", "pause_length": "60",
    },
    "/enti/add/{contract_id}": EMPOLI,
    "/enti/{ente_id}/identity": EMPOLI,
    "/enti/{ente}/hours/{contract_id}": WEEK,
    "/enti/{ente}/special/{contract_id}": {"day": "2026-12-24", "hours": "9-12"},
    "/enti/{ente_id}/offices": {"name": "URP", "address": "Via Roma", "competent_for": "", "accessibility": "", **WEEK},
    "/enti/{ente_id}/offices/{office_id}": {"name": "URP", "address": "Via Roma"},
    "/enti/{ente_id}/gate": {"needed": "1", "place-0": "1", "words-0": "Quando è nato?", "checks-0": "born_on"},
    "/centre/lines/{number}/hours": WEEK,
    **dict.fromkeys(("/lists/new", "/lists/new/rows", "/lists/new/answer", "/lists/new/drop"), SEGMENT),
    "/campaigns/{campaign_id}/edit": {
        "name": "TARI", "purpose": "payment", "order": "oldest", "mode": "preview", "voluntary_until": "2026-12-24",
        "queue_id": "1", "line": "+390571000571", "channel-0": "call", "step-0": "0", "day-0": "9-12", "attempts": "9",
        "attempts_a_day": "2", "fresh_hours": "24", "after-busy": "15", "most-busy": "4", "budget": "100",
        "calls_an_hour": "50", "script-personal": "Buongiorno.",
    },
    "/campaigns/{campaign_id}/messages": {
        "sms-personal-body": "{ente}: ci chiami.", "price-sms": "0,0365", "written_a_week": "2", "consent": "1",
    },
    "/campaigns/{campaign_id}/messages/length/{phase}": {"sms-personal-body": "{ente}: ci chiami."},
    "/field/practices/open": {"list_id": "", "ente_id": "1", "who": "1", "priority": "0"},
    "/field/practices/settings": {
        "ente_id": "1", "day-0": "9:00-12:00", "fresh_hours": "48", "mandate_days": "30", "most_visits": "2",
        "may_photograph": "1",
    },
    "/cases/{case_id}/letter": LETTER, "/cases/{case_id}/letter/preview": LETTER,
    "/letters/answers/{ente_id}/{contract_id}": {"postage-20": "0,95", "sheet_cents": "", "duplex": "1"},
    "/campaigns/{campaign_id}/letters/text": {"subject-personal": "Sollecito", "body-personal": "Gentile {nome}."},
    "/campaigns/{campaign_id}/letters/sender": {"sector": "", "cbill": "", "back": "", "privacy": ""},
    "/campaigns/{campaign_id}/letters/batches": {"postage-20": "0,95", "sheet_cents": "", "most": ""},
    "/field/agents/new": {"user_id": "1", **VISITS},
    "/field/agents/{agent_id}/edit": VISITS,
    "/field/agents/{agent_id}/end": {"on": "2026-12-31"},
    "/field/agents/{agent_id}/badge": {"until": "2026-12-31"},
    "/field/agents/{agent_id}/papers": {
        "paper": "licence", "number": "1", "issuer": "Questura", "issued_on": "2026-01-12", "expires_on": "",
    },
    "/field/accreditations/{accreditation_id}/proof": {"on": "2026-11-23", "number": "1"},
    "/field/company": {
        "name": "Riscossioni", "codice_fiscale": "12345670017", "address": "Via Po 1", "pec": "a@example.it",
        "phone": "0571000000", "holder": "Dini", "licence": "1", "licence_issuer": "Questura",
        "licence_on": "2026-01-12",
    },
    "/me/keys": {"on": "1", "key-r": "7"},
    "/enti/{ente_id}/freshness": {"hours": "24"},
    "/enti/{ente_id}/retention": {"years": "10"},
    "/enti/{ente_id}/listening": {"shown": "1"},
    "/enti/{ente_id}/recording": {"share": "20", "keep_days": "90", "pause_s": "120", "purpose": "quality"},
    "/operators/{agent_id}/queues/{contract_id}": {"queue-1": "1"},
    "/enti/{ente_id}/told": {},
    "/quality/{evaluation_id}/draft": {"mark-identity": "yes", "comment": ""},
    "/quality/{evaluation_id}/submit": {"mark-identity": "yes", "comment": ""},
    "/quality/{evaluation_id}/correct": {"mark-identity": "yes", "comment": "", "words": ""},
    "/quality/setup/{contract_id}/rules": {"per_agent": "2", "least_s": "60", "days": "10", "queue": ""},
    "/quality/setup/{contract_id}/form": {"words-0": "x", "weight-0": "1", "scale-0": "five", "pass_mark": "60"},
    "/monitoring/{contract_id}": {
        "kind": "union", "reference": "Prot. 1", "signed_on": "2026-01-12", "valid_from": "2026-01-12",
        "valid_until": "", "keep_months": "12", "use-scores": "1", "told": "Si valuta.",
    },
    "/staffing/{contract_id}/shifts/{monday}": {},
    "/centre/{contract_id}/texts": {"held": "1", "queue": "1", "most": "3", "idle_min": "15"},
    "/voice/versions/{version_id}/nodes": {"kind": "message", "name": "Avviso"},
    "/voice/versions/{version_id}/nodes/{node}": {"text.it": "Benvenuti.", "attempts": "3", "do": "add"},
    "/voice/versions/{version_id}/whole": {"start": "a", "operator": "a", "usual": "it", "speaks-it": "1"},
    "/enti/{ente_id}/told/sentences": {},
    **dict.fromkeys((f"/proposals/{what}/{{kind}}/{{contact_id}}" for what in ("form", "make")), PROPOSED),
    "/drafts": {"note": "Prova"},
    "/privacy/breaches/{breach}": {
        "known_at": "2026-01-01T10:00", "risk": "none", "what": "Smarrito", "data": "", "consequences": "",
        "measures": "", "persons": "1",
    },
}  # fmt: skip
LEFT_OUT = {
    "/sign-out", "/me/sessions/{session_id}/end",  # they end the session by which the others are asked
    "/console/device",  # its keys are the carrier's
}  # fmt: skip


@pytest.fixture
def browser(runtime: Runtime, database: Database, cast: Cast, loopback: None) -> Iterator[TestClient]:
    """Sara, who may do everything everywhere. What breaks is an answer, as in a browser."""
    with database.begin(Scope.nothing()) as session:
        at = clock.now(session)
        session.execute(
            insert(RoleGrant),
            [
                {"user_id": cast.sara, "role": role, "contract_id": one, "valid_from": at}
                for role in Role
                for one in (cast.contract, cast.other_contract)
            ],
        )
    app = create_app(runtime)
    options: dict[str, Any] = {"raise_server_exceptions": False, "client": ("127.0.0.1", 50_000)}
    with TestClient(app, base_url=PUBLIC, follow_redirects=False, **options) as browser:
        sign_in(browser, "sara")
        yield browser


def test_no_number_no_text_and_no_day_breaks_a_page(browser: TestClient) -> None:
    headers = {"X-CSRF-Token": csrf_on(browser, "/me"), "HX-Request": "true"}
    broken, asked = [], 0
    for route in _routes(browser.app):
        method = min(route.methods or {"GET"})
        path, query, form = _fields(route)
        for where, name, poison in _poisoned(path, query, form):
            values = [
                {one: poison if (where, name) == (place, one) else _usual(kind, one) for one, kind in fields.items()}
                for place, fields in enumerate((path, query, form))
            ]
            address = route.path
            for one, value in values[0].items():
                address = address.replace("{" + one + "}", quote(value, safe=""))
            sent: dict[str, Any] = {"data": values[2], "files": _files(route)} if method == "POST" else {}
            answer = browser.request(method, address, params=values[1], headers=headers, **sent)
            asked += 1
            if answer.status_code == 500:
                broken.append((method, route.path, name, poison[:30]))
    assert not broken, "\n".join(map(str, broken))
    assert browser.get("/me").status_code == 200  # to the end
    assert asked > 1000


def test_wherever_a_file_is_taken_it_may_be_larger_than_a_form(browser: TestClient) -> None:
    paths = [
        re.sub(r"\{(token|sending)\}", f"x{'a' * 52}", route.path) for route in _routes(browser.app) if _files(route)
    ]
    taking = [re.sub(r"\{[^}]+\}", "1", one) for one in paths]
    allowed = [SENT, *(one for one, _, _ in UPLOADS)]
    assert [path for path in taking if not any(one.fullmatch(path) for one in allowed)] == []
    assert len(taking) > 10


def test_a_socket_of_no_such_page_is_closed(browser: TestClient) -> None:
    for number in (HUGE, "9" * 5000, "a%00b"):
        with browser.websocket_connect(f"/ws/ente-{number}", headers={"origin": PUBLIC}) as socket:
            assert socket.receive()["code"] == 4404


def _routes(app: Any) -> list[APIRoute]:
    """All of ours. Those of the carrier need its signature, which nobody else has."""
    found = [route for route in app._app.routes if isinstance(route, APIRoute) and route.path not in LEFT_OUT]
    assert {*FREE} <= {route.path for route in found}
    return [route for route in found if not route.path.startswith("/telephony")]


def _fields(route: APIRoute) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The kinds of what a route takes, by name: in its path, in its query, in its form."""
    known = route.dependant
    path, query, form = (
        {one.alias: one.field_info.annotation for one in fields}
        for fields in (known.path_params, known.query_params, known.body_params)
    )
    if not form and "POST" in (route.methods or set()):
        form = dict.fromkeys(FREE.get(route.path, {}), str)
    return path, query, form


def _poisoned(*places: dict[str, Any]) -> Iterator[tuple[int, str, str]]:
    """Each field in turn; of those that a form has several of (`day-0`, `day-1`), and reads alike, one."""
    yield -1, "", ""  # nothing is
    for place, fields in enumerate(places):
        for name in {NUMBERED.sub("", name): name for name in reversed(fields)}.values():
            kind = fields[name]
            for poison in POISONS.get(_bare(kind), ()):
                yield place, name, poison


def _bare(kind: Any) -> Any:
    """A kind without what it is annotated with, and without none."""
    while get_origin(kind) in {Annotated, Union, types.UnionType}:
        kind = next(one for one in get_args(kind) if one is not type(None))
    return kind


def _usual(kind: Any, name: str) -> str:
    """What somebody might well send."""
    kind = _bare(kind)
    if get_origin(kind) is Literal:
        return str(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return str(next(iter(kind)).value)
    kinds = {
        int: "1",
        bool: "true",
        date: "2026-01-01",
        time: "10:00",
        UUID: str(uuid4()),
        datetime: "2026-01-01T10:00",
    }
    free = {name: value for fields in FREE.values() for name, value in fields.items()}
    return kinds.get(kind) or PLAUSIBLE.get(name, free.get(name, "Prova"))


def _files(route: APIRoute) -> dict[str, Any]:
    uploads = [one.alias for one in route.dependant.body_params if "UploadFile" in str(one.field_info.annotation)]
    return dict.fromkeys(uploads, ("prova.txt", b"prova"))


def test_an_error_of_ours_says_that_the_connection_closes(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server closes it: the carrier, which asks for the apology next, must not meet it closed."""

    def breaks(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("the server is gone"))

    monkeypatch.setattr("web.edge.visits.access.resume", breaks)
    answer = browser.get("/me")
    assert (answer.status_code, answer.headers["connection"]) == (500, "close")
