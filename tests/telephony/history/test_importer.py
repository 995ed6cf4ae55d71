"""A file of call records taken in: once each, in any order, provable, and with its refused rows explained."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import InvalidError
from crm.levels.folding import settle_all
from crm.levels.metering import Counts, hour_of
from crm.levels.models import ContractEvent, ServiceFact
from crm.levels.verification import verify
from telephony.history import importer
from telephony.history.importer import Summary, import_calls
from telephony.history.reading import COLUMNS
from tests.cast import Cast
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration

NINE = datetime(2026, 3, 2, 8, tzinfo=UTC)  # in Rome


def record(n: int, dice: Random) -> dict[str, str]:
    """Some call of some morning."""
    start = NINE + timedelta(seconds=n * 37)
    entry, leave = start + timedelta(seconds=dice.randint(5, 40)), None
    outcome = dice.choice(["answered", "answered", "abandoned", "left_ivr", "turned_away", "closed"])
    row = dict.fromkeys(COLUMNS, "") | {
        "start": start.isoformat(), "end": (start + timedelta(seconds=400)).isoformat(), "outcome": outcome,
        "ente": dice.choice(["D403", "M059", ""]), "line_kind": dice.choice(["freephone", "geographic"]),
    }  # fmt: skip
    if outcome in {"answered", "abandoned"}:
        leave = entry + timedelta(milliseconds=dice.randint(0, 90_000))
        row |= {"queue_entry": entry.isoformat(), "queue_exit": leave.isoformat(), "queue": "Operatore"}
    if outcome == "answered" and leave:
        row |= {"answer": leave.isoformat(), "agent": "anna"}
    return row


def write(path: Path, rows: list[dict[str, str]], *, delimiter: str = ",") -> Path:
    """A file of these records."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, COLUMNS, delimiter=delimiter)
        out.writeheader()
        out.writerows(rows)
    return path


def bring_in(stage: Stage, file: Path) -> Summary:
    """Import it into the cast's contract."""
    refused = file.with_suffix(".refused.csv")
    return import_calls(stage.database, file, contract_id=stage.cast.contract, refused=refused)


def proved(database: Database, cast: Cast) -> int:
    """How many calls there are; their counters, and their extremes once they are settled, are what their facts say."""
    settle_all(database)
    with database.snapshot(Scope.of_contract(cast.contract)) as session:
        verdict = verify(session, cast.contract, NINE, hour_of(clock.now(session)) + timedelta(hours=1))
        assert not session.execute(text("SELECT count(*) FROM service_hour WHERE unsettled")).scalar_one()
    assert verdict.differences == ()
    return verdict.calls


def test_calls_are_taken_in_once_and_their_counters_are_proved(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", 7)
    dice = Random(4)
    rows = [record(n, dice) for n in range(60)]
    file = write(tmp_path / "calls.csv", rows)
    assert bring_in(stage, file) == Summary(taken=60)
    counts = stage.counts()
    counted = sum(counts.values(), Counts())
    outcomes = [row["outcome"] for row in rows]
    assert counted.answered == counted.handled == outcomes.count("answered")
    assert counted.abandoned == outcomes.count("abandoned")
    assert counted.lost == counted.abandoned + outcomes.count("turned_away")
    assert counted.received == proved(stage.database, stage.cast) == 60 - outcomes.count("closed")
    assert bring_in(stage, file) == Summary(known=60)
    assert stage.counts() == counts
    assert stage.work(lambda s: s.execute(text("SELECT count(*) FROM service_delta")).scalar_one()) == 0
    assert stage.work(
        lambda s: s.execute(select(func.count()).where(ServiceFact.imported.is_(False))).scalar_one()
    ) == 0  # fmt: skip
    stage.engine.fold_counters()
    assert stage.work(lambda s: s.execute(select(func.count(ContractEvent.id))).scalar_one()) == 0  # nobody's news


def test_whatever_the_order_and_wherever_it_was_killed_the_same_comes_out(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", 5)
    dice = Random(9)
    rows = [record(n, dice) for n in range(40)]
    seen = []
    for order in range(3):
        dice.shuffle(rows)
        half = write(tmp_path / f"half{order}.csv", rows[:23], delimiter=";")
        whole = write(tmp_path / f"whole{order}.csv", rows)
        assert bring_in(stage, half) == Summary(taken=23)
        assert bring_in(stage, whole) == Summary(taken=17, known=23)
        seen.append(stage.counts())
        stage.work(_forget)
    assert seen[0] == seen[1] == seen[2]


def _forget(session: Session) -> None:
    for table in ("imported_call", "service_count", "service_hour"):
        session.execute(text(f"DELETE FROM {table}"))


def test_refused_rows_are_explained_line_by_line(stage: Stage, tmp_path: Path) -> None:
    dice = Random(1)
    good = [record(n, dice) for n in range(3)]
    bad = good[0] | {"outcome": "persa"}
    file = write(tmp_path / "calls.csv", [good[0], bad, good[1], good[2]])
    with file.open("a", encoding="utf-8") as out:
        out.write("\nuna,riga,corta\n")
    assert bring_in(stage, file) == Summary(taken=3, refused=2)
    with file.with_suffix(".refused.csv").open(encoding="utf-8", newline="") as refused:
        header, one, other = list(csv.reader(refused))
    assert header == ["line", "reason", *COLUMNS]
    assert (one[0], one[1][:17], one[2:]) == ("3", "outcome: «persa» ", [bad[name] for name in COLUMNS])
    assert other == ["7", "le colonne sono 3, nell'intestazione 10", "una", "riga", "corta"]
    write(file, good)
    assert bring_in(stage, file) == Summary(known=3)
    assert not file.with_suffix(".refused.csv").exists()


def test_a_quote_that_is_never_closed_costs_its_own_row_alone(stage: Stage, tmp_path: Path) -> None:
    dice = Random(3)
    rows = [record(n, dice) for n in range(300)]
    file = write(tmp_path / "calls.csv", rows)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[11] = '"' + lines[11]
    lines[20] = "x" * 200_000 + "\n"
    file.write_text("".join(lines), encoding="utf-8")
    assert bring_in(stage, file) == Summary(taken=298, refused=2)
    with file.with_suffix(".refused.csv").open(encoding="utf-8", newline="") as refused:
        _, one, other = list(csv.reader(refused))
    assert one == ["12", "le virgolette non si chiudono, o sono in mezzo al testo", lines[11].strip()]
    assert other[:2] == ["21", "la riga è troppo lunga"]


def test_refused_rows_corrected_where_they_stand_are_taken_in(stage: Stage, tmp_path: Path) -> None:
    """As a spreadsheet writes them again: in UTF-16, with semicolons, a line that names them, empty columns."""
    dice = Random(1)
    good = [record(n, dice) for n in range(3)]
    file = write(tmp_path / "calls.csv", [row | {"outcome": "persa"} for row in good])
    assert bring_in(stage, file) == Summary(refused=3)
    with file.with_suffix(".refused.csv").open(encoding="utf-8", newline="") as refused:
        table = list(csv.DictReader(refused))
    outcome = [row["outcome"] for row in good]
    lines = ["sep=;", ";".join([*table[0], "", ""])]
    lines += [";".join([*(row | {"outcome": told}).values(), "", ""]) for row, told in zip(table, outcome, strict=True)]
    again = tmp_path / "again.csv"
    again.write_text("\r\n".join(lines), encoding="utf-16")
    assert bring_in(stage, again) == Summary(taken=3)
    assert bring_in(stage, write(file, good)) == Summary(known=3)


def test_a_file_without_its_columns_is_refused_as_a_whole(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text("inizio;fine\n2026;2027\n", encoding="utf-8")
    with pytest.raises(InvalidError, match="Mancano le colonne start"):
        bring_in(stage, file)
    file.write_text(f"{','.join(COLUMNS)},colore\n", encoding="utf-8")
    with pytest.raises(InvalidError, match="colore"):
        bring_in(stage, file)
    file.write_text(f"{','.join(COLUMNS)},start\n", encoding="utf-8")
    with pytest.raises(InvalidError, match="due volte: start"):
        bring_in(stage, file)
