"""The page of charts: each picture's figures, whose calls they are, and who may not see them."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm.core.db import Database, Scope
from crm.levels import series
from crm.levels.metering import Callers
from crm.levels.series import Of
from telephony.history.importer import import_calls
from telephony.history.reading import COLUMNS
from tests.cast import Cast
from tests.web.conftest import let_in
from web.charts.view import Year

pytestmark = pytest.mark.integration

NINE = datetime(2026, 3, 2, 8, tzinfo=UTC)  # a Monday, in Rome
DAY = {"day": "2026-03-02"}


def answered(at: datetime, wait_s: float, ente: str = "D403", line: str = "freephone") -> dict[str, str]:
    answer = at + timedelta(seconds=wait_s)
    return {
        "start": at.isoformat(), "queue_entry": at.isoformat(), "answer": answer.isoformat(), "line_kind": line,
        "end": (answer + timedelta(seconds=100)).isoformat(), "outcome": "answered", "queue": "Operatore", "ente": ente,
    }  # fmt: skip


def gave_up(at: datetime, wait_s: float, ente: str = "D403") -> dict[str, str]:
    return {
        "start": at.isoformat(), "queue_entry": at.isoformat(), "end": (at + timedelta(seconds=wait_s)).isoformat(),
        "outcome": "abandoned", "queue": "Operatore", "ente": ente, "line_kind": "freephone",
    }  # fmt: skip


@pytest.fixture
def past(database: Database, cast: Cast, tmp_path: Path) -> None:
    """A Monday's nine o'clock, the Sunday before, and the Monday before that; one call is about Vinci."""
    rows = [answered(NINE + timedelta(minutes=n), wait) for n, wait in enumerate((3, 7, 15, 50))]
    rows += [
        gave_up(NINE + timedelta(minutes=20), 12), answered(NINE + timedelta(minutes=21), 400, "M059", "geographic"),
        answered(NINE - timedelta(days=1), 4), answered(NINE - timedelta(days=7), 4),
        answered(NINE - timedelta(days=7, minutes=-1), 4),
    ]  # fmt: skip
    file = tmp_path / "calls.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    done = import_calls(database, file, contract_id=cast.contract, refused=tmp_path / "refused.csv")
    assert (done.taken, done.refused) == (9, 0)


def rows_of(client: Any, table: str, **asked: str) -> list[list[str]]:
    answer = client.get(f"/charts/{table}.csv", params=DAY | asked)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(answer.text.removeprefix("\ufeff").splitlines(), delimiter=";"))[1:]


def test_a_day_stands_beside_the_day_and_the_week_before(client: Any, past: None) -> None:
    let_in(client, "sara")
    assert rows_of(client, "day") == [
        ["09:00", "4", "4", "1", "2"], ["09:15", "2", "1", "0", "0"], ["09:30", "0", "0", "0", "0"],
        ["09:45", "0", "0", "0", "0"],
    ]  # fmt: skip
    page = client.get("/charts", params=DAY).text
    assert "2 mar 2026" in page
    assert 'data-table="day-table"' in page


def test_an_hour_is_judged_by_the_contract_s_own_formula(client: Any, past: None) -> None:
    let_in(client, "sara")
    assert rows_of(client, "levels") == [["09:00", "6", "50.0", "33.3"]]  # three of six within 20 s, two over 40 s


def test_waits_are_counted_call_by_call_and_percentiles_are_of_the_answered(
    database: Database, cast: Cast, past: None
) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        found = series.waits(session, Of(cast.contract), NINE, NINE + timedelta(hours=1))
    assert found.answered == (1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1)
    assert found.abandoned == (0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)
    assert found.percentiles == {0.5: 15.0, 0.8: 50.0, 0.9: 400.0, 0.95: 400.0}


def test_a_week_s_heat_is_the_mean_of_the_days_that_had_calls(client: Any, past: None) -> None:
    let_in(client, "sara")
    assert rows_of(client, "week") == [["1", "9", "4.0"], ["7", "9", "1.0"]]


def test_an_ente_user_sees_his_own_ente_s_calls_and_cannot_ask_for_another_s(
    client: Any, cast: Cast, past: None
) -> None:
    let_in(client, "vera")
    assert rows_of(client, "day")[1] == ["09:15", "1", "0", "0", "0"]
    for whose in (f"{cast.contract}", f"{cast.contract}-{cast.vinci}", f"{cast.other_contract}", "x"):
        for path in ("/charts", "/charts/day.csv", "/charts/year", "/charts/year.json"):
            assert client.get(path, params={"whose": whose}).status_code == 404, (whose, path)


def test_agents_are_told_nothing_of_it(client: Any, past: None) -> None:
    let_in(client, "anna")
    assert client.get("/charts").status_code == 403


def test_calls_may_be_narrowed_to_an_ente_a_queue_or_a_kind_of_caller(client: Any, cast: Cast, past: None) -> None:
    let_in(client, "sara")
    assert rows_of(client, "day", whose=f"{cast.contract}-{cast.vinci}")[1][1] == "1"
    assert rows_of(client, "day", callers=Callers.MOBILE)[1][1] == "1"
    assert rows_of(client, "day", queue=f"{cast.notices}") == []
    assert client.get("/charts", params={"queue": "99999"}).status_code == 404
    assert client.get("/charts", params={"day": "ieri"}).status_code == 422
    assert "Nessuna chiamata in questo giorno" in client.get("/charts", params={"queue": f"{cast.notices}"}).text


def test_a_year_has_a_place_for_every_quarter_hour(client: Any, cast: Cast) -> None:
    let_in(client, "sara")
    data = client.get("/charts/year.json").json()
    assert 365 * 96 <= len(data["received"]) == len(data["answered"]) <= 366 * 96 + 4
    assert "Nessuna chiamata nell'ultimo anno" in client.get("/charts/year").text


def test_a_year_is_summed_by_weeks_of_roman_days() -> None:
    late = datetime(2026, 3, 1, 22, 45, tzinfo=UTC)  # 23:45 of a Sunday in Rome
    year = Year(late, (1, 2), (1, 0))
    assert [(monday.isoformat(), *sums) for monday, *sums in year.weeks()] == [
        ("2026-02-23", 1, 1),
        ("2026-03-02", 2, 0),
    ]


def test_the_hour_that_october_has_twice_is_one(database: Database, cast: Cast, tmp_path: Path) -> None:
    twice = [answered(datetime(2025, 10, 26, hour, 5, tzinfo=UTC), 1) for hour in (0, 1)]
    file = tmp_path / "calls.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(twice)
    import_calls(database, file, contract_id=cast.contract, refused=tmp_path / "refused.csv")
    with database.begin(Scope.of_contract(cast.contract)) as session:
        places = series.day(session, Of(cast.contract), datetime(2025, 10, 26, tzinfo=UTC).date())
    assert [n for n, counts in enumerate(places) if counts.received] == [8]
    assert places[8].received == 2
