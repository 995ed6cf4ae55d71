"""What the sender no longer has: said by a record, or by the silence of a full feed; in any order, and after kills."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.collection import ending, importer, service, tasks
from crm.collection.errors import KEPT, NO_END, SUPERSEDED
from crm.collection.importer import ImportSummary, import_feed
from crm.collection.models import (
    FeedState,
    ImportNamed,
    ImportRefusal,
    ImportRun,
    ImportState,
    WaitingRecord,
    WithdrawnKey,
)
from crm.collection.service import FINISH, Counts
from crm.contacts.models import Contact
from crm.core import jobs
from crm.core.db import Database, Scope
from crm.core.errors import ForbiddenError, NotFoundError
from crm.core.jobs import LEASE, MAX_ATTEMPTS, Job
from crm.documents import queries as documents
from crm.documents.models import Document
from crm.positions.models import Position
from tests.crm.collection.test_importer import Cut, taxpayers
from tests.crm.conftest import WriteFeed

pytestmark = pytest.mark.integration
Record = dict[str, Any]
Records = dict[str, Record]
ROSSI = "RSSMRA80A01D403T"
STATED: tuple[tuple[Any, Any], ...] = (
    (Contact, Contact.codice_fiscale), (Position, Position.reference), (Document, Document.reference)
)  # fmt: skip
START = datetime(2026, 1, 10, 5, tzinfo=UTC)  # the header's instant in `write_feed`


def day(number: int) -> str:
    return (START + timedelta(days=number)).isoformat()


def end(*records: Record) -> Record:
    kinds = [record["record"] for record in records]
    return {
        "record": "end", "taxpayers": kinds.count("taxpayer"), "positions": kinds.count("position"),
        "withdrawals": kinds.count("withdrawal"), "documents": kinds.count("document"),
    }  # fmt: skip


def paper(reference: str, **changes: Any) -> Record:
    """A document of Rossi."""
    return {
        "record": "document", "reference": reference, "codice_fiscale": ROSSI, "kind": "act", "title": "Accertamento",
        "media_type": "application/pdf", "size": 4, "sha256": "0" * 64,
    } | changes  # fmt: skip


@dataclass
class Gestionale:
    """Sends feeds of Empoli, and knows what is there of them."""

    db: Database
    write: WriteFeed
    sent: int = field(default=0)

    def sends(self, *records: Record, on: int = 0, mode: str = "full", ended: bool = True) -> ImportSummary:
        self.sent += 1
        last = [end(*records)] if ended else []
        path = self.write(*records, *last, header={"mode": mode, "as_of": day(on)}, name=f"feed-{self.sent}")
        return import_feed(self.db, path)

    def there(self) -> set[str]:
        return self._keys(there=True)

    def gone(self) -> set[str]:
        return self._keys(there=False)

    def _keys(self, *, there: bool) -> set[str]:
        keys: set[str] = set()
        with self.db.begin(Scope.of_enti(range(1, 9))) as session:
            for table, key in STATED:
                wanted = table.withdrawn_as_of.is_(None) if there else table.withdrawn_as_of.is_not(None)
                keys |= set(session.scalars(select(key).where(wanted)))
        return keys

    def left_over(self) -> int:
        """Rows that only a reading needs."""
        with self.db.begin(Scope.of_enti(range(1, 9))) as session:
            return sum(len(session.scalars(select(table)).all()) for table in (ImportNamed, WithdrawnKey))


@pytest.fixture
def gestionale(db: Database, write_feed: WriteFeed) -> Gestionale:
    return Gestionale(db, write_feed)


def test_a_position_is_withdrawn_and_told_again(gestionale: Gestionale, records: Records) -> None:
    gestionale.sends(records["rossi"], records["tari"])
    gone = {"record": "withdrawal", "of": "position", "reference": "T-1"}
    done = gestionale.sends(gone, on=1, mode="incremental")
    assert done.counts == Counts(changed=1, withdrawn=1)
    assert (gestionale.there(), gestionale.gone()) == ({ROSSI}, {"T-1"})
    late = gestionale.sends(records["tari"] | {"as_of": day(0), "act_number": "9"}, on=2, mode="incremental")
    assert late.counts.changed == 1
    assert gestionale.gone() == {"T-1"}  # it says how it was when it was still there
    assert gestionale.sends(records["tari"], on=3, mode="incremental").counts == Counts(changed=1)
    assert gestionale.gone() == set()
    assert gestionale.sends(gone | {"as_of": day(2)}, on=4, mode="incremental").counts == Counts(unchanged=1)
    assert gestionale.there() == {ROSSI, "T-1"}


def test_a_withdrawal_that_comes_before_what_it_withdraws(gestionale: Gestionale, records: Records) -> None:
    gestionale.sends(
        {"record": "withdrawal", "of": "position", "reference": "T-1", "as_of": day(5)},
        {"record": "withdrawal", "of": "taxpayer", "codice_fiscale": ROSSI.lower(), "as_of": day(5)},
        on=5, mode="incremental",
    )  # fmt: skip
    assert gestionale.left_over() == 2
    gestionale.sends(records["rossi"], records["tari"], on=4, mode="incremental")
    assert gestionale.gone() == {ROSSI, "T-1"}
    assert gestionale.left_over() == 0
    gestionale.sends(records["rossi"], records["tari"], on=6, mode="incremental")
    assert gestionale.there() == {ROSSI, "T-1"}


def test_what_a_full_feed_does_not_name_is_withdrawn(gestionale: Gestionale, records: Records) -> None:
    everybody = taxpayers(records, 3)
    gestionale.sends(*everybody)
    done = gestionale.sends(*everybody[:4], on=1)
    assert (done.state, done.counts) == (ImportState.DONE, Counts(unchanged=4, withdrawn=2))
    assert gestionale.gone() == {everybody[4]["codice_fiscale"], "T-2"}
    gestionale.sends(*everybody, on=2)
    assert gestionale.gone() == set()


def test_what_it_names_with_an_older_instant_stays(gestionale: Gestionale, records: Records) -> None:
    gestionale.sends(records["rossi"], records["tari"])
    gestionale.sends(records["rossi"] | {"as_of": day(-1)}, records["tari"] | {"as_of": day(-9)}, on=1)
    assert gestionale.there() == {ROSSI, "T-1"}
    gestionale.sends({"record": "withdrawal", "of": "position", "reference": "T-1", "as_of": day(2)}, on=2,
                     mode="incremental")  # fmt: skip
    gestionale.sends(records["rossi"] | {"as_of": day(-1)}, records["tari"] | {"as_of": day(-9)}, on=3)
    assert gestionale.there() == {ROSSI, "T-1"}
    assert gestionale.left_over() == 0


def test_a_refused_line_has_named_what_it_is_about(gestionale: Gestionale, records: Records) -> None:
    gestionale.sends(records["rossi"], records["tari"])
    wrong = records["tari"] | {"year": 1}
    done = gestionale.sends(records["rossi"], wrong, on=1)
    assert (done.state, done.counts.refused) == (ImportState.DONE, 1)
    assert gestionale.there() == {ROSSI, "T-1"}


def test_a_line_that_may_have_named_anything_leaves_the_decision_to_a_person(
    gestionale: Gestionale, records: Records
) -> None:
    gestionale.sends(records["rossi"], records["tari"])
    done = gestionale.sends(records["rossi"], {"record": "positon", "reference": "T-1"}, on=1)
    assert done.state is ImportState.TRUNCATED  # it says two records, and one of them is none
    done = gestionale.sends(records["rossi"], {"record": "position", "referense": "T-1"}, on=1)
    assert done.state is ImportState.HELD
    harmless = {"record": "withdrawal", "of": "nothing"}
    assert gestionale.sends(records["rossi"], records["tari"], harmless, on=1).state is ImportState.DONE
    assert gestionale.there() == {ROSSI, "T-1"}


def test_a_full_feed_that_breaks_off_or_does_not_end_withdraws_nothing(
    gestionale: Gestionale, records: Records
) -> None:
    gestionale.sends(records["rossi"], records["tari"])
    done = gestionale.sends(records["rossi"], on=1, ended=False)
    assert (done.state, done.failure) == (ImportState.DONE, NO_END)
    wrong = end(records["rossi"], records["tari"])
    path = gestionale.write(records["rossi"], wrong, header={"as_of": day(2)}, name="short")
    assert import_feed(gestionale.db, path).state is ImportState.TRUNCATED
    assert gestionale.there() == {ROSSI, "T-1"}


def test_an_older_full_feed_withdraws_nothing_and_brings_nothing_back(gestionale: Gestionale, records: Records) -> None:
    everybody = taxpayers(records, 3)
    gestionale.sends(*everybody[:4], on=5)
    done = gestionale.sends(*everybody[2:], on=3)
    assert (done.state, done.failure) == (ImportState.DONE, SUPERSEDED)
    assert gestionale.there() == {everybody[0]["codice_fiscale"], everybody[2]["codice_fiscale"], "T-0", "T-1"}
    assert gestionale.gone() == {everybody[4]["codice_fiscale"], "T-2"}


def test_a_document_is_withdrawn_by_a_record_or_by_silence(gestionale: Gestionale, records: Records) -> None:
    rossi = records["rossi"]
    gone = {"record": "withdrawal", "of": "document", "reference": "D-1"}
    gestionale.sends(gone | {"as_of": day(2)}, on=2, mode="incremental")  # before anything is known of it
    assert gestionale.sends(rossi, paper("D-1"), paper("D-2"), mode="incremental").counts.created == 3
    assert (gestionale.gone(), gestionale.left_over()) == ({"D-1"}, 0)
    gestionale.sends(rossi, paper("D-1"), on=3)
    assert gestionale.gone() == {"D-2"}
    gestionale.sends(rossi, paper("D-1", as_of=day(1)), paper("D-2") | {"size": -1}, on=4)  # refused, yet named
    assert gestionale.gone() == set()
    with gestionale.db.begin(Scope.of_enti([1])) as session:
        listed = {one.reference: one.id for one in documents.of_contacts(session, [1])}
    gestionale.sends(rossi, paper("D-1"), on=5)
    with gestionale.db.begin(Scope.of_enti([1])) as session:
        assert documents.awaited(session) == {1: 1}
        with pytest.raises(NotFoundError):
            documents.get(session, listed["D-2"])


def test_many_documents_wait_for_a_person_too(
    gestionale: Gestionale, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.collection.presence.HELD_ROWS", 1)
    gestionale.sends(records["rossi"], *(paper(f"D-{number}") for number in range(3)))
    assert gestionale.sends(records["rossi"], on=1).state is ImportState.HELD
    assert len(gestionale.there()) == 4


def test_another_ente_s_are_left_alone(gestionale: Gestionale, records: Records) -> None:
    import_feed(gestionale.db, gestionale.write(records["rossi"], records["tari"], header={"ente": "B962"}, name="b"))
    gestionale.sends(records["rossi"], on=1)
    assert gestionale.gone() == set()


# -- before their taxpayer --------------------------------------------------------------------------------------------


def test_positions_and_documents_wait_for_their_taxpayer(gestionale: Gestionale, records: Records) -> None:
    done = gestionale.sends(paper("T-1"), records["tari"], mode="incremental")  # a key of each, which may be the same
    assert (done.state, done.counts) == (ImportState.DONE, Counts(waiting=2))
    with gestionale.db.begin(Scope.of_enti([1])) as session:
        reasons = list(session.scalars(select(ImportRefusal.reason).where(ImportRefusal.taken)))
    assert [reason.startswith("In attesa: il contribuente RSSMRA80A01D403T") for reason in reasons] == [True, True]
    done = gestionale.sends(records["rossi"], on=-3, mode="incremental")
    assert done.counts == Counts(created=1)
    assert gestionale.there() == {ROSSI, "T-1"}
    with gestionale.db.begin(Scope.of_enti([1])) as session:
        assert [session.scalar(select(func.count()).select_from(one)) for one in (Position, Document)] == [1, 1]
        assert session.scalars(select(WaitingRecord)).all() == []


def test_a_document_in_the_file_of_its_taxpayer_may_come_first(gestionale: Gestionale, records: Records) -> None:
    done = gestionale.sends(paper("D-1"), records["tari"], records["rossi"])
    assert (done.state, done.counts) == (ImportState.DONE, Counts(created=3))
    assert gestionale.there() == {ROSSI, "T-1", "D-1"}


def test_a_document_that_waits_is_withdrawn(gestionale: Gestionale, records: Records) -> None:
    gestionale.sends(paper("D-1"), paper("D-2"), mode="incremental")
    gestionale.sends({"record": "withdrawal", "of": "document", "reference": "D-1"}, on=1, mode="incremental")
    gestionale.sends(records["rossi"], on=2, mode="incremental")
    assert (gestionale.there(), gestionale.gone()) == ({ROSSI, "D-2"}, {"D-1"})


def test_a_feed_without_its_taxpayers_is_no_delay(
    gestionale: Gestionale, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.collection.waiting.MOST", 2)
    orphans = [
        records["tari"] | {"reference": "T-1"},
        paper("D-1"),
        records["tari"] | {"reference": "T-2"},
        paper("D-2"),
    ]
    assert gestionale.sends(*orphans, mode="incremental").counts == Counts(waiting=2, refused=2)


# -- a person is asked ------------------------------------------------------------------------------------------------


@pytest.fixture
def carlo(gestionale: Gestionale, monkeypatch: pytest.MonkeyPatch) -> Iterator[Principal]:
    """He may import for Empoli. Few rows are many, here."""
    with gestionale.db.begin(Scope.nothing()) as session:
        user = User(username="carlo", name="Carlo", password_hash="-", active=True, language="it")
        session.add(user)
        session.flush()
    monkeypatch.setattr("crm.collection.presence.HELD_ROWS", 1)
    return Principal(user.id, "Carlo", "it", frozenset({Held(Role.ADMINISTRATOR, 1, None)}))


def held(gestionale: Gestionale, records: Records) -> ImportSummary:
    gestionale.sends(*taxpayers(records, 5))
    return gestionale.sends(*taxpayers(records, 2), on=1)


def run_of(gestionale: Gestionale, done: ImportSummary) -> ImportRun:
    with gestionale.db.begin(Scope.of_enti([done.ente_id])) as session:
        return session.get_one(ImportRun, done.run_id)


def test_many_withdrawals_wait_for_a_person_who_allows_them(
    gestionale: Gestionale, records: Records, carlo: Principal
) -> None:
    done = held(gestionale, records)
    assert done.state is ImportState.HELD
    assert gestionale.gone() == set()
    run = run_of(gestionale, done)
    assert run.held == {
        "positions": 3, "of_positions": 5, "taxpayers": 3, "of_taxpayers": 5, "unreadable": 0,
        "documents": 0, "of_documents": 0, "taxes": {"tari": 3},
    }  # fmt: skip
    scope = Scope.of_enti([done.ente_id])
    for _ in range(2):
        gestionale.db.transact(scope, lambda session: service.decide(session, carlo, run_id=run.id, withdraw=True))
    job = run_of(gestionale, done).job_id
    assert job is not None
    assert jobs.run(gestionale.db, {FINISH: tasks.FINISHER}, job_id=job, ente_id=done.ente_id)
    assert len(gestionale.gone()) == 6
    assert (run_of(gestionale, done).state, run_of(gestionale, done).withdrawn) == (ImportState.DONE, 6)


def test_a_withdrawal_that_was_given_up_is_tried_again(
    gestionale: Gestionale, records: Records, carlo: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = held(gestionale, records)
    scope = Scope.of_enti([done.ente_id])

    def works() -> None:
        job = run_of(gestionale, done).job_id
        assert job is not None
        gestionale.db.transact(scope, lambda session: session.execute(update(Job).values(due_at=Job.due_at - LEASE)))
        assert jobs.run(gestionale.db, {FINISH: tasks.FINISHER}, job_id=job, ente_id=done.ente_id)

    def broken(*_: object, **__: object) -> None:
        raise OSError

    gestionale.db.transact(scope, lambda session: service.decide(session, carlo, run_id=done.run_id, withdraw=True))
    with monkeypatch.context() as patched:
        patched.setattr("crm.collection.ending._begin", broken)
        for _ in range(MAX_ATTEMPTS):
            works()
    assert run_of(gestionale, done).state is ImportState.STOPPED
    gestionale.db.transact(scope, lambda session: service.try_again(session, carlo, run_id=done.run_id))
    works()
    assert (run_of(gestionale, done).state, len(gestionale.gone())) == (ImportState.DONE, 6)


def test_a_person_may_leave_them(gestionale: Gestionale, records: Records, carlo: Principal) -> None:
    done = held(gestionale, records)
    stranger = Principal(carlo.user_id, "", "it", frozenset({Held(Role.ADMINISTRATOR, 2, None)}))
    scope = Scope.of_enti([done.ente_id])
    with pytest.raises(ForbiddenError):
        gestionale.db.transact(
            scope, lambda session: service.decide(session, stranger, run_id=done.run_id, withdraw=True)
        )
    gestionale.db.transact(scope, lambda session: service.decide(session, carlo, run_id=done.run_id, withdraw=False))
    run = run_of(gestionale, done)
    assert (run.state, run.failure, run.decided_by) == (ImportState.DONE, KEPT, carlo.user_id)
    assert gestionale.gone() == set()


# -- in any order, and after kills ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sent:
    """A file as it was sent."""

    as_of: int
    full: bool
    records: tuple[Record, ...]


def history(dice: random.Random, people: list[str]) -> list[Sent]:
    """Files of a fortnight: each with the instant of its own, records of that instant or of one long before."""
    files = []
    for number in range(7):
        as_of, records = 20 * (number + 1), []
        full = number in {2, 5}
        for person, code in enumerate(people):
            if dice.random() < 0.7:
                records.append({"record": "taxpayer", "codice_fiscale": code, "surname": f"S{as_of}"})
            for of, reference, content in (
                ("position", f"P{person}", "act_number"),
                ("document", f"D{person}", "title"),
            ):
                own = as_of - dice.choice((0, 0, 3, 25)) - person  # no two of one key have the same
                if dice.random() < 0.8:
                    records.append({"record": of, "codice_fiscale": code, "reference": reference,
                                    content: f"A{own}", "as_of": own})  # fmt: skip
                elif not full:
                    records.append({"record": "withdrawal", "of": of, "reference": reference, "as_of": own})
        files.append(Sent(as_of, full, tuple(records)))
    return files


def expected(files: list[Sent]) -> dict[str, tuple[str, bool]]:
    """By key: the content that stands, and whether it is there. Straight from the rules of docs/feed.md."""
    told: dict[str, list[tuple[int, str]]] = {}
    there: dict[str, list[int]] = {}
    gone: dict[str, list[int]] = {}
    for file in files:
        named = set()
        for record in file.records:
            key, as_of = record.get("reference") or record["codice_fiscale"], record.get("as_of", file.as_of)
            if record["record"] == "withdrawal":
                gone.setdefault(key, []).append(as_of)
                continue
            named.add(key)
            told.setdefault(key, []).append((as_of, _content(record)))
            there.setdefault(key, []).append(as_of)
        if file.full:
            for key in {key for other in files for key in _keys(other)}:
                (there if key in named else gone).setdefault(key, []).append(file.as_of)
    return {
        key: (max(contents)[1], max(there[key]) >= max(gone.get(key, [-999]))) for key, contents in told.items()
    }  # fmt: skip


def _content(record: Record) -> str:
    return str(record.get("act_number") or record.get("title") or record["surname"])


def _keys(file: Sent) -> set[str]:
    return {record.get("reference") or record["codice_fiscale"] for record in file.records}


def found(db: Database) -> dict[str, tuple[str, bool]]:
    with db.begin(Scope.of_enti([1])) as session:
        people = session.execute(select(Contact.codice_fiscale, Contact.surname, Contact.withdrawn_as_of))
        debts = session.execute(select(Position.reference, Position.act_number, Position.withdrawn_as_of))
        papers = session.execute(select(Document.reference, Document.title, Document.withdrawn_as_of))
        return {key: (content, gone is None) for key, content, gone in [*people, *debts, *papers]}


def instant(number: int) -> str:
    return (START + timedelta(hours=number)).isoformat()


@pytest.mark.parametrize("seed", range(14))
def test_any_order_of_files_with_kills_between_batches_ends_in_the_same_state(
    db: Database, write_feed: WriteFeed, records: Records, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(importer, "BATCH_LINES", 3)
    monkeypatch.setattr(ending, "PIECE", 1)
    dice = random.Random(seed)
    people = [record["codice_fiscale"] for record in taxpayers(records, 4) if record["record"] == "taxpayer"]
    files = history(dice, people)
    told = {key for file in files for key in _keys(file) if any(r["record"] == "taxpayer" for r in file.records)}
    assert told
    _read_all(db, write_feed, records, dice, dice.sample(files, len(files)))
    assert found(db) == {key: value for key, value in expected(files).items() if _has_taxpayer(key, files, people)}


def _read_all(db: Database, write_feed: WriteFeed, records: Records, dice: random.Random, files: list[Sent]) -> None:
    """Read files in this order, their lines in any, killed now and then."""
    bases = {"taxpayer": records["rossi"], "position": records["tari"], "document": paper("")}
    for file in files:
        lines = [{**bases.get(one["record"], {}), **one} for one in file.records]
        lines = [one | {"as_of": instant(one["as_of"] if isinstance(one.get("as_of"), int) else file.as_of)}
                 for one in lines]  # fmt: skip
        mode = "full" if file.full else "incremental"
        dice.shuffle(lines)
        path = write_feed(
            *lines, end(*lines), header={"mode": mode, "as_of": instant(file.as_of)}, name=f"f{file.as_of}"
        )
        _read_with_kills(db, path, dice)


def _has_taxpayer(key: str, files: list[Sent], people: list[str]) -> bool:
    """A position or document whose taxpayer nobody ever told still waits."""
    code = people[int(key[1:])] if key[0] in "PD" else key
    return any(record["record"] == "taxpayer" and record["codice_fiscale"] == code
               for file in files for record in file.records)  # fmt: skip


def _read_with_kills(db: Database, path: Any, dice: random.Random) -> None:
    def cut(*_: object) -> None:
        if dice.random() < 0.2:
            raise Cut

    for _ in range(60):
        try:
            import_feed(db, path, on_progress=cut, alive=cut)
        except Cut:
            continue
        return
    raise AssertionError("it never ended")


def test_the_policy_of_an_ente_is_its_own(gestionale: Gestionale, records: Records) -> None:
    gestionale.sends(records["rossi"])
    with gestionale.db.begin(Scope.of_enti([1])) as session:
        state = session.get_one(FeedState, 1)
        assert (state.held_percent, state.held_rows) == (10, 100)
