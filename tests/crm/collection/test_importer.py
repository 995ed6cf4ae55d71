"""Importing feeds into PostgreSQL: what is stored, what is refused, and how an interrupted import goes on."""

import gzip
import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from crm.collection import importer, lines
from crm.collection.errors import CollectionError, ImportBusyError
from crm.collection.importer import Progress, import_feed
from crm.collection.models import ImportRefusal, ImportRun, ImportState
from crm.collection.service import Counts
from crm.contacts import queries as contacts
from crm.contacts import relations
from crm.contacts.models import (
    AddressKind,
    Contact,
    ContactAddress,
    ContactReach,
    ReachKind,
    Relation,
    Source,
    Verification,
)
from crm.core.db import Database, LiveTopic, Scope
from crm.positions.models import Position
from tests.crm.conftest import Killed, WriteFeed, die

NAV, OTHER_NAV = "301000000000012373", "301000000000045634"

pytestmark = pytest.mark.integration
Record = dict[str, Any]
Records = dict[str, Record]


def rows(db: Database, table: type[Any], ente_id: int) -> list[dict[str, Any]]:
    """Everything a table holds of an ente, without its surrogate keys."""
    hidden = {"id", "contact_id", "run_id"}
    with db.begin(Scope.of_enti([ente_id])) as session:
        found = session.scalars(select(table).order_by(table.id)).all()
        names = [column.name for column in table.__table__.columns if column.name not in hidden]
        return [{name: getattr(row, name) for name in names} for row in found]


def refusals(db: Database, ente_id: int) -> list[tuple[int, str, bool]]:
    return [(row["line"], row["reason"], row["taken"]) for row in rows(db, ImportRefusal, ente_id)]


def state_of(db: Database, ente_id: int) -> list[list[dict[str, Any]]]:
    """Contacts, what is listed beside them, and positions, each in an order of their own."""
    keys = (
        (Contact, "codice_fiscale"), (ContactReach, "value"), (ContactAddress, "place_key"), (Relation, "who_key"),
        (Position, "reference"),
    )  # fmt: skip
    return [sorted(rows(db, table, ente_id), key=lambda row, key=key: str(row[key])) for table, key in keys]  # type: ignore[misc]


def taxpayers(records: Records, count: int) -> list[Record]:
    """So many different taxpayers, each with one debt."""
    from stdnum.it.codicefiscale import calc_check_digit  # noqa: PLC0415 (only these tests make codes up)

    made: list[Record] = []
    for number in range(count):
        stem = f"RSSMRA{40 + number % 59}{'ABCDEHLM'[number // 59 % 8]}{1 + number // 472:02d}D403"
        code = stem + calc_check_digit(stem)
        phones = [f"+3931400{number:05d}"]
        made.append(records["rossi"] | {"codice_fiscale": code, "phones": phones})
        made.append(records["tari"] | {"codice_fiscale": code, "reference": f"T-{number}"})
    return made


def test_a_taxpayer_and_his_debt_are_stored(db: Database, write_feed: WriteFeed, records: Records) -> None:
    end = {"record": "end", "taxpayers": 1, "positions": 1}
    feed = write_feed(records["rossi"], records["tari"], end)
    done = import_feed(db, feed, ente_code_expected="D403")
    assert (done.state, done.failure, done.counts) == (ImportState.DONE, None, Counts(created=2))
    (contact,) = rows(db, Contact, done.ente_id)
    assert (contact["surname"], contact["name_key"]) == ("Rossi", "ROSSI MARIO")
    assert contact["as_of"] == datetime(2026, 1, 10, 5, tzinfo=UTC)
    reaches = [(row["kind"], row["value"]) for row in rows(db, ContactReach, done.ente_id)]
    assert reaches == [
        (ReachKind.PHONE, "+390571700123"), (ReachKind.PHONE, "+393331234567"), (ReachKind.EMAIL, "mario@example.it"),
    ]  # fmt: skip
    (debt,) = rows(db, Position, done.ente_id)
    assert (debt["tax_cents"], debt["sanctions_cents"], debt["interest_cents"]) == (60000, 18000, 2250)
    again = import_feed(db, feed)
    assert (again.state, again.counts) == (ImportState.DONE, Counts(unchanged=2))
    assert again.run_id != done.run_id


WIDOW = {"kind": "heir", "name": "Anna Neri", "from": "2026-01-02"}
SON = {"kind": "heir", "codice_fiscale": "BNCMRA62A01D403X"}
SEAT = {"kind": "domicile", "street": "Via Verdi, 2", "town": "Vinci", "province": "fi"}


def test_what_a_notice_asks_for_stays_as_it_was_issued(db: Database, write_feed: WriteFeed, records: Records) -> None:
    """Issue: without a second factor the IVR repeats only what the paper says."""
    issued = records["tari"] | {"state": "to_pay", "notice_number": NAV}

    def printed(day: int, **changes: Any) -> Any:
        debt = issued | {"as_of": f"2026-01-{day:02d}T00:00:00Z"} | changes
        done = import_feed(db, write_feed(records["rossi"], debt, name=f"feed-{day}"))
        (row,) = rows(db, Position, done.ente_id)
        return row["printed"]

    first = {"cents": 81_200, "due_on": issued["due_on"]}
    assert printed(11) == first
    part = issued["amounts"] | {"paid": "500.00", "interest": "30.00", "residual": "319.50"}
    assert printed(12, state="partly_paid", amounts=part) == first, "whatever is learnt since"
    told = {"amount": "790.00", "due_on": "2026-02-01"}
    assert printed(13, printed=told) == {"cents": 79_000, "due_on": "2026-02-01", "told": True}
    assert printed(14)["cents"] == 79_000, "a sender who tells it no more does not take it back"
    assert printed(15, notice_number=OTHER_NAV, state="overdue") is None, "another notice, seen too late"


def test_everything_a_taxpayer_record_can_say(db: Database, write_feed: WriteFeed, records: Records) -> None:
    more = {
        "addresses": [SEAT, SEAT | {"street": "VIA VERDI 2"}], "digital_domicile": "Mario@pec.example.it",
        "residential": True, "deceased_on": "2026-01-01", "insolvent_since": "2025-05-05", "relations": [WIDOW, SON],
    }  # fmt: skip
    done = import_feed(db, write_feed(records["rossi"] | more))
    assert done.counts == Counts(created=1)
    with db.begin(Scope.of_enti([done.ente_id])) as session:
        one = contacts.get(session, session.scalars(select(Contact.id)).one())
        related = relations.of_contacts(session, [one.id])
    lines = {(each.kind, each.line) for each in one.addresses}
    assert lines == {
        (AddressKind.RESIDENCE, "Via Roma 1, 50053 Empoli"), (AddressKind.DOMICILE, "VIA VERDI 2, Vinci (FI)"),
    }  # fmt: skip
    assert one.address is not None
    assert one.address.kind is AddressKind.RESIDENCE
    assert (one.residential, [each.kind.value for each in one.conditions]) == (True, ["deceased", "insolvent"])
    assert one.reaches[-1].value == "mario@pec.example.it"
    assert [(each.name, each.codice_fiscale, each.stated) for each in related] == [
        ("Anna Neri", None, True), ("BNCMRA62A01D403X", "BNCMRA62A01D403X", True),
    ]  # fmt: skip


def test_what_people_found_out_outlives_the_statement(db: Database, write_feed: WriteFeed, records: Records) -> None:
    """A number found wrong is remembered as wrong, also when the sender drops it and tells it again."""
    told = records["rossi"] | {"relations": [WIDOW, SON]}
    done = import_feed(db, write_feed(told))
    scope = Scope.of_enti([done.ente_id])
    with db.begin(scope) as session:
        session.execute(
            update(ContactReach).where(ContactReach.value == "+390571700123").values(verification=Verification.WRONG)
        )
        session.execute(update(Relation).where(Relation.name != "").values(source=Source.TAXPAYER, phone="+3905"))
    empty = told | {"phones": [], "address": None, "postcode": None, "town": None, "relations": []}
    import_feed(db, write_feed(empty | {"as_of": "2026-01-11T00:00:00Z"}, name="without"))
    kept = {(row["value"], row["verification"], row["stated"]) for row in rows(db, ContactReach, done.ente_id)}
    assert kept == {
        ("+390571700123", Verification.WRONG, False), ("mario@example.it", Verification.UNVERIFIED, True),
    }  # fmt: skip
    assert rows(db, ContactAddress, done.ente_id) == []
    assert [(row["name"], row["stated"]) for row in rows(db, Relation, done.ente_id)] == [("Anna Neri", False)]
    again = told | {"relations": [WIDOW | {"from": "2020-01-01"}], "as_of": "2026-01-12T00:00:00Z"}
    import_feed(db, write_feed(again, name="again"))
    (widow,) = rows(db, Relation, done.ente_id)
    assert (widow["stated"], widow["phone"], widow["valid_from"]) == (True, "+3905", date(2026, 1, 2))
    with db.begin(scope) as session:
        wrong = select(ContactReach.value).where(ContactReach.verification == Verification.WRONG, ContactReach.stated)
        assert list(session.scalars(wrong)) == ["+390571700123"]


def test_an_older_record_changes_nothing(db: Database, write_feed: WriteFeed, records: Records) -> None:
    import_feed(db, write_feed(records["rossi"]))
    late = records["rossi"] | {"surname": "Verdi", "phones": [], "as_of": "2025-12-31T00:00:00Z"}
    done = import_feed(db, write_feed(late, name="late"))
    assert done.counts == Counts(unchanged=1)
    assert rows(db, Contact, done.ente_id)[0]["surname"] == "Rossi"
    assert len(rows(db, ContactReach, done.ente_id)) == 3


def test_phones_that_the_sender_drops_are_dropped_and_ours_stay(
    db: Database, write_feed: WriteFeed, records: Records
) -> None:
    done = import_feed(db, write_feed(records["rossi"]))
    with db.begin(Scope.of_enti([done.ente_id])) as session:
        contact_id = session.scalars(select(Contact.id)).one()
        session.add(
            ContactReach(
                ente_id=done.ente_id,
                contact_id=contact_id,
                kind=ReachKind.PHONE,
                value="+393141111111",
                source=Source.TAXPAYER,
            )
        )
    changed = records["rossi"] | {"phones": ["+393331234567"], "emails": [], "as_of": "2026-01-11T00:00:00Z"}
    assert import_feed(db, write_feed(changed, name="next")).counts == Counts(changed=1)
    reaches = {(row["value"], row["source"]) for row in rows(db, ContactReach, done.ente_id)}
    assert reaches == {("+393331234567", "gestionale"), ("+393141111111", "taxpayer")}


def test_refused_lines_are_listed_and_fatal_to_nobody(db: Database, write_feed: WriteFeed, records: Records) -> None:
    stranger = records["tari"] | {"codice_fiscale": "VRDLGU50A01D403B", "reference": "T-9"}
    feed = write_feed(
        records["tari"], records["rossi"], b"\n", b"not json\n", b"x" * (lines.MAX_LINE_BYTES + 5) + b"\n", stranger,
        records["rossi"] | {"phones": ["boh"], "as_of": "2026-01-10T05:30:00Z"}, records["tari"],
    )  # fmt: skip
    done = import_feed(db, feed)
    assert (done.state, done.lines) == (ImportState.DONE, 9)
    assert done.counts == Counts(created=2, changed=1, unchanged=1, refused=3, warned=1)
    told = refusals(db, done.ente_id)
    assert [(line, taken) for line, _, taken in told] == [(5, False), (6, False), (7, False), (8, True)]
    assert told[2][1].startswith("codice_fiscale: Codice fiscale «VRDLGU50A01D403B»")


POISON = (
    b'{"record":"a\\u0000b"}\n', b'{"record":"position","reference":"\\u0000","x\\u0000":1}\n',
    b'{"record":"position","reference":"\\ud800"}\n',
    b'{"record":"taxpayer","codice_fiscale":"RSSMRA80A01D403T","as_of":"0001-01-01T00:00:00+01:00"}\n',
)  # fmt: skip


def test_nothing_that_a_line_holds_stops_the_others(db: Database, write_feed: WriteFeed, records: Records) -> None:
    """Characters that PostgreSQL does not take, and instants that it would take and not give back."""
    done = import_feed(db, write_feed(*POISON, records["rossi"]))
    assert (done.state, done.counts) == (ImportState.DONE, Counts(created=1, refused=4))
    assert len(refusals(db, done.ente_id)) == 4
    header = {"as_of": "0001-01-01T00:00:00+01:00", "a\x00": 1}
    refused = import_feed(db, write_feed(header=header, name="poisoned"), ente_code_expected="D403")
    assert refused.state is ImportState.FAILED
    assert "fuori dai limiti" in (refused.failure or "")


WHOLE_FILE = [
    ({"version": 2}, "La prima riga non è l'intestazione di un feed. version: valore «2» non previsto; è ammesso 1."),
    ({"ente": "empoli"}, "La prima riga non è l'intestazione di un feed. ente: contiene caratteri di controllo o non "
     "ammessi; ripulire il testo."),
    ({"as_of": "2099-01-01T00:00:00Z"},
     "«as_of» è nel futuro (2099-01-01T00:00:00+00:00): correggere l'orologio o il fuso di chi produce il file."),
    ({"ente": "B962"}, "Il feed è dell'ente B962, ma qui si attende D403: nessuna riga è stata letta."),
]  # fmt: skip


BROKEN_GZIP = gzip.compress(b"{}\n", mtime=0)[:-3]


@pytest.mark.parametrize(("header", "reason"), WHOLE_FILE)
def test_a_file_refused_whole(
    db: Database, write_feed: WriteFeed, records: Records, header: Record, reason: str
) -> None:
    done = import_feed(db, write_feed(records["rossi"], header=header), ente_code_expected="D403")
    assert (done.state, done.failure) == (ImportState.FAILED, reason)
    assert rows(db, ImportRun, done.ente_id)[0]["failure"] == reason
    assert rows(db, Contact, done.ente_id) == []


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "Il file è vuoto: rigenerarlo."),
        (b"{}\n\xe0\n", "Il file non è UTF-8 (riga 2): riesportarlo con questa codifica."),
        (BROKEN_GZIP, "L'archivio gzip è danneggiato o incompleto: trasmettere di nuovo il file."),
        (b"12\n", "La prima riga non è l'intestazione di un feed. La riga: serve un oggetto JSON, fra graffe."),
    ],
)  # fmt: skip
def test_no_feed_at_all(db: Database, tmp_path: Path, raw: bytes, reason: str) -> None:
    path = tmp_path / "feed"
    path.write_bytes(raw)
    assert import_feed(db, path, ente_code_expected="D403").failure == reason
    with pytest.raises(CollectionError) as refused:
        import_feed(db, path)
    assert str(refused.value) == f"feed: {reason}"


def test_a_feed_of_nobody(db: Database, write_feed: WriteFeed) -> None:
    with pytest.raises(CollectionError, match="Nessun ente ha il codice catastale Z999"):
        import_feed(db, write_feed(header={"ente": "Z999"}))
    with pytest.raises(CollectionError, match="Nessun ente ha il codice catastale Z999"):
        import_feed(db, write_feed(), ente_code_expected="Z999")


def test_an_ente_without_taxpayers(db: Database, write_feed: WriteFeed) -> None:
    done = import_feed(db, write_feed())
    assert (done.state, done.counts) == (ImportState.DONE, Counts())


def test_a_file_cut_short_is_noticed(db: Database, write_feed: WriteFeed, records: Records) -> None:
    done = import_feed(db, write_feed(records["rossi"], json.dumps(records["tari"]).encode()[:90]))
    assert (done.state, done.counts) == (ImportState.TRUNCATED, Counts(created=1, refused=1))
    assert done.failure == "Il file si interrompe a metà della riga 3: trasmetterlo di nuovo per intero."
    end = {"record": "end", "taxpayers": 2, "positions": 1}
    done = import_feed(db, write_feed(records["rossi"], records["tari"], end, name="counted"))
    assert done.state is ImportState.TRUNCATED
    assert done.failure is not None
    assert done.failure.startswith("Il file dichiara 3 record ma ne contiene 2: qualcosa manca")
    done = import_feed(db, write_feed(records["rossi"], records["tari"], {**end, "taxpayers": 0}, name="too many"))
    assert done.state is ImportState.TRUNCATED
    assert done.failure == (
        "Il file dichiara 1 record ma ne contiene 2, di più: correggere la riga «end», e trasmetterlo di nuovo."
    )


def test_sums_that_cannot_be_read_are_no_missing_record(db: Database, write_feed: WriteFeed, records: Records) -> None:
    sums = {"record": "totals", "tax": "ici", "positions": 0, "residual": 0, "paid": 0}
    end = {"record": "end", "taxpayers": 1, "positions": 1}
    done = import_feed(db, write_feed(sums, records["rossi"], end, records["tari"], b"{}\n", {**end, "positions": 2}))
    assert (done.state, done.failure) == (ImportState.DONE, None)
    assert done.counts == Counts(created=2, refused=3, besides=2)
    assert (done.counts.records, done.counts.refused_records) == (3, 1)


def test_a_compressed_feed(db: Database, write_feed: WriteFeed, records: Records, tmp_path: Path) -> None:
    packed = tmp_path / "feed.jsonl.gz"
    packed.write_bytes(gzip.compress(write_feed(*taxpayers(records, 5)).read_bytes()))
    assert import_feed(db, packed).counts == Counts(created=10)


def test_enti_do_not_touch_each_other(db: Database, write_feed: WriteFeed, records: Records) -> None:
    empoli = import_feed(db, write_feed(records["rossi"], records["tari"]))
    verdi = records["rossi"] | {"surname": "Verdi", "as_of": "2026-01-11T00:00:00Z"}
    scandicci = import_feed(db, write_feed(verdi, header={"ente": "B962"}, name="other"))
    assert scandicci.counts == Counts(created=1)
    assert rows(db, Contact, empoli.ente_id)[0]["surname"] == "Rossi"
    assert rows(db, Position, scandicci.ente_id) == []


@pytest.mark.parametrize("seed", range(5))
def test_any_order_ends_in_the_same_state(
    db: Database, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(importer, "BATCH_LINES", 3)
    dice = random.Random(seed)
    people, debts = [], []
    for number, record in enumerate(taxpayers(records, 6)):
        for day in range(3):
            as_of = (datetime(2026, 1, 1, number % 24, tzinfo=UTC) + timedelta(days=day)).isoformat()
            if record["record"] == "taxpayer":
                phones = [f"+39314000{day}{number:04d}"]
                heir = {"kind": "heir", "name": f"{dice.choice('ABC')} {number}", "to": f"2026-02-{day + 1:02d}"}
                moved = {"town": f"{dice.choice('ABC')}{number}", "phones": phones, "relations": [heir]}
                people.append(record | {"as_of": as_of} | moved)
            else:
                debts.append(record | {"as_of": as_of, "act_number": dice.choice("ABC")})
    import_feed(db, write_feed(*people, *debts))
    shuffled = [*dice.sample(people, len(people)), *dice.sample(debts + debts[:4], len(debts) + 4)]
    import_feed(db, write_feed(*shuffled, header={"ente": "B962"}, name="shuffled"))
    first, second = (
        [[{**row, "ente_id": 0} for row in table] for table in state_of(db, ente_id)] for ente_id in _enti(db)
    )
    assert first == second


def _enti(db: Database) -> list[int]:
    from crm.enti.models import Ente  # noqa: PLC0415

    with db.begin(Scope.nothing()) as session:
        ids = dict(session.execute(select(Ente.cadastral_code, Ente.id)).all())
    return [ids["D403"], ids["B962"]]


class Cut(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("batches", [1, 2, 4])
def test_an_import_cut_between_batches_goes_on(
    db: Database, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(importer, "BATCH_LINES", 7)
    feed = write_feed(*taxpayers(records, 20), {"record": "end", "taxpayers": 20, "positions": 20})
    seen: list[int] = []

    def cut(progress: Progress) -> None:
        seen.append(progress.line)
        if len(seen) == batches:
            raise Cut

    with pytest.raises(Cut):
        import_feed(db, feed, on_progress=cut)
    done = import_feed(db, feed, on_progress=lambda progress: seen.append(progress.line))
    assert done.resumed_from == 1 + batches * 7
    assert (done.state, done.counts) == (ImportState.DONE, Counts(created=40))
    assert seen == [8, 15, 22, 29, 36, 42]
    assert len(rows(db, ImportRun, done.ente_id)) == 1


def test_an_import_cut_inside_a_batch_goes_on(
    db: Database, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH_LINES", 7)
    feed = write_feed(*taxpayers(records, 20))
    real, calls = importer.store, []

    def failing(*args: Any, **kwargs: Any) -> Counts:
        counts = real(*args, **kwargs)
        calls.append(counts)
        if len(calls) == 3:
            raise Cut
        return counts

    monkeypatch.setattr(importer, "store", failing)
    with pytest.raises(Cut):
        import_feed(db, feed)
    done = import_feed(db, feed)
    assert (done.resumed_from, done.counts) == (15, Counts(created=40))
    assert len(rows(db, Position, done.ente_id)) == 20


def test_an_import_killed_goes_on(db: Database, killed: Killed, write_feed: WriteFeed, records: Records) -> None:
    feed = write_feed(*taxpayers(records, 900))

    def work(database: Database) -> None:
        importer.BATCH_LINES = 300
        import_feed(database, feed, on_progress=lambda progress: die() if progress.line > 700 else None)

    killed(work)
    done = import_feed(db, feed)
    assert (done.resumed_from, done.counts) == (901, Counts(created=1800))
    assert len(rows(db, Contact, done.ente_id)) == 900
    assert import_feed(db, feed).counts == Counts(unchanged=1800)


def test_two_processes_do_not_import_the_same_file(db: Database, write_feed: WriteFeed, records: Records) -> None:
    feed = write_feed(*taxpayers(records, 3))

    def overtake(_: Progress) -> None:
        with db.begin(Scope.of_enti(_enti(db)[:1])) as session:
            session.execute(update(ImportRun).values(line=ImportRun.line + 1))

    importer_lines, importer.BATCH_LINES = importer.BATCH_LINES, 2
    try:
        with pytest.raises(ImportBusyError):
            import_feed(db, feed, on_progress=overtake)
    finally:
        importer.BATCH_LINES = importer_lines


def test_a_row_the_database_refuses_is_one_refused_line(
    db: Database, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_long(surname: str, _given: str) -> str:
        return surname[0] * (300 if surname == "B" else 3)

    monkeypatch.setattr("crm.collection.statements.name_key", too_long)
    people = [record for record in taxpayers(records, 9) if record["record"] == "taxpayer"]
    people[4]["surname"] = "B"
    done = import_feed(db, write_feed(*people))
    assert (done.state, done.counts) == (ImportState.DONE, Counts(created=8, refused=1))
    assert refusals(db, done.ente_id) == [
        (6, "La base dati non accetta questo record (StringDataRightTruncation): segnalarlo a chi gestisce "
            "Filodiretto.", False)
    ]  # fmt: skip


def test_whoever_watches_is_told(db: Database, write_feed: WriteFeed, records: Records) -> None:
    told: list[str] = []
    db.on(LiveTopic, lambda topics: told.extend(topic.name for topic in topics))
    done = import_feed(db, write_feed(records["rossi"], records["tari"]))
    with db.begin(Scope.of_enti([done.ente_id])) as session:
        contact_id = session.scalars(select(Contact.id)).one()
    assert set(told) == {f"import:{done.ente_id}", f"contact:{contact_id}"}
    told.clear()
    import_feed(db, write_feed(records["rossi"], records["tari"]))
    assert set(told) == {f"import:{done.ente_id}"}
