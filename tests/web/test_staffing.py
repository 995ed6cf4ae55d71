"""The pages of forecasts and shifts: made, kept, tried, planned, published, decided; and who may do none of it."""

import csv
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import ProgrammingError

from crm.access.models import Role, RoleGrant
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.clock import ROME
from crm.core.configuration import changed
from crm.core.db import Database, Scope
from crm.core.errors import FieldError
from telephony.agents.models import Activity, AgentFact
from telephony.history.importer import import_calls
from telephony.history.reading import COLUMNS
from telephony.queues.models import QueueMember
from telephony.staffing import queries, service
from telephony.staffing.known_days import Kind
from telephony.staffing.models import ForecastDay, Reinforcement, Shift
from telephony.staffing.reinforcement import Proposal
from telephony.staffing.shifts import written
from tests.cast import Cast, principal_of
from tests.web.conftest import csrf_of, let_in
from web.staffing.parts import parts

pytestmark = pytest.mark.integration
DAY = timedelta(days=1)
Press = Callable[..., Any]


@pytest.fixture
def today(database: Database, cast: Cast) -> date:
    with database.begin(Scope.nothing()) as session:
        return clock.business_day(clock.now(session))


@pytest.fixture
def past(database: Database, cast: Cast, tmp_path: Path, today: date) -> None:
    """Five weeks of eight calls an hour, from nine to eleven; on Mondays twice as many."""
    file = tmp_path / "calls.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, restval="")
        writer.writeheader()
        for back in range(35, 0, -1):
            on = today - back * DAY
            nine = datetime(on.year, on.month, on.day, 9, tzinfo=ROME)
            calls = 32 if on.weekday() == 0 else 16
            for n in range(calls):
                at = nine + timedelta(minutes=120 * n / calls)
                answer, end = at + timedelta(seconds=5), at + timedelta(seconds=185)
                writer.writerow(
                    {
                        "start": at.isoformat(), "queue_entry": at.isoformat(), "answer": answer.isoformat(),
                        "end": end.isoformat(), "outcome": "answered", "queue": "Operatore", "ente": "D403",
                        "line_kind": "freephone",
                    }
                )  # fmt: skip
    import_calls(database, file, contract_id=cast.contract, refused=tmp_path / "refused.csv")


@pytest.fixture
def press(client: Any) -> Press:
    """Posts as whoever is let in."""

    def send(path: str, **fields: str) -> Any:
        headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
        return client.post(path, data=fields, headers=headers)

    return send


def make(database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        assert service.make(session, contract_id=cast.contract) == 1


def test_each_day_a_forecast_is_made_once_and_what_came_is_held_against_it(
    database: Database, cast: Cast, past: None, today: date
) -> None:
    assert service.make_due(database) == 1  # the other contract has no calls to foretell from
    assert service.make_due(database) == 0
    with database.begin(Scope.of_contract(cast.contract)) as session:
        told = queries.forecasts(session, cast.contract, today, today + 60 * DAY)
        assert len(told) == service.HORIZON_DAYS
        monday = next(on for on in told if on.weekday() == 0 and on > today)
        assert told[monday].total == pytest.approx(32, rel=0.15)
        assert told[monday + DAY].total == pytest.approx(16, rel=0.15)
        assert sum(told[monday].expected[36:44]) == pytest.approx(told[monday].total)
        # The same a week ago; nobody may change what was made.
        names = ("contract_id", "made_at", "expected", "low", "high", "drivers", "effects")
        for row in session.scalars(select(ForecastDay)).all():
            same = {name: getattr(row, name) for name in names}
            session.add(ForecastDay(**same, day=row.day - 7 * DAY, made_on=row.made_on - 7 * DAY))
    with pytest.raises(ProgrammingError), database.begin(Scope.of_contract(cast.contract)) as session:
        session.execute(update(ForecastDay).values(made_on=today))
    make(database, cast)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        kept = queries.as_told(session, cast.contract, today - 28 * DAY, today - DAY)
    assert min(kept) == today - 6 * DAY  # on the day itself nothing is foretold any more
    assert len(kept) == 6


def test_the_page_says_what_is_expected_what_it_takes_and_how_far_it_was_off(
    client: Any, database: Database, cast: Cast, past: None, today: date
) -> None:
    let_in(client, "sara")
    assert "Nessuna previsione ancora" in client.get("/staffing").text
    make(database, cast)
    text = client.get("/staffing", params={"day": (today + DAY).isoformat()}).text
    assert 'id="need-table"' in text
    assert "Prova: come sarebbero state fatte" in text
    rows = client.get("/staffing/need.csv", params={"day": (today + DAY).isoformat()}).text.splitlines()[1:]
    assert [row.split(";")[0] for row in rows] == [f"{n // 4:02}:{n % 4 * 15:02}" for n in range(36, 44)]
    more = client.get("/staffing/need", params={"day": (today + DAY).isoformat(), "calls": "200"}).text
    assert f">{(2 * 16 if (today + DAY).weekday() else 2 * 32) // 10}" in more  # some thirty, or some sixty
    assert client.get("/staffing/need", params={"day": "domani"}).status_code == 422
    assert "non c'è una previsione" in client.get("/staffing/need", params={"day": (today + 60 * DAY).isoformat()}).text


def test_queues_and_enti_that_were_called_often_enough_are_foretold_each_for_itself(
    client: Any, database: Database, cast: Cast, past: None, today: date
) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        found = parts(session, cast.contract)
    assert [(one.name, one.error is None) for one in found.queues] == [("Avvisi", True), ("Operatore", False)]
    assert [(one.name, one.error is None) for one in found.enti] == [
        ("Comune di Empoli", False),
        ("Comune di Vinci", True),
    ]
    operator, empoli = found.queues[1], found.enti[0]
    assert operator.days.keys() == empoli.days.keys() == set(found.days)
    monday = next(on for on in found.days if on.weekday() == 0)
    assert operator.days[monday].total == pytest.approx(32, rel=0.15)
    assert operator.days[monday] == empoli.days[monday]  # the same calls
    assert operator.error is not None
    assert operator.error.wape is not None
    assert operator.error.wape < 0.2
    let_in(client, "sara")
    page = client.get("/staffing/parts", params={"contract": cast.contract}).text
    assert page.count("Ancora troppo poche chiamate") == 2
    rows = client.get("/staffing/parts.csv").text.splitlines()[1:]
    assert {row.split(";")[0] for row in rows} == {"Operatore", "Comune di Empoli"}
    assert len(rows) == 2 * 7 * 8
    let_in(client, "anna")
    assert client.get("/staffing/parts").status_code == 403


def test_a_day_that_is_known_makes_the_forecast_anew_and_is_taken_back(
    client: Any, database: Database, cast: Cast, past: None, today: date, press: Press
) -> None:
    let_in(client, "sara")
    path, due = f"/staffing/{cast.contract}/days", today + 3 * DAY
    assert press(path, day=due.isoformat(), kind="due", name="").json()["fields"].keys() == {"name"}
    assert press(path, day=due.isoformat(), kind="no", name="TARI").status_code == 422
    assert press(path, day=due.isoformat(), kind="due", name="TARI").status_code == 204
    assert press(f"/staffing/{cast.contract}/basis", shrinkage="90", occupancy="85").status_code == 422
    assert press(f"/staffing/{cast.contract}/basis", shrinkage="30", occupancy="80", handling="200").status_code == 204
    text = client.get("/staffing").text
    assert "TARI" in text
    with database.begin(Scope.of_contract(cast.contract)) as session:
        (written,) = queries.written_days(session, cast.contract, today)
        assert queries.basis(session, cast.contract).handling_s == 200
    assert press(f"/staffing/days/{written.id}/forget").status_code == 204
    assert "TARI" not in client.get("/staffing").text


def test_a_week_is_planned_copied_published_and_seen_by_whom_it_is_about(
    client: Any, database: Database, cast: Cast, today: date, press: Press
) -> None:
    let_in(client, "sara")
    monday = today - today.weekday() * DAY
    this, following = (f"/staffing/{cast.contract}/shifts/{one.isoformat()}" for one in (monday, monday + 7 * DAY))
    field, other = (f"shift-{cast.anna}-{(monday + n * DAY).isoformat()}" for n in (0, 1))
    wrong = press(this, **{field: "9-13", other: "mai"})
    assert (wrong.status_code, set(wrong.json()["fields"])) == (422, {other})
    assert press(following + "/publish").status_code == 409
    assert press(this, **{field: "9-13, 14-18", other: ""}).status_code == 204
    assert press(following + "/copy").status_code == 204
    assert press(following + "/copy").status_code == 409
    assert "9-13, 14-18" in client.get("/staffing/shifts", params={"week": (monday + 9 * DAY).isoformat()}).text
    let_in(client, "anna")
    assert "I tuoi turni" not in client.get("/me").text
    let_in(client, "sara")
    assert press(following + "/publish").status_code == 204
    let_in(client, "anna")
    assert client.get("/me").text.count("9-13, 14-18") == 1
    let_in(client, "luca")
    assert "I tuoi turni" not in client.get("/me").text


def test_two_who_plan_one_week_do_not_undo_each_other_s(
    client: Any, database: Database, cast: Cast, today: date, press: Press
) -> None:
    """Each sends what stood there when he opened the page; only what he changed is written."""
    let_in(client, "sara")
    monday = today - today.weekday() * DAY
    path = f"/staffing/{cast.contract}/shifts/{monday.isoformat()}"
    anna, luca = (f"-{one}-{monday.isoformat()}" for one in (cast.anna, cast.luca))

    def saves(*cells: tuple[str, str, str]) -> Any:
        return press(path, **{kind + key: text for key, was, typed in cells
                              for kind, text in (("was", was), ("shift", typed))})  # fmt: skip

    def stands() -> dict[int, str]:
        with database.begin(Scope.of_contract(cast.contract)) as session:
            found = queries.roster(session, cast.contract, monday, monday)
        return {agent: written(those) for (agent, _), those in found.items()}

    assert f'name="was{anna}" value=""' in client.get("/staffing/shifts").text
    assert saves((anna, "", "9-13"), (luca, "", "")).status_code == 204
    assert saves((anna, "", ""), (luca, "", "14-18")).status_code == 204  # a colleague, whose page is older
    assert stands() == {cast.anna: "9-13", cast.luca: "14-18"}
    both = saves((anna, "", "8-12"), (luca, "", "14-18"))
    assert list(both.json()["fields"]) == [f"shift{anna}"]
    assert "«9-13»" in both.json()["fields"][f"shift{anna}"]
    assert saves((anna, "9-13", ""), (luca, "14-18", "14-18")).status_code == 204
    assert stands() == {cast.luca: "14-18"}
    assert saves((luca, "14-18", "14-18")).status_code == 204  # nothing changed
    late = saves((anna, "9-13", "10-12"))
    assert "l'ha tolto" in late.json()["fields"][f"shift{anna}"]


def test_who_answers_there_no_more_is_nobody_s_cover(
    client: Any, database: Database, cast: Cast, today: date, press: Press
) -> None:
    """His shifts of before stay: that is how it was."""
    monday = today - today.weekday() * DAY + 7 * DAY
    with database.begin(Scope.of_contract(cast.contract)) as session:
        sara = principal_of(session, cast.sara)
        cells = {(one, on): "9-13" for one in (cast.anna, cast.luca) for on in (monday, monday - 14 * DAY)}
        for first in (monday, monday - 14 * DAY):
            week = {key: text for key, text in cells.items() if key[1] == first}
            service.save_week(session, sara, contract_id=cast.contract, monday=first, cells=week)
        service.publish(session, sara, contract_id=cast.contract, monday=monday)
    with database.begin(Scope.nothing()) as session:
        session.execute(delete(QueueMember).where(QueueMember.agent_id == cast.luca))
        ended = RoleGrant.user_id == cast.anna, RoleGrant.role == Role.AGENT
        session.execute(update(RoleGrant).where(*ended).values(valid_to=clock.now(session)))
        changed(session)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        assert queries.roster(session, cast.contract, monday, monday) == {}
        assert len(queries.roster(session, cast.contract, monday - 14 * DAY, monday - 14 * DAY)) == 2
        assert cast.marta in queries.agents_of(session, cast.contract)
    let_in(client, "luca")
    assert "9-13" not in client.get("/me").text
    let_in(client, "sara")
    page = client.get("/staffing/shifts", params={"week": monday.isoformat()}).text
    assert 'value="9-13"' not in page.partition('<form hx-post="')[2]


def test_how_shifts_were_kept_an_agent_sees_of_himself_and_others_of_three(
    client: Any, database: Database, cast: Cast, today: date
) -> None:
    """Anna was there for half of yesterday's shift, Luca and Marta for none of theirs."""
    on = today - DAY
    monday = on - on.weekday() * DAY
    with database.begin(Scope.of_contract(cast.contract)) as session:
        sara = principal_of(session, cast.sara)
        for people in ((cast.anna, cast.luca), (cast.marta,)):
            cells = {(one, on): "9-13" for one in people}
            service.save_week(session, sara, contract_id=cast.contract, monday=monday, cells=cells)
            told = queries.kept_to(session, cast.contract, monday, monday + 6 * DAY)
            if len(people) == 2:
                assert told is None
        service.publish(session, sara, contract_id=cast.contract, monday=monday)
        nine = datetime(on.year, on.month, on.day, 9, tzinfo=ROME)
        for hours, activity in ((0, Activity.READY), (2, Activity.OFFLINE)):
            session.add(AgentFact(agent_id=cast.anna, at=nine + timedelta(hours=hours), activity=activity))
        session.flush()
        told = queries.kept_to(session, cast.contract, monday, monday + 6 * DAY)
        assert told is not None
        assert (told.agents, told.share) == (3, pytest.approx(1 / 6))
        (own,) = queries.own_days(session, principal_of(session, cast.anna))
        assert own.adherence is not None
        assert own.adherence.share == pytest.approx(0.5)
    let_in(client, "anna")
    assert "50 %" in client.get("/me").text.replace("\u00a0", " ")


def test_extra_operators_are_accepted_or_refused_with_a_reason_and_the_enti_see_it(
    client: Any, database: Database, cast: Cast, past: None, today: date, press: Press
) -> None:
    let_in(client, "sara")
    due = today + 10 * DAY
    with database.begin(Scope.of_contract(cast.contract)) as session:
        sara = principal_of(session, cast.sara)
        service.know_day(session, sara, contract_id=cast.contract, day=due, kind=Kind.DUE, name="TARI")
    path = f"/staffing/{cast.contract}/reinforcements/{due.isoformat()}"
    with database.begin(Scope.of_contract(cast.contract)) as session:
        proposal = Proposal(due, "TARI", due + DAY, due + 20 * DAY, 2, 640)
        with pytest.raises(FieldError):
            service.decide(session, sara, contract_id=cast.contract, proposal=proposal, accepted=False, reason=" ")
        service.decide(session, sara, contract_id=cast.contract, proposal=proposal, accepted=True, reason="")
        service.decide(session, sara, contract_id=cast.contract, proposal=proposal, accepted=False, reason="Ferie")
        row = session.get(Reinforcement, (cast.contract, due))
        assert row is not None
        assert (row.accepted, row.reason, row.calls) == (False, "Ferie", 640)
    with database.begin(Scope.of_enti([cast.vinci])) as session:
        assert session.scalar(select(func.count()).where(AuditEntry.kind == "reinforcement.decided")) == 2
    assert "Ferie" in client.get("/staffing").text
    assert press(path.replace(due.isoformat(), "2020-01-01"), accepted="true").status_code == 404


@pytest.mark.parametrize("who", ["anna", "vera"])
def test_nobody_else_may(client: Any, cast: Cast, today: date, press: Press, who: str) -> None:
    let_in(client, who)
    for path in ("/staffing", "/staffing/need", "/staffing/need.csv", "/staffing/shifts"):
        assert client.get(path).status_code == 403, path
    for path in ("forecast", "days", "basis", f"shifts/{today}", f"shifts/{today}/copy", f"shifts/{today}/publish"):
        fields = {"day": today.isoformat(), "kind": "due", "name": "x", "shrinkage": "1", "occupancy": "80"}
        assert press(f"/staffing/{cast.contract}/{path}", **fields).status_code == 403, path


def test_another_contract_s_weeks_and_days_are_not_hers(
    client: Any, database: Database, cast: Cast, today: date, press: Press
) -> None:
    let_in(client, "sara")
    for path in ("/staffing", "/staffing/shifts"):
        assert client.get(path, params={"contract": cast.other_contract}).status_code == 404
    field = f"shift-{cast.anna}-{today.isoformat()}"
    assert press(f"/staffing/{cast.other_contract}/shifts/{today}", **{field: "9-13"}).status_code == 403
    assert press(f"/staffing/{cast.other_contract}/forecast").status_code == 403
    forged = f"shift-{cast.vera}-{today.isoformat()}"  # who answers no calls
    assert press(f"/staffing/{cast.contract}/shifts/{today}", **{forged: "9-13"}).status_code == 404
    assert press("/staffing/days/999/forget").status_code == 404
    with database.begin(Scope.of_contract(cast.contract)) as session:
        assert session.scalar(select(func.count(Shift.id))) == 0
