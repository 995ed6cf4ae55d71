"""An ente's programs read its figures with a token, as often as it may, and what its description says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from sqlalchemy import select, update

from crm.access.permissions import Principal
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.configuration import changed
from crm.core.db import Database, Scope
from crm.core.errors import FieldError, ForbiddenError
from crm.enti.models import ContractEnte
from crm.levels.administration import put
from crm.levels.agreement import EVER, Agreement, Period
from crm.tokens import service
from crm.tokens.limit import BURST, EACH, PER_MINUTE, take
from crm.tokens.models import ApiScope, ApiToken
from tests.cast import Cast, principal_of
from tests.crm.reports.conftest import GOLDEN, play
from tests.web.conftest import EVERYTHING, Programs, csrf_of, let_in, token_of
from web.api.v1.routes import described

NOON = datetime(2026, 11, 1, 11, tzinfo=UTC)


@given(st.lists(st.floats(0, 5), max_size=200))
def test_in_no_stretch_of_time_are_there_more_than_the_burst_and_the_rate(pauses: list[float]) -> None:
    full_at, now, taken = None, NOON, []
    for pause in pauses:
        now += timedelta(seconds=pause)
        wait, full_at = take(full_at, now)
        if not wait:
            taken.append(now)
    for place, one in enumerate(taken):
        window = [each for each in taken[place:] if each <= one + timedelta(minutes=1)]
        assert len(window) <= BURST + PER_MINUTE + 1


def test_whoever_waits_as_long_as_he_is_told_is_let_in() -> None:
    full_at = None
    for _ in range(BURST):
        wait, full_at = take(full_at, NOON)
        assert not wait
    wait, kept = take(full_at, NOON)
    assert timedelta() < wait <= EACH
    assert kept == full_at
    assert not take(full_at, NOON + wait)[0]


@pytest.mark.integration
def test_each_answer_is_what_the_description_says(
    client: Any, database: Database, cast: Cast, programs: Programs
) -> None:
    """Contract test: the served OpenAPI against what is answered."""
    play(database, cast, *GOLDEN)
    told = client.get("/api/v1/openapi.json").json()
    assert told == described()
    api = OpenAPI.from_dict(told)
    asked = (
        ("/api/v1/metrics", {}), ("/api/v1/levels", {}), ("/api/v1/reports", {}),
        ("/api/v1/hours", {"first": "2026-10-01", "last": "2026-10-31"}), ("/api/v1/reports/999", {}),
        ("/api/v1/hours", {"first": "2026-10-02", "last": "2026-10-01"}), ("/api/v1/hours", {}),
    )  # fmt: skip
    seen = set()
    for path, params in asked:
        for token in (programs.token, ""):
            answer = Programs(client, token).get(path, **params)
            seen.add(answer.status_code)
            request = MockRequest("http://testserver", "get", path, args=params)
            response = MockResponse(
                answer.content, status_code=answer.status_code, content_type=answer.headers["content-type"]
            )  # fmt: skip
            api.validate_response(request, response)
    assert seen == {200, 401, 404, 422}
    (levels,) = programs.get("/api/v1/levels").json()
    assert levels["is_running"]
    assert levels["levels"]


@pytest.mark.integration
def test_where_two_contracts_sum_up_otherwise_each_period_can_be_read(
    database: Database, cast: Cast, programs: Programs
) -> None:
    with database.begin(Scope.of_enti([cast.empoli], [cast.other_contract])) as session:
        changed(session)
        session.add(ContractEnte(contract_id=cast.other_contract, ente_id=cast.empoli))
        put(session, Agreement(cast.other_contract, EVER, Period.YEAR, (), None))
        this_year = clock.business_day(clock.now(session)).replace(month=1, day=1)
    december = this_year.replace(year=this_year.year - 1, month=12)  # of months alone
    assert len(programs.get("/api/v1/levels").json()) == 2
    (one,) = programs.get("/api/v1/levels", begins=december.isoformat()).json()
    assert (one["contract_id"], one["first"]) == (cast.contract, december.isoformat())
    assert programs.get("/api/v1/levels", begins="2019-05-02").status_code == 422


@pytest.mark.integration
def test_a_token_sees_its_ente_alone_and_what_it_may(
    client: Any, database: Database, cast: Cast, administrator: Principal, programs: Programs
) -> None:
    """Attack: forged, stolen for another ente, of too small a scope."""
    vinci = token_of(database, administrator, cast.vinci)
    play(database, cast, *GOLDEN)
    month = {"first": "2026-10-01", "last": "2026-10-31"}
    (of_vinci,) = Programs(client, vinci).get("/api/v1/hours", **month).json()
    assert sum(one["counts"]["received"] for one in of_vinci["hours"]) == 1
    forged = programs.token.replace(f"fd1_{cast.empoli}_", f"fd1_{cast.vinci}_")
    for token in (forged, programs.token[:-1] + "?", "", "fd1_99999999999999999999_x", "Bearer x", vinci + "x"):
        assert Programs(client, token).get("/api/v1/hours", **month).status_code == 401
    small = Programs(client, token_of(database, administrator, cast.empoli, ApiScope.REPORTS))
    assert small.get("/api/v1/hours", **month).status_code == 403
    assert small.get("/api/v1/reports").status_code == 200
    let_in(client, "sara")
    assert client.get("/api/v1/reports").status_code == 401  # a session is no token


@pytest.mark.integration
def test_whoever_asks_too_often_is_told_how_long_to_wait(programs: Programs, database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        far = session.scalars(select(ApiToken)).one()
        far.full_at = datetime.now(UTC) + EACH * (BURST + 10)
    answer = programs.get("/api/v1/metrics")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 12
    assert answer.json()["message"]


@pytest.mark.integration
def test_a_token_is_shown_once_and_revoked_at_once(
    client: Any, database: Database, cast: Cast, administrator: Principal
) -> None:  # fmt: skip
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    at = f"/enti/{cast.empoli}/tokens"
    fields = {"name": " ufficio  tributi ", "reports": "true", "days": "90"}
    html = client.post(at, data=fields, headers=headers).text
    token = html.split('class="secret">')[1].split("<")[0]
    assert token.split("_", 2)[2] not in client.get(at).text
    assert "ufficio tributi" in client.get(at).text
    programs = Programs(client, token)
    assert programs.get("/api/v1/reports").status_code == 200
    assert client.post(at, data={**fields, "name": ""}, headers=headers).status_code == 422
    assert client.post(at, data={"name": "x", "days": "90"}, headers=headers).status_code == 422
    assert client.post(at, data={**fields, "days": "9999"}, headers=headers).status_code == 422
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        row = session.scalars(select(ApiToken)).one()
        assert token.split("_", 2)[2] not in row.digest
        kinds = set(session.scalars(select(AuditEntry.kind)))
        assert row.last_used_at is not None
        token_id = row.id
    assert "api_token.made" in kinds
    assert client.post(f"/enti/tokens/{token_id}/revoke", headers=headers).status_code == 204
    assert programs.get("/api/v1/reports").status_code == 401
    assert "revocata" in client.get(at).text
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert "api_token.revoked" in set(session.scalars(select(AuditEntry.kind)))
        session.execute(update(ApiToken).values(revoked_at=None, expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert programs.get("/api/v1/reports").status_code == 401


@pytest.mark.integration
def test_only_an_administrator_of_the_ente_makes_tokens(
    client: Any, database: Database, cast: Cast, administrator: Principal
) -> None:
    """Attack."""
    for username, status in (("vera", 403), ("anna", 403)):
        let_in(client, username)
        headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
        at = f"/enti/{cast.empoli}/tokens"
        assert client.get(at).status_code == status
        assert client.post(at, data={"name": "x", "reports": "1", "days": "90"}, headers=headers).status_code == status
    with database.begin(Scope.of_enti([cast.siena, cast.empoli])) as session:
        vera = principal_of(session, cast.vera)
        for by, ente_id in ((vera, cast.empoli), (administrator, cast.siena)):
            with pytest.raises(ForbiddenError):
                service.make(session, by, ente_id=ente_id, name="x", scopes=EVERYTHING, days=90)
        with pytest.raises(FieldError):
            service.make(session, administrator, ente_id=cast.empoli, name="x", scopes=(), days=90)
