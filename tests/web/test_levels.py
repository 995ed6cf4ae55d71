"""The pages of the contracts' levels: writing them, and seeing how they stand."""

import re
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from sqlalchemy import func, select, update

from crm.access.models import Role, RoleGrant
from crm.access.permissions import Held, Principal
from crm.agendas.models import BookableService
from crm.audit.models import AuditEntry
from crm.continuity import remarks as interruptions
from crm.continuity.models import Cause, Interruption
from crm.core import clock
from crm.core.db import Database, Scope
from crm.enti.models import Office
from crm.levels import queries, remarks
from crm.levels.administration import put
from crm.levels.agreement import EVER, Agreement, Period, Promise
from crm.levels.frozen import Frozen, stored
from crm.levels.known import Evidence
from crm.levels.metrics import AVAILABLE, LONGEST_WAIT, LOST, METRICS, QUEUE_CAP, WAITING_OVER, Each, MetricName
from crm.levels.models import ClosedPeriod, ContractAgreement, ContractEvent, ContractEventKind
from crm.levels.presets import PRESETS
from crm.levels.terms import USUAL, Formula, in_force
from crm.turns.models import Turn, TurnState
from tests.cast import Cast, promise
from tests.web.conftest import csrf_of, let_in

pytestmark = pytest.mark.integration
COUNTER_WAIT = MetricName.COUNTER_WAIT.value


@pytest.fixture
def ada(client: Any, database: Database, cast: Cast) -> Any:
    """Posts as the contract's administrator."""
    with database.begin(Scope.nothing()) as session:
        session.execute(update(RoleGrant).where(RoleGrant.user_id == cast.sara).values(role=Role.ADMINISTRATOR))
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}

    def press(path: str, **fields: Any) -> Any:
        return client.post(path, data={name.replace("__", "-"): text for name, text in fields.items()}, headers=headers)

    return press


def today(database: Database) -> date:
    with database.begin(Scope.nothing()) as session:
        return clock.business_day(clock.now(session))


def on(database: Database, cast: Cast, day: date | None = None) -> Agreement:
    with database.begin(Scope.nothing()) as session:
        found = queries.agreement(session, cast.contract, day)
    assert found is not None
    return found


def current(database: Database, cast: Cast) -> Agreement:
    return on(database, cast)


def coming(database: Database, period: Period = Period.QUARTER) -> date:
    """The first day of the next period."""
    return period.around(today(database))[1]


def head(database: Database, **more: str) -> dict[str, str]:
    """The fields above the levels, as they would be in the next quarter."""
    return {
        "valid_from": coming(database).isoformat(), "period": "quarter", "net_value": "200000", "formula": "B",
        "within": "30", "short": "5", "over": "40", "denominator": "received", "preset": "", **more,
    }  # fmt: skip


def test_a_preset_fills_the_form_and_is_written_as_it_stands(
    ada: Any, client: Any, database: Database, cast: Cast
) -> None:
    path = f"/enti/contracts/{cast.contract}/levels"
    for key, preset in PRESETS.items():
        page = client.get(path, params={"preset": key}).text
        assert page.count("togli questo livello") == len(preset.promises)
    fields = head(database)
    for place, one in enumerate(PRESETS["intercent_er"].levels):
        is_share = METRICS[one.metric].unit.value == "share"
        fields |= {
            f"metric__{place}": one.metric, f"op__{place}": one.op,
            f"target__{place}": str(one.target * 100 if is_share else one.target).replace(".", ","),
            f"callers__{place}": one.callers or "", f"service__{place}": one.service,
            f"share_of_days__{place}": "90" if one.share_of_days else "",
            f"penalty__{place}": "0,3" if one.penalty_per_mille else "",
            f"each__{place}": one.penalty_each or "", f"group__{place}": one.penalty_group,
        }  # fmt: skip
        if one.tolerated_excluded:
            fields[f"tolerated__{place}"] = "1"
    assert ada(path, **fields).status_code == 204
    written = on(database, cast, coming(database))
    assert {one.key: one.target for one in written.levels} == {
        one.key: one.target for one in PRESETS["intercent_er"].levels
    }
    assert (written.period, written.net_value) == (Period.QUARTER, Decimal(200_000))
    with database.begin(Scope.nothing()) as session:
        terms = in_force(queries.terms(session, cast.contract), clock.start_of_day(date(2100, 1, 1)))
    assert (terms.formula, terms.within_ms) == (Formula.B, 30_000)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        kinds = session.scalar(select(func.count()).where(AuditEntry.kind == "contract.levels"))
    assert kinds == 1


def test_what_is_wrong_stands_at_its_field_though_rows_are_empty(ada: Any, database: Database, cast: Cast) -> None:
    path = f"/enti/contracts/{cast.contract}/levels"
    answer = ada(
        path,
        **head(database, net_value="", valid_from="2020-01-01"),
        metric__0="", metric__2=WAITING_OVER, op__2="<", target__2="120", threshold__2="",
        metric__4=LONGEST_WAIT, op__4="<=", target__4="300", penalty__4="0,3", each__4="call",
        metric__5=LONGEST_WAIT, op__5="<=", target__5="200",
    )  # fmt: skip
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {
        "valid_from", "net_value", "target-2", "threshold-2", "metric-4", "metric-5"
    }  # fmt: skip
    unreadable = ada(path, **head(database), metric__0=LONGEST_WAIT, op__0="<=", target__0="molto")
    assert set(unreadable.json()["fields"]) == {"target-0"}


def test_what_cannot_be_counted_is_not_taken(ada: Any, database: Database, cast: Cast) -> None:
    """It would be on the page as a level or a penalty, and never come to anything."""
    answer = ada(
        f"/enti/contracts/{cast.contract}/levels", **head(database),
        metric__0=LOST, op__0="<", target__0="15", penalty__0="0,3", each__0="call", share_of_days__0="90",
        metric__1=LONGEST_WAIT, op__1="<=", target__1="300", penalty__1="0,3", each__1="day_over",
        metric__2=WAITING_OVER, op__2="<", target__2="20", threshold__2="40", callers__2="mobile",
        metric__3=WAITING_OVER, op__3="<", target__3="20", threshold__3="60", callers__3="landline",
        metric__4=QUEUE_CAP, op__4="<=", target__4="5", service__4="Ordinaria",
        metric__5=AVAILABLE, op__5=">", target__5="95", share_of_days__5="90",
    )  # fmt: skip
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {"each-0", "each-1", "threshold-3", "service-4", "share_of_days-5"}


def test_a_period_that_was_closed_long_ago_can_be_opened(client: Any, database: Database, cast: Cast) -> None:
    let_in(client, "sara")
    kept = stored(Frozen(current(database, cast), USUAL, Evidence(), ()))
    with database.begin(Scope.of_contract(cast.contract)) as session:
        session.add(
            ClosedPeriod(
                contract_id=cast.contract, first=date(2019, 3, 1), last=date(2019, 3, 31),
                closed_at=clock.start_of_day(date(2019, 4, 1)), seal="x", kept=kept,
            )
        )  # fmt: skip
    page = client.get("/levels").text
    assert page.count("in corso") == 1
    assert ">marzo 2019</option>" in page
    old = client.get("/levels", params={"contract": cast.contract, "begins": "2019-03-01"}).text
    assert "chiuso il 1 apr 2019" in old


def test_a_version_to_come_leaves_today_as_it_is_and_may_be_taken_back(
    ada: Any, client: Any, database: Database, cast: Cast
) -> None:
    path, before = f"/enti/contracts/{cast.contract}/levels", current(database, cast)
    level = {"metric__0": LONGEST_WAIT, "op__0": "<=", "target__0": "300"}
    assert ada(path, **head(database, valid_from="2099-01-01"), **level).status_code == 204
    assert current(database, cast) == before
    with database.begin(Scope.nothing()) as session:
        (*_, coming) = queries.agreements(session, frozenset({cast.contract}))
    assert "non ancora in vigore" in client.get(path).text
    assert ada(f"{path}/{coming.id}/remove").status_code == 204
    assert ada(f"{path}/{coming.id}/remove").status_code == 404
    assert ada(f"{path}/{before.id}/remove").status_code == 422
    assert current(database, cast) == before


def test_a_second_version_of_a_day_is_valid_and_the_first_one_stays_in_the_history(
    ada: Any, client: Any, database: Database, cast: Cast
) -> None:
    path, level = f"/enti/contracts/{cast.contract}/levels", {"metric__0": LONGEST_WAIT, "op__0": "<="}
    for day in (today(database).replace(day=1).isoformat(), "2099-01-01"):
        for target, formula in (("300", "C"), ("200", "D")):
            fields = head(database, valid_from=day, formula=formula, period="month") | level | {"target__0": target}
            assert ada(path, **fields).status_code == 204
    with database.begin(Scope.nothing()) as session:
        later, first = [one for one in queries.written(session, cast.contract) if one.written_by][2:]
        coming = queries.agreement(session, cast.contract, date(2099, 1, 1))
    assert current(database, cast).levels[0].target == later.agreement.levels[0].target == 200
    assert (first.agreement.levels[0].target, first.replaced_at) == (300, later.written_at)
    assert "sostituita da un&#39;altra dello stesso giorno" in client.get(path).text
    assert coming is not None
    assert ada(f"{path}/{coming.id}/remove").status_code == 204
    html = client.get(path).text
    assert html.count("tolta prima di entrare in vigore") == 2  # the one that it had replaced does not come back
    assert "Sara" in html
    with database.begin(Scope.nothing()) as session:
        terms = queries.terms(session, cast.contract)
        assert queries.agreement(session, cast.contract, date(2099, 1, 1)) == current(database, cast)
        assert in_force(terms, clock.start_of_day(date(2100, 1, 1))).formula is Formula.D  # today's, of both the last
        assert len(terms) == 3
    with (
        pytest.raises(Exception, match="permission denied"),
        database.begin(Scope.of_contract(cast.contract)) as session,
    ):
        session.execute(update(ContractAgreement).values(net_value=0))


def test_each_level_stands_with_its_figure_and_the_calls_that_broke_it(
    ada: Any, client: Any, database: Database, cast: Cast
) -> None:
    level = {
        "metric__0": LONGEST_WAIT, "op__0": "<=", "target__0": "300", "penalty__0": "0,3", "each__0": "call",
    }  # fmt: skip
    running = head(database, valid_from=today(database).replace(day=1).isoformat(), period="month")
    assert ada(f"/enti/contracts/{cast.contract}/levels", **running, **level).status_code == 204
    with database.begin(Scope.of_contract(cast.contract)) as session:
        at = clock.now(session)
        session.add(
            ContractEvent(
                contract_id=cast.contract, ente_id=cast.empoli, queue_id=cast.operator,
                kind=ContractEventKind.WAIT_OVER, metric=LONGEST_WAIT,
                subject="00000000-0000-0000-0000-000000000001", limit=Decimal(300), measured=Decimal("321.5"),
                occurred_at=at, recorded_at=at,
            )
        )  # fmt: skip
    page = client.get("/levels").text
    assert "1 chiamata oltre il limite" in page
    assert "60,00" in page
    calls = client.get(f"/levels/{cast.contract}/calls", params={"metric": LONGEST_WAIT}).text
    assert "321,5 s" in calls
    assert "0,3 ‰" in calls
    assert client.get("/levels", params={"contract": cast.contract, "begins": "2026-02-03"}).status_code == 422


def test_the_window_of_an_ente_leads_to_what_it_is_asked_to_leave_out(
    client: Any, database: Database, cast: Cast
) -> None:
    call = "00000000-0000-0000-0000-000000000001"
    sara = Principal(cast.sara, "Sara", "it", frozenset({Held(Role.SUPERVISOR, None, cast.contract)}))
    with database.begin(Scope.of_contract(cast.contract)) as session:
        promise(session, cast.contract, LONGEST_WAIT, 300)
        at = clock.now(session)
        session.add(
            ContractEvent(
                contract_id=cast.contract, ente_id=cast.empoli, kind=ContractEventKind.WAIT_OVER, metric=LONGEST_WAIT,
                subject=call, limit=Decimal(300), measured=Decimal("300.001"), occurred_at=at, recorded_at=at,
            )
        )  # fmt: skip
        session.add(Interruption(cause=Cause.CARRIER, began_at=at, ended_at=at, found_at=at))
        session.flush()
        remarks.say(
            session, sara, contract_id=cast.contract, metric=LONGEST_WAIT, subject=call, text="Guasto.", leave_out=True
        )
        (stop,) = session.scalars(select(Interruption.id))
        interruptions.ask(session, sara, contract_id=cast.contract, interruption_id=stop, text="Guasto.")
    let_in(client, "vera")
    window = client.get(f"/ente?ente={cast.empoli}").text
    (at_the_period,) = re.findall(r'href="(/levels\?contract=[^"]+)">Esclusioni dalle penali da decidere', window)
    assert 'href="/continuity">Interruzioni da non contare</a>: <strong class="num">1<' in window
    page = client.get(unescape(at_the_period)).text
    (behind,) = re.findall(r'href="(/levels/[^"]+/calls[^"]+)"', page)
    calls = client.get(unescape(behind)).text
    assert "Guasto." in calls
    assert "300,001 s" in calls  # not 300, which would be within the limit
    let_in(client, "sara")
    assert client.get("/ente").status_code == 200


def test_a_day_at_the_desks_is_left_out_by_its_ente_on_page_and_file(
    client: Any, database: Database, cast: Cast
) -> None:
    day = today(database)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        place: dict[str, Any] = {"ente_id": cast.empoli}
        office = Office(**place, name="T", address="Via Roma 1", competent_for="", accessibility="", hours=[])
        service = BookableService(**place, name={"it": "TARI"}, description={}, bring={}, duration=20, step=20)
        session.add_all([office, service])
        session.flush()
        session.add(
            Turn(
                **place, office_id=office.id, service_id=service.id, day=day, letter="A", number=1, waited_s=3600,
                state=TurnState.DONE, arrived_at=clock.now(session),
            )
        )  # fmt: skip
    with database.begin(Scope.nothing()) as session:
        session.execute(update(RoleGrant).where(RoleGrant.user_id == cast.vera).values(role=Role.ENTE_APPROVER))
        wait = Promise(
            cast.contract, COUNTER_WAIT, "<=", Decimal(30), penalty_per_mille=Decimal(1), penalty_each=Each.DAY_OVER
        )
        put(session, Agreement(cast.contract, EVER, Period.MONTH, (wait,), Decimal(10_000)))
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    where, asked = f"/levels/{cast.contract}", {"metric": COUNTER_WAIT}
    page = client.get(f"{where}/calls", params=asked).text
    assert "Giorni oltre il limite" in page
    assert "Chiedi all'ente di escludere il giorno" in unescape(page)
    fields = {"metric": COUNTER_WAIT, "subject": day.isoformat(), "text": "Sciopero dell'ente, <b>tutti</b>."}
    assert client.post(f"{where}/remarks", data=fields | {"leave_out": "true"}, headers=headers).status_code == 204
    assert client.post(f"{where}/remarks", data=fields | {"leave_out": "true"}, headers=headers).status_code == 409
    let_in(client, "vera")
    headers["X-CSRF-Token"] = csrf_of(client)
    assert "Esclusioni dalle penali da decidere" in client.get(f"/ente?ente={cast.empoli}").text
    page = client.get(f"{where}/calls", params=asked | {"ente": cast.empoli}).text
    assert "&lt;b&gt;tutti" in page
    (remark,) = re.findall(r"/levels/remarks/(\d+)/approve", page)
    assert client.post(f"/levels/remarks/{remark}/approve", headers=headers).status_code == 204
    assert "esclusa con l'accordo" in unescape(client.get(f"{where}/calls", params=asked | {"ente": cast.empoli}).text)
    table = client.get(f"{where}/over.csv", params=asked | {"ente": cast.empoli}).text
    assert "esclusa" in table
    said = client.get(f"{where}/remarks.csv", params=asked | {"ente": cast.empoli}).text
    assert "Sciopero dell'ente" in said
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.kind == "penalty.exclusion_approved")).one()
    assert day.isoformat() in str(entry.detail)


def test_an_ente_sees_its_own_calls_alone_and_another_contract_is_not_there(
    client: Any, database: Database, cast: Cast
) -> None:
    let_in(client, "vera")
    page = client.get("/levels")
    assert page.status_code == 200
    assert "Empoli" in page.text
    ours, theirs = (
        client.get(f"/levels/{contract}/calls", params={"metric": WAITING_OVER, "ente": cast.empoli}).status_code
        for contract in (cast.contract, cast.other_contract)
    )
    assert (ours, theirs) == (200, 404)
    whole = client.get(f"/levels/{cast.contract}/calls", params={"metric": WAITING_OVER})
    assert whole.status_code == 404
    assert client.get(f"/enti/contracts/{cast.contract}/levels").status_code == 403


def test_penalties_are_not_for_everybody_who_sees_the_wallboard(client: Any, cast: Cast) -> None:
    let_in(client, "anna")
    assert client.get("/wallboard").status_code == 200
    assert client.get("/levels").status_code == 403
    calls = client.get(f"/levels/{cast.contract}/calls", params={"metric": WAITING_OVER})
    assert calls.status_code == 403
