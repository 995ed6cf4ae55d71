"""Lists made of segments and of files: frozen, withdrawn, deleted; whatever dies, and whoever asks."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, select, update

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.contacts.models import Contact, ContactMerge, ContactReach, PersonKind, ReachKind
from crm.core import jobs
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.positions.models import Position
from crm.privacy.holders import Person
from outbound.lists import checking, queries, service, tasks
from outbound.lists.models import ContactList, ContactListMember, ContactListRefusal, ListState, Why
from outbound.lists.privacy import HOLDERS
from outbound.segments.conditions import Condition, Field, Operator, Segment
from tests.cast import AS_OF, MARIO_MOBILE, NOTICE, Cast, principal_of

pytestmark = pytest.mark.integration
RUNNERS = {service.BUILD: tasks.BUILDER, service.DELETE: tasks.DELETER, service.CHECK: checking.CHECKER}
OWING = Segment(((Condition(Field.OWED, Operator.AT_LEAST, 20_000),),))
MARIO = "BNCMRA62A01D403X"


class Office:
    """Sara's, who makes lists; a worker is beside her."""

    def __init__(self, database: Database, cast: Cast, folder: Path) -> None:
        self.database, self.cast, self.folder = database, cast, folder
        self.scope = Scope.of_enti([cast.empoli, cast.vinci])
        with database.begin(Scope.nothing()) as session:
            self.sara = principal_of(session, cast.sara)

    def do(self, work: Callable[..., Any], **about: Any) -> Any:
        return self.database.transact(self.scope, lambda session: work(session, self.sara, **about))

    def make(self, segment: Segment = OWING) -> int:
        return int(self.do(service.make, ente_id=self.cast.empoli, name="Chi deve", segment=segment))

    def send(self, content: bytes, name: str = "elenco.csv", ente: int | None = None) -> int:
        path = self.folder / uuid4().hex
        path.write_bytes(content)
        ente_id = ente or self.cast.empoli
        return int(self.do(service.take_in, ente_id=ente_id, name="Dal file", path=path, file_name=name))

    def work(self) -> None:
        """The worker does what is owed."""
        with self.database.begin(self.scope) as session:
            owed = jobs.due(session)
        for job_id, ente_id in owed:
            jobs.run(self.database, RUNNERS, job_id=job_id, ente_id=ente_id)

    def see(self, list_id: int) -> queries.ListView:
        found: queries.ListView = self.do(queries.one, list_id=list_id)
        return found

    def members(self, list_id: int) -> dict[int, Any]:
        with self.database.begin(self.scope) as session:
            rows = select(ContactListMember.contact_id, ContactListMember.given)
            rows = rows.where(ContactListMember.list_id == list_id)
            return {row.contact_id: row.given for row in session.execute(rows)}

    def refused(self, list_id: int) -> list[tuple[int, Why, str]]:
        with self.database.begin(self.scope) as session:
            return [(one.line, one.why, one.heading) for one in queries.refusals(session, list_id, most=100)]


@pytest.fixture
def office(database: Database, cast: Cast, tmp_path: Path) -> Office:
    return Office(database, cast, tmp_path)


def of_role(cast: Cast, role: Role, *, ente_id: int | None = None, contract_id: int | None = None) -> Principal:
    return Principal(cast.vera, "", "it", frozenset({Held(role, ente_id, contract_id)}))


# -- of a segment ---------------------------------------------------------------------------------------------------


def test_a_list_holds_whoever_is_meant_when_it_is_built_and_is_never_changed(office: Office, cast: Cast) -> None:
    made = office.make()
    assert office.see(made).state is ListState.BUILDING
    office.work()
    seen = office.see(made)
    assert (seen.state, seen.members, seen.segment) == (ListState.READY, 1, OWING)
    with office.database.begin(office.scope) as session:
        session.execute(update(Position).values(residual_cents=0))
    office.work()
    assert office.members(made) == {cast.mario: None}
    with office.database.begin(office.scope) as session:  # done again, as by a worker that thought it had the lease
        tasks.build(session, list_id=made)
    assert office.see(made).members == 1


def test_a_worker_that_dies_while_it_builds_leaves_nothing_and_the_next_one_builds_it_whole(
    office: Office, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = office.make()
    with monkeypatch.context() as dying:

        def dies(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        dying.setattr(service, "close", dies)
        with pytest.raises(KeyboardInterrupt):
            office.work()
    assert (office.members(made), office.see(made).state) == ({}, ListState.BUILDING)
    with office.database.begin(office.scope) as session:
        session.execute(update(jobs.Job).values(due_at=AS_OF))  # its lease is over
    office.work()
    assert (set(office.members(made)), office.see(made).state) == ({cast.mario}, ListState.READY)


def test_a_list_that_cannot_be_built_says_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    made = office.make()

    def breaks(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(tasks, "build", breaks)
    monkeypatch.setattr(jobs, "MAX_ATTEMPTS", 1)
    office.work()
    assert (office.see(made).state, office.see(made).failure) == (ListState.FAILED, tasks.BROKEN)
    office.do(service.remove, list_id=made)


def test_a_list_is_withdrawn_before_it_is_deleted_and_not_while_anything_uses_it(office: Office) -> None:
    made = office.make()
    office.work()
    with pytest.raises(ConflictError):
        office.do(service.remove, list_id=made)
    with office.database.begin(office.scope) as session:
        assert service.usable(session, ente_id=office.cast.empoli, list_id=made).members == 1
    office.do(service.withdraw, list_id=made)
    with office.database.begin(office.scope) as session, pytest.raises(ConflictError, match="ritirata"):
        service.usable(session, ente_id=office.cast.empoli, list_id=made)
    assert len(office.members(made)) == 1  # for whoever began with it
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "is_used", lambda *_, **__: True)
        with pytest.raises(ConflictError, match="campagna"):
            office.do(service.remove, list_id=made)
    office.do(service.remove, list_id=made)
    assert office.do(queries.lists) == []
    office.work()
    with pytest.raises(NotFoundError):
        office.see(made)
    assert office.members(made) == {}


def test_a_row_that_names_a_list_by_a_foreign_key_keeps_it(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever table of campaigns comes: it is asked by its keys alone."""
    made = office.make()
    office.work()
    with office.database.begin(office.scope) as session:
        assert not service.is_used(session, list_id=made)
        monkeypatch.setattr(service, "_OF_LISTS", set())
        assert service.is_used(session, list_id=made)  # its own members would do


def test_only_who_makes_lists_for_the_ente_does_anything_with_them(office: Office, cast: Cast) -> None:
    made = office.make()
    office.work()
    strangers = (
        of_role(cast, Role.ENTE_APPROVER, ente_id=cast.empoli), of_role(cast, Role.AGENT, contract_id=cast.contract),
        of_role(cast, Role.CAMPAIGN_MANAGER, contract_id=cast.other_contract),
        of_role(cast, Role.ADMINISTRATOR, contract_id=cast.contract),
    )  # fmt: skip
    attempts: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (service.make, {"ente_id": cast.empoli, "name": "x", "segment": OWING}),
        (service.take_in, {"ente_id": cast.empoli, "name": "x", "path": office.folder / "x", "file_name": "x"}),
        *((one, {"list_id": made}) for one in (service.withdraw, service.remove, service.accept, queries.one)),
        (service.took_refused, {"list_id": made}),
        (queries.preview, {"segment": OWING, "ente_id": cast.empoli}),
    ]
    for stranger in strangers:
        with office.database.begin(office.scope) as session:
            for attempt, about in attempts:
                with pytest.raises(ForbiddenError):
                    attempt(session, stranger, **about)
            assert queries.lists(session, stranger) == []
    with office.database.begin(Scope.of_enti([cast.siena])) as session, pytest.raises(NotFoundError):
        queries.one(session, office.sara, made)
    with pytest.raises(ForbiddenError):
        office.do(service.make, ente_id=cast.siena, name="x", segment=OWING)
    with pytest.raises(InvalidError):
        office.do(service.make, ente_id=cast.empoli, name="  ", segment=OWING)


# -- of a file ------------------------------------------------------------------------------------------------------


def csv(*lines: str, encoding: str = "utf-8") -> bytes:
    return "\r\n".join(lines).encode(encoding)


def test_a_file_is_matched_and_becomes_a_list_once_somebody_says_so(office: Office, cast: Cast) -> None:
    made = office.send(
        csv(
            "Codice fiscale;Codice avviso;Cellulare;Note", f"{MARIO.lower()};;;perché sì", ";;348 000 0001;di nuovo",
            "RSSMRA80A01D403T;;;di nessuno", "BNCMRA62A01D403Y;;;sbagliato", ";;;nessuno",
            ";301000000000012373;;di Vinci", "", encoding="cp1252",
        )
    )  # fmt: skip
    office.work()
    seen = office.see(made)
    assert (seen.state, seen.rows, seen.members) == (ListState.CHECKED, 6, 1)
    assert (seen.wrong, seen.unknown, seen.several, seen.twice) == (2, 2, 0, 1)
    assert office.members(made) == {cast.mario: {"Note": "perché sì"}}
    assert office.refused(made) == [
        (3, Why.TWICE, "Cellulare"), (4, Why.UNKNOWN, "Codice fiscale"), (5, Why.WRONG, "Codice fiscale"),
        (6, Why.WRONG, "Codice fiscale"), (7, Why.UNKNOWN, "Codice avviso"),
    ]  # fmt: skip
    assert list(office.folder.iterdir()) == []
    with office.database.begin(office.scope) as session, pytest.raises(ConflictError):
        service.usable(session, ente_id=cast.empoli, list_id=made)  # nothing is a list yet
    office.do(service.accept, list_id=made)
    assert office.see(made).state is ListState.READY


def test_in_another_ente_s_file_the_notice_number_finds_its_owner(office: Office, cast: Cast) -> None:
    made = office.send(csv("NAV", NOTICE), ente=cast.vinci)
    office.work()
    assert office.members(made) == {cast.gina: None}


def test_a_number_of_several_says_nobody_and_of_merged_contacts_the_one_that_stands(office: Office, cast: Cast) -> None:
    with office.database.begin(office.scope) as session:
        other = Contact(
            ente_id=cast.empoli, codice_fiscale="VRDLGU70A01D403U", kind=PersonKind.NATURAL, surname="V", name_key="V",
            as_of=AS_OF, digest="x", language="it",
        )  # fmt: skip
        session.add(other)
        session.flush()
        session.add(
            ContactReach(
                ente_id=cast.empoli, contact_id=other.id, kind=ReachKind.PHONE, value=MARIO_MOBILE, stated=True
            )
        )
        other_id = other.id
    made = office.send(csv("telefono", MARIO_MOBILE))
    office.work()
    assert (office.see(made).several, office.members(made)) == (1, {})
    with pytest.raises(ConflictError, match="vuota"):
        office.do(service.accept, list_id=made)
    with office.database.begin(office.scope) as session:
        session.add(
            ContactMerge(
                ente_id=cast.empoli, kept_id=cast.mario, merged_id=other_id, merged_at=AS_OF, merged_by=cast.sara,
                reason="x",
            )
        )  # fmt: skip
    again = office.send(csv("telefono", MARIO_MOBILE))
    office.work()
    assert set(office.members(again)) == {cast.mario}


def test_of_many_bad_rows_the_first_are_kept_and_all_are_counted(
    office: Office, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "KEPT", 30)
    monkeypatch.setattr(checking, "BATCH", 20)
    made = office.send(csv("cf", *[f"=cmd|{number}" for number in range(100)], MARIO))
    office.work()
    assert (office.see(made).wrong, office.see(made).members, len(office.refused(made))) == (100, 1, 30)


def test_a_reading_that_is_killed_is_done_anew_and_one_that_lost_its_lease_writes_nothing_more(
    office: Office, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "BATCH", 2)
    made = office.send(csv("cf", "x1", "x2", MARIO, "x3"))
    with monkeypatch.context() as dying:
        taken = checking._take
        calls: list[int] = []

        def dies(session: Any, *, taking: Any) -> Any:
            calls.append(1)
            if len(calls) > 1:
                raise KeyboardInterrupt
            return taken(session, taking=taking)

        dying.setattr(checking, "_take", dies)
        with pytest.raises(KeyboardInterrupt):
            office.work()
    assert (office.see(made).rows, len(office.refused(made))) == (2, 2)
    with office.database.begin(office.scope) as session:
        session.execute(update(jobs.Job).values(due_at=AS_OF))
    office.work()
    seen = office.see(made)
    assert (seen.state, seen.rows, seen.wrong, seen.members) == (ListState.CHECKED, 4, 3, 1)
    stale = checking.Taking(cast.empoli, made, checking.Columns.of(["cf"]), checking.Reading(), [])
    with office.database.begin(office.scope) as session, pytest.raises(jobs.LeaseLostError):
        checking._take(session, taking=stale)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "vuoto"), (csv("nome;cognome", "a;b"), "prima riga"), (b"\xd0\xcf\x11\xe0" + bytes(600), "formato vecchio"),
     (b"PK\x03\x04" + bytes(600), "intero"), (b"cf\x00\x01" * 50, "testo")],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_with_a_sentence_and_removed(
    office: Office, content: bytes, reason: str
) -> None:
    made = office.send(content)
    office.work()
    seen = office.see(made)
    assert seen.state is ListState.FAILED
    assert reason in (seen.failure or "")
    assert list(office.folder.iterdir()) == []


def test_files_that_nobody_reads_and_reasons_of_long_ago_go(office: Office, cast: Cast) -> None:
    made = office.send(csv("cf", MARIO, "x"))
    (office.folder / "lost").write_bytes(b"x")
    office.work()
    office.do(service.accept, list_id=made)
    waiting = office.send(csv("cf", MARIO))
    for one in office.folder.iterdir():
        os.utime(one, (0, 0))
    with office.database.begin(office.scope) as session:
        session.execute(
            update(ContactList).where(ContactList.id == made).values(made_at=AS_OF - checking.REASONS_KEPT * 2)
        )
        assert checking.sweep(session, uploads=office.folder) == 2
    assert [one.is_file() for one in office.folder.iterdir()] == [True]
    office.work()
    assert office.see(waiting).members == 1


# -- personal data --------------------------------------------------------------------------------------------------


def test_whoever_is_erased_leaves_his_lists(office: Office, cast: Cast) -> None:
    made = office.send(csv("cf;tel;note", f"{MARIO};;chiamare", f";{MARIO_MOBILE};chiamare"))
    office.work()
    him = Person(cast.empoli, (cast.mario,))
    with office.database.begin(office.scope) as session:
        copied = [section for holder in HOLDERS for section in holder.export(session, him)]
        assert [len(section.rows) for section in copied] == [1, 1]
        assert copied[0].rows[0]["given"] == {"note": "chiamare"}
        for holder in HOLDERS:
            assert [one.rows for one in holder.erase(session, him)] == [1]
        assert session.scalar(select(func.count()).select_from(ContactListRefusal)) == 0
        session.execute(delete(ContactListMember))
    assert office.members(made) == {}
