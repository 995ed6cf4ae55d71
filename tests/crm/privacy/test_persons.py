"""A person's copy, and his erasure: nothing is forgotten, counts stay right, no feed brings him back unnoticed."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text, update

from crm.access.models import Role, RoleGrant
from crm.access.permissions import Held, Principal
from crm.audit import keys, sealing
from crm.audit import queries as log
from crm.audit import service as audit
from crm.audit.verification import verify
from crm.collection.importer import import_feed
from crm.collection.models import ImportRefusal
from crm.contacts import queries as contacts
from crm.contacts import relations
from crm.contacts.models import Contact, ContactReach, PersonKind, RelationKind
from crm.contacts.search import search
from crm.core import clock, jobs
from crm.core.db import Base, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.core.jobs import Taken
from crm.documents.models import Document
from crm.documents.store import DocumentStore, FolderStore, StoreError
from crm.drafts import service as drafts
from crm.drafts.models import FormDraft
from crm.drafts.places import FormKind, Place
from crm.files import administration
from crm.files import service as files
from crm.files.models import Purpose
from crm.positions.models import Position, PositionState
from crm.privacy import service, tombstones
from crm.privacy.models import ErasedPerson, ErasureState, ExportState, PersonErasure, PersonExport
from crm.proposals import exports
from crm.proposals import service as proposals
from crm.proposals.lifecycle import State
from crm.proposals.models import Proposal, ProposalExport, ProposalVoice
from crm.proposals.privacy import ON_ITS_WAY
from crm.proposals.service import Told
from crm.proposals.subjects import Subject
from crm.timeline.models import TimelineEntry
from telephony.calls import story
from telephony.calls.models import Call
from telephony.calls.privacy import LIVE
from tests.cast import MARIO_MOBILE, REGIONAL_LINE, Cast, principal_of
from tests.documents import keep
from tests.telephony.stage import Stage, build
from web.wiring import HOLDERS
from web.worker.main import runners

pytestmark = pytest.mark.integration

NOTICE, RECEIPT = "301000000000099999", "RICEVUTA-77"
NOWHERE = FolderStore(Path("/nonexistent"))  # these people have no documents

# Tables with a contact that hold nothing of him which could go, each with its reason.
OF_THE_REQUEST_ITSELF = {
    "person_export": "the request: when and by whom, no name",
    "person_erasure": "the certificate: counts, no name",
    "erased_person": "a keyed hash, so that no feed brings him back",
}


def administrator(cast: Cast, user_id: int | None = None) -> Principal:
    return Principal(user_id or cast.sara, "", "it", frozenset({Held(Role.ADMINISTRATOR, None, cast.contract)}))


@pytest.fixture
def stage(database: Any, cast: Cast) -> Any:
    """Mario called, Anna wrote something down, and his debt is paid."""
    stage = build(database, cast)
    stage.ready(cast.anna)
    call = stage.queues()
    stage.talks(call)
    stage.caller_leaves(call)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        session.execute(update(Call).values(note="parla di sua moglie", contact_id=cast.mario))
        story.tell(session, call)
        session.execute(update(TimelineEntry).values(detail={"note": "parla di sua moglie", "talked_s": 61}))
        audit.note(
            session, None, kind="file.opened", ente_id=cast.empoli, contact_id=cast.mario, subject="BIANCHI MARIO",
            reason="chiamata",
        )  # fmt: skip
        settle(session)
        propose(session, cast)
    stage.engine.fold_counters()
    yield stage
    stage.matcher.close()
    stage.dispatcher.close()


def propose(session: Any, cast: Cast) -> None:
    """Another phone of Mario's, heard twice, approved and answered; somebody types one more; his file was opened."""
    by = {name: principal_of(session, getattr(cast, name)) for name in ("anna", "luca", "sara")}
    approver = Principal(cast.vera, "", "it", frozenset({Held(Role.ENTE_APPROVER, cast.empoli, None)}))
    for who in ("anna", "luca"):
        made = proposals.propose_correction(
            session, by[who], contact_id=cast.mario, subject=Subject.PHONE, instead_of={"value": "+393480000001"},
            fields={"value": "0571 700999"}, told=Told(note="parla di sua moglie", evidence="carta di MARIO BIANCHI"),
        )  # fmt: skip
    proposals.decide(session, approver, proposal_ids=[made.proposal_id], approve=True)
    exports.export(session, None, ente_id=cast.empoli)
    session.execute(update(Proposal).values(state=State.ACKNOWLEDGED, answered_at=session.info["now"]))
    place = Place(FormKind.CORRECTION, cast.mario)
    drafts.save(session, by["anna"], place=place, writing=uuid4(), fields={"value": ["MARIO BIANCHI"]})
    files.open_file(
        session, by["sara"], contact_id=cast.mario, purpose=Purpose.OTHER, reason="parla di sua moglie"
    )  # fmt: skip


def settle(session: Any) -> None:
    """Paid, in the instalments of a plan."""
    paid = {"paid_on": "2026-03-01", "cents": 1, "channel": "pagopa", "notice_number": NOTICE, "receipt": RECEIPT}
    rate = {"number": 1, "due_on": "2026-03-01", "cents": 1, "paid_on": "2026-03-01", "notice_number": NOTICE}
    session.execute(update(Position).values(state=PositionState.PAID, residual_cents=0))
    session.execute(update(Position).where(Position.reference == "E-1").values(payments=[paid], instalments=[rate]))


def work(stage: Stage, store: DocumentStore = NOWHERE) -> None:
    """A worker does what is owed."""
    with stage.database.begin(Scope.of_contract(stage.cast.contract)) as session:
        owed = jobs.due(session)
    for job_id, ente_id in owed:
        jobs.run(stage.database, runners(store), job_id=job_id, ente_id=ente_id)


def erased(stage: Stage) -> int:
    cast = stage.cast

    def ask(session: Any) -> int:
        return service.ask_erasure(
            session, administrator(cast), contact_id=cast.mario, protocol="12/2026", holders=HOLDERS
        )

    erasure = stage.work(ask)
    work(stage)
    return erasure


# -- nobody is forgotten ------------------------------------------------------------------------------------------


def test_every_table_with_a_contact_has_somebody_who_answers_for_it() -> None:
    held = {name for holder in HOLDERS for name in holder.tables}
    tables = Base.metadata.tables
    personal = {
        name
        for name, table in tables.items()
        if "ente_id" in table.columns and {"contact_id", "codice_fiscale", "caller"} & set(table.columns.keys())
    }
    while True:  # and what hangs on those; of a call hang measurements alone
        named = personal - {"call", *OF_THE_REQUEST_ITSELF} | {"contact"}
        more = {
            name
            for name, table in tables.items()
            if named & {key.column.table.name for key in table.foreign_keys if key.column.table is not table}
        }
        if more <= personal:
            break
        personal |= more
    assert personal - held - set(OF_THE_REQUEST_ITSELF) == set()
    assert held <= set(tables)


def test_nothing_says_who_he_was_once_he_is_erased(stage: Stage) -> None:
    """Looked for everywhere in the database, as a superuser would find it."""
    cast = stage.cast
    before = stage.counts()
    erased(stage)
    personal = (
        "BNCMRA62A01D403X",
        "BIANCHI",
        "+393480000001",
        "393480000001",
        "700999",
        "parla di sua moglie",
        "MARIO",
        NOTICE,
        RECEIPT,
    )
    with stage.database.begin(Scope.of_contract(cast.contract)) as session:
        for name, table in Base.metadata.tables.items():
            if "ente_id" not in table.columns:
                continue
            for (row,) in session.execute(text(f"SELECT to_jsonb(t)::text FROM {name} t")):
                assert not [one for one in personal if one in row], name
        assert not search(session, "bianchi mario").people
        assert not search(session, "BNCMRA62A01D403X").people
        payments, instalments = session.execute(
            select(Position.payments, Position.instalments).where(Position.contact_id == cast.mario)
        ).one()
    assert payments == [{"paid_on": "2026-03-01", "cents": 1, "channel": "pagopa"}]  # the sums are as before
    assert instalments == [{"number": 1, "due_on": "2026-03-01", "cents": 1, "paid_on": "2026-03-01"}]
    assert stage.counts() == before
    assert len(stage.timeline(cast.mario)) == 2  # that he called, and that a correction was proposed, is still counted


def test_a_call_that_never_said_for_which_ente_it_was_forgets_his_number_with_him(stage: Stage) -> None:
    cast = stage.cast
    call = stage.arrives(MARIO_MOBILE, REGIONAL_LINE, sid="CAregional")
    with stage.database.begin(Scope.of_contract(cast.contract)) as session:
        nobodys = {"ente_id": None, "contact_id": None, "proposed_by": None}  # his number was not known yet
        session.execute(update(Call).where(Call.id == call).values(nobodys))
    by = administrator(cast)

    def plan(session: Any) -> service.Plan:
        return service.plan(session, by, contact_id=cast.mario, holders=HOLDERS)

    assert (stage.call(call).ente_id, stage.call(call).caller) == (None, MARIO_MOBILE)
    assert LIVE in stage.work(plan).obstacles
    stage.caller_leaves(call)
    assert {one.title: one.rows for one in stage.work(plan).went}["Chiamate"] == 2
    erasure = erased(stage)
    outcome = stage.work(lambda s: s.get_one(PersonErasure, erasure)).outcome
    assert {one["title"]: one["rows"] for one in outcome["went"]}["Chiamate"] == 2
    assert stage.call(call).caller is None


def test_the_seals_verify_after_an_erasure_and_the_log_says_that_it_happened(stage: Stage) -> None:
    cast = stage.cast
    sealing.seal_pending(stage.database)
    erased(stage)
    sealing.seal_pending(stage.database)
    with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
        assert verify(session, cast.empoli).broken is None
        noted = {one.kind: one for one in log.of_contact(session, cast.empoli, [cast.mario])}
    assert noted["file.opened"].erased
    assert not noted["privacy.erased"].erased


# -- the copy -----------------------------------------------------------------------------------------------------


def copy_of_mario(stage: Stage, folder: Path) -> Path:
    cast = stage.cast
    by = administrator(cast)
    export = stage.work(lambda s: service.ask_export(s, by, contact_id=cast.mario, folder=folder))
    work(stage)
    return stage.work(lambda s: service.take_export(s, by, export_id=export))


def test_a_copy_has_everything_and_is_taken_once(stage: Stage, tmp_path: Path) -> None:
    cast, by = stage.cast, administrator(stage.cast)
    with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
        session.get_one(Contact, cast.mario).address = "=cmd|' /C calc'!A0 <script>alert(1)</script>"
    path = copy_of_mario(stage, tmp_path)
    assert path.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        page = archive.read("index.html").decode()
        told = {name.removesuffix(".json"): json.loads(archive.read(name)) for name in names if "json" in name}
        rows = list(csv.reader(io.StringIO(archive.read("dati/anagrafica.csv").decode("utf-8-sig")), delimiter=";"))
    assert set(told) >= {
        "dati/anagrafica", "dati/recapiti", "dati/posizioni", "dati/cronologia", "dati/chiamate",
        "dati/accessi-ai-dati-e-modifiche", "dati/proposte-al-gestionale", "dati/proposte-ripetute",
        "dati/bozze-di-moduli",
    }  # fmt: skip
    assert all(told.values())  # nothing empty
    assert told["dati/anagrafica"][0]["codice_fiscale"] == "BNCMRA62A01D403X"
    assert told["dati/chiamate"][0]["note"] == "parla di sua moglie"
    assert "GINA" not in json.dumps(told)
    assert "Anna" not in json.dumps(told["dati/accessi-ai-dati-e-modifiche"])
    assert "<script>" not in page
    assert not [cell for row in rows for cell in row if cell.startswith("=")]
    with pytest.raises(ConflictError):
        stage.work(lambda s: service.take_export(s, by, export_id=1))


def test_a_copy_asked_for_twice_is_one_and_nobody_else_gets_it(stage: Stage, tmp_path: Path) -> None:
    cast, by = stage.cast, administrator(stage.cast)
    first = stage.work(lambda s: service.ask_export(s, by, contact_id=cast.mario, folder=tmp_path))
    assert stage.work(lambda s: service.ask_export(s, by, contact_id=cast.mario, folder=tmp_path)) == first
    work(stage)
    for other in (stage.principal(cast.anna), Principal(cast.sara, "", "it", frozenset())):
        with pytest.raises(ForbiddenError):
            stage.work(lambda s, other=other: service.take_export(s, other, export_id=first))
    with stage.database.begin(Scope.of_enti([cast.siena])) as session, pytest.raises(NotFoundError):
        service.take_export(session, by, export_id=first)


def test_a_copy_that_nobody_takes_is_removed(stage: Stage, tmp_path: Path) -> None:
    from crm.privacy.tasks import expire  # noqa: PLC0415

    cast, by = stage.cast, administrator(stage.cast)
    export = stage.work(lambda s: service.ask_export(s, by, contact_id=cast.mario, folder=tmp_path))
    work(stage)
    assert expire(stage.database) == 0
    assert list(tmp_path.iterdir())
    stage.work(lambda s: s.execute(update(PersonExport).values(expires_at=s.info["now"])))
    assert expire(stage.database) == 1
    assert list(tmp_path.iterdir()) == []
    assert stage.work(lambda s: s.get_one(PersonExport, export).state) is ExportState.EXPIRED


def test_a_copy_of_somebody_erased_is_downloaded_no_more(stage: Stage, tmp_path: Path) -> None:
    """The one that waits to be downloaded is removed; one that was on its way comes to nothing."""
    cast, by = stage.cast, administrator(stage.cast)
    export = stage.work(lambda s: service.ask_export(s, by, contact_id=cast.mario, folder=tmp_path))
    work(stage)
    assert len(list(tmp_path.iterdir())) == 1
    erased(stage)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConflictError):
        stage.work(lambda s: service.take_export(s, by, export_id=export))
    path = tmp_path / "person-1-2.zip"
    path.write_bytes(b"PK")
    scope = Scope.of_enti([cast.empoli])
    with stage.database.begin(scope) as session:
        assert not service.export_made(session, ente_id=cast.empoli, export_id=export, path=path)
    with stage.database.begin(scope) as session:
        session.execute(text("UPDATE job SET state = 'waiting', due_at = now() WHERE kind = 'privacy.export'"))
    work(stage)
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_lost_its_lease_disturbs_no_copy(stage: Stage, tmp_path: Path) -> None:
    """Two make the same copy: the first one's stays, whole, and is taken once."""
    cast, by = stage.cast, administrator(stage.cast)
    export = stage.work(lambda s: service.ask_export(s, by, contact_id=cast.mario, folder=tmp_path))
    runner = runners(NOWHERE)[service.EXPORT]
    argument: dict[str, Any] = {"export": export, "folder": str(tmp_path)}
    reading = Taken(1, cast.empoli, argument, lambda: None, attempt=1)
    overtaken: list[bool] = []

    def renew() -> None:
        if not overtaken:
            overtaken.append(True)
            runner.do(stage.database, Taken(1, cast.empoli, argument, lambda: None, attempt=2))

    runner.do(stage.database, replace(reading, renew=renew))
    path = stage.work(lambda s: service.take_export(s, by, export_id=export))
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


# -- erasure ------------------------------------------------------------------------------------------------------


def test_the_plan_says_what_would_go_and_does_nothing(stage: Stage) -> None:
    cast = stage.cast
    plan = stage.work(lambda s: service.plan(s, administrator(cast), contact_id=cast.mario, holders=HOLDERS))
    assert plan.obstacles == ()
    went = {one.title: one.rows for one in plan.went}
    assert (went["Recapiti"], went["Posizioni"], went["Anagrafica"], went["Chiamate"]) == (1, 1, 1, 1)
    assert all(went.values())  # what there is none of is not told
    with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
        looks = [one for one in log.of_contact(session, cast.empoli, [cast.mario]) if one.kind == "privacy.plan_read"]
        assert [one.actor_id for one in looks] == [cast.sara]
        assert contacts.get(session, cast.mario).surname == "BIANCHI"
        assert "BIANCHI MARIO" in {one.subject for one in log.of_contact(session, cast.empoli, [cast.mario])}


@pytest.mark.parametrize(
    ("state", "why"), [(PositionState.OVERDUE, "debito aperto"), (PositionState.IN_LITIGATION, "contenzioso")]
)
def test_whoever_owes_or_litigates_is_not_erased_and_is_told_why(stage: Stage, state: PositionState, why: str) -> None:
    cast, by = stage.cast, administrator(stage.cast)

    def owes(session: Any) -> None:
        mine = update(Position).where(Position.contact_id == cast.mario)
        session.execute(mine.values(state=state, residual_cents=100))

    stage.work(owes)
    plan = stage.work(lambda s: service.plan(s, by, contact_id=cast.mario, holders=HOLDERS))
    assert why in plan.obstacles[0]
    with pytest.raises(ConflictError):
        erased(stage)
    # A feed may come between the asking and the doing.
    stage.work(settle)
    ask = lambda s: service.ask_erasure(s, by, contact_id=cast.mario, protocol="1", holders=HOLDERS)  # noqa: E731
    erasure = stage.work(ask)
    stage.work(owes)
    work(stage)
    found = stage.work(lambda s: s.get_one(PersonErasure, erasure))
    assert found.state is ErasureState.REFUSED
    assert why in found.outcome["obstacles"][0]
    assert stage.work(lambda s: contacts.get(s, cast.mario).surname) == "BIANCHI"


def test_whoever_paid_is_kept_for_the_years_that_his_ente_says(stage: Stage) -> None:
    cast, by = stage.cast, administrator(stage.cast)
    at = stage.work(lambda s: clock.business_day(clock.now(s)))

    def keeps(years: int) -> list[str]:
        def plan(session: Any) -> list[str]:
            administration.save_kept_years(session, by, ente_id=cast.empoli, years=str(years))
            return list(service.plan(session, by, contact_id=cast.mario, holders=HOLDERS).obstacles)

        return stage.work(plan)

    long_ago = {"paid_on": f"{at.year - 6}-01-02", "cents": 1, "channel": "pagopa"}
    old = {"payments": [long_ago], "issued_on": date(at.year - 8, 5, 2), "notified_on": None, "instalments": []}
    stage.work(lambda s: s.execute(update(Position).where(Position.contact_id == cast.mario).values(old)))
    assert keeps(5) == []
    (why,) = keeps(10)
    assert f"per 10 anni dall'ultimo, fino al 02/01/{at.year + 4} compreso" in why
    with pytest.raises(ConflictError):
        erased(stage)


def test_no_batch_of_a_feed_is_written_while_somebody_is_erased(stage: Stage) -> None:
    """It has read who was erased already, and would write him again."""
    cast, by = stage.cast, administrator(stage.cast)
    stage.work(settle)
    ask = lambda s: service.ask_erasure(s, by, contact_id=cast.mario, protocol="1", holders=HOLDERS)  # noqa: E731
    erasure = stage.work(ask)
    lock = func.pg_try_advisory_xact_lock(func.hashtextextended("collection.import", cast.empoli))
    with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
        service.erase(session, erasure_id=erasure, holders=HOLDERS)
        assert stage.work(lambda s: s.scalar(select(lock))) is False
    assert stage.work(lambda s: s.scalar(select(lock))) is True


def test_a_proposal_on_its_way_stands_against_erasing_and_an_answered_one_goes(stage: Stage) -> None:
    cast, by = stage.cast, administrator(stage.cast)

    def against(state: State, *, days: int = 0) -> tuple[str, ...]:
        stage.work(lambda s: s.execute(update(Proposal).values(state=state)))
        stage.work(lambda s: s.execute(update(ProposalExport).values(made_at=s.info["now"] - timedelta(days=days))))
        return stage.work(lambda s: service.plan(s, by, contact_id=cast.mario, holders=HOLDERS)).obstacles

    for state in (State.MADE, State.APPROVED, State.EXPORTED):
        assert against(state) == (ON_ITS_WAY,)
    assert against(State.EXPORTED, days=8) == ()
    assert against(State.ACKNOWLEDGED) == ()
    erased(stage)
    with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
        row = session.scalars(select(Proposal)).one()
        assert (row.now, row.proposed, row.note, row.evidence, row.reason) == (None, None, "", "", "")
        assert (row.value_key, row.what, row.state) == (f"#{row.id}", "phone", State.ACKNOWLEDGED)
        assert session.scalars(select(ProposalVoice)).all() == []
        assert session.scalars(select(FormDraft)).all() == []
        with pytest.raises(ConflictError):
            exports.content(session, None, export_id=row.export_id or 0)


def test_his_documents_are_in_the_copy_and_go_from_the_store_with_him(stage: Stage, tmp_path: Path) -> None:
    """But not what another taxpayer's document has, too."""
    cast, by, store = stage.cast, administrator(stage.cast), FolderStore(tmp_path / "documents")
    about: Any = {"database": stage.database, "store": store, "ente_id": cast.empoli, "contact_id": cast.mario}
    act = keep(**about, contents=b"%PDF-1.4 BIANCHI MARIO")
    shared = keep(**about, contents=b"%PDF-1.4 il regolamento", reference="D-2")
    with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
        his = session.scalars(select(Document).where(Document.sha256 == shared)).one()
        other = Contact(
            ente_id=cast.empoli, codice_fiscale="BNCMRA62A01D403Y", kind=PersonKind.NATURAL, surname="ALTRI",
            name_key="ALTRI", as_of=his.as_of, digest="x",
        )  # fmt: skip
        session.add(other)
        session.flush()
        values = {one.key: getattr(his, one.key) for one in Document.__table__.columns if one.key != "id"}
        session.add(Document(**{**values, "contact_id": other.id, "reference": "D-3"}))
    export = stage.work(lambda s: service.ask_export(s, by, contact_id=cast.mario, folder=tmp_path))
    work(stage, store)
    with zipfile.ZipFile(stage.work(lambda s: service.take_export(s, by, export_id=export))) as archive:
        kept = {archive.read(name) for name in archive.namelist() if name.endswith(".pdf")}
    assert kept == {b"%PDF-1.4 BIANCHI MARIO", b"%PDF-1.4 il regolamento"}
    ask = lambda s: service.ask_erasure(s, by, contact_id=cast.mario, protocol="1", holders=HOLDERS)  # noqa: E731
    stage.work(ask)
    work(stage, store)
    work(stage, store)  # what the erasure owes
    with pytest.raises(StoreError):
        store.read(cast.empoli, act, most=100)
    assert store.read(cast.empoli, shared, most=100) == b"%PDF-1.4 il regolamento"


def test_an_erasure_asked_for_twice_is_one(stage: Stage) -> None:
    cast, by = stage.cast, administrator(stage.cast)
    ask = lambda s: service.ask_erasure(s, by, contact_id=cast.mario, protocol="1", holders=HOLDERS)  # noqa: E731
    first = stage.work(ask)
    assert stage.work(ask) == first
    work(stage)
    assert stage.work(ask) == first  # he is erased already
    assert len(stage.work(lambda s: s.scalars(select(ErasedPerson.mark)).all())) == 1


def test_whom_others_name_is_not_read_in_their_log_once_he_is_erased(stage: Stage) -> None:
    """Paolo is Mario's heir, and a taxpayer himself."""
    cast = stage.cast

    def relate(session: Any) -> int:
        paolo = Contact(
            ente_id=cast.empoli, codice_fiscale="RSSMRA80A01D403T", kind=PersonKind.NATURAL, surname="BIANCHI",
            given_name="PAOLO", name_key="BIANCHI", as_of=session.info["now"], digest="x",
        )  # fmt: skip
        session.add(paolo)
        session.flush()
        relations.relate(
            session, principal_of(session, cast.anna), contact_id=cast.mario, kind=RelationKind.HEIR,
            codice_fiscale="RSSMRA80A01D403T", name="Paolo Bianchi", phone="+393480000002",
        )  # fmt: skip
        return paolo.id

    paolo = stage.work(relate)

    def told(contact_id: int) -> str:
        with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
            return str([one for one in log.of_contact(session, cast.empoli, [contact_id]) if "relation" in one.kind])

    assert "Paolo Bianchi" in told(paolo)
    assert "heir" in told(cast.mario)
    with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
        keys.destroy(session, (cast.empoli, paolo))
    for name in ("Paolo", "RSSMRA80A01D403T", "393480000002"):
        assert name not in told(paolo) + told(cast.mario)


def test_an_erasure_says_what_it_did(stage: Stage) -> None:
    erasure = erased(stage)
    found = stage.work(lambda s: s.get_one(PersonErasure, erasure))
    assert found.state is ErasureState.DONE
    fates = {one["title"]: (one["rows"], one["fate"]) for one in found.outcome["went"]}
    assert fates["Recapiti"] == (1, "deleted")
    assert fates["Anagrafica"] == (1, "anonymised")
    assert fates["Registro degli accessi"][1] == "unreadable"
    assert all(rows for rows, _ in fates.values())
    reaches = select(ContactReach.id).where(ContactReach.contact_id == stage.cast.mario)
    assert stage.work(lambda s: s.scalars(reaches).all()) == []
    work(stage)  # the same job once more changes nothing


def test_no_feed_brings_him_back_unnoticed_until_he_is_readmitted(stage: Stage, tmp_path: Path) -> None:
    cast, by = stage.cast, administrator(stage.cast)
    code = "BNCMRA62A01D403X"
    stage.work(lambda s: s.execute(update(Contact).where(Contact.id == cast.mario).values(codice_fiscale=code)))
    erased(stage)
    feed = tmp_path / "feed.jsonl"
    header = {
        "record": "feed", "version": 1, "ente": "D403", "mode": "incremental", "source": "X",
        "as_of": "2026-11-20T06:00:00+01:00",
    }  # fmt: skip
    taxpayer = {"record": "taxpayer", "codice_fiscale": code, "surname": "Bianchi", "given_name": "Mario"}
    position = {
        "record": "position", "reference": "E-1", "codice_fiscale": code, "tax": "tari", "year": 2024,
        "act_kind": "ingiunzione", "act_number": "1", "state": "overdue", "amounts": {"tax": 1, "residual": 1},
        "issued_on": "2024-09-01", "notification": "not_sent",
    }  # fmt: skip
    wrong = position | {"year": "duemila"}
    feed.write_text("\n".join(json.dumps(one) for one in (header, taxpayer, position, wrong)) + "\n")
    summary = import_feed(stage.database, feed)
    assert (summary.counts.refused, summary.counts.created) == (3, 0)
    with stage.database.begin(Scope.of_enti([cast.empoli])) as session:
        reasons = session.scalars(select(ImportRefusal.reason)).all()
        assert all("Persona cancellata" in one and code not in one for one in reasons)
        whose = select(ImportRefusal.codice_fiscale).where(ImportRefusal.codice_fiscale.is_not(None))
        assert session.scalars(whose).all() == []
        with pytest.raises(NotFoundError):
            tombstones.readmit(session, by, ente_id=cast.empoli, codice_fiscale="RSSMRA80A01D403T", reason="x")
        with pytest.raises(InvalidError):
            tombstones.readmit(session, by, ente_id=cast.empoli, codice_fiscale="chi sa", reason="x")
        tombstones.readmit(session, by, ente_id=cast.empoli, codice_fiscale=code, reason="nuovo debito")
    feed.write_text("\n".join(json.dumps(one) for one in (header, taxpayer, position)) + "\n\n")
    assert import_feed(stage.database, feed).counts.created == 2


def test_whoever_may_not_erases_nobody(stage: Stage) -> None:
    cast = stage.cast
    viewer = Principal(cast.vera, "", "it", frozenset({Held(Role.ENTE_APPROVER, cast.empoli, None)}))
    siena = Principal(cast.vera, "", "it", frozenset({Held(Role.ADMINISTRATOR, cast.siena, None)}))
    for by in (viewer, siena, stage.principal(cast.anna)):
        for attempt in (
            lambda s, by=by: service.plan(s, by, contact_id=cast.mario, holders=HOLDERS),
            lambda s, by=by: service.ask_erasure(s, by, contact_id=cast.mario, protocol="1", holders=HOLDERS),
            lambda s, by=by: service.ask_export(s, by, contact_id=cast.mario, folder=Path("/nowhere")),
        ):
            with pytest.raises(ForbiddenError):
                stage.work(attempt)
    assert stage.work(lambda s: s.scalars(select(RoleGrant.id)).all())
