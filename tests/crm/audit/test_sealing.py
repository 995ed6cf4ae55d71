"""The audit is sealed: what was tampered with is found, whoever did it; what was erased verifies."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import select, text
from structlog.testing import capture_logs

from crm.access.permissions import Principal
from crm.audit import keys, queries, sealing, service
from crm.audit.models import NOBODYS, AuditEntry, AuditSeal, ExpiryReason
from crm.audit.verification import Break, Head, Verdict, verify
from crm.core.db import Database, Scope
from crm.core.secrecy import Secrecy
from tests.cast import Cast, principal_of
from tests.databases import DatabaseUrls, PostgresServer

pytestmark = pytest.mark.integration

Connection = psycopg.Connection[Any]


@pytest.fixture
def superuser(postgres: PostgresServer, database_urls: DatabaseUrls) -> Iterator[Connection]:
    """May do anything to the rows, and does."""
    with psycopg.connect(postgres.dsn, dbname=database_urls.lent, autocommit=True) as connection:
        yield connection


def anna(database: Database, cast: Cast) -> Principal:
    with database.begin(Scope.nothing()) as session:
        return principal_of(session, cast.anna)


def opens(database: Database, cast: Cast, times: int = 1) -> None:
    """Anna opens Mario's file, and each time a seal is made."""
    by = anna(database, cast)
    for _ in range(times):
        with database.begin(Scope.of_enti([cast.empoli])) as session:
            service.note(
                session, by, kind="file.opened", ente_id=cast.empoli, contact_id=cast.mario, subject="BIANCHI MARIO",
                reason="chiamata",
            )  # fmt: skip
        sealing.seal_pending(database)


def verified(database: Database, chain: int, **options: Any) -> Verdict:
    with database.begin(sealing.scope_of(chain)) as session:
        return verify(session, chain, **options)


def test_what_was_noted_is_sealed_and_verifies(database: Database, cast: Cast) -> None:
    opens(database, cast, 3)
    with database.begin(Scope.nothing()) as session:
        service.note(session, None, kind="user.created", ente_id=None, subject="rita")
    assert sealing.seal_pending(database) == 1
    assert sealing.seal_pending(database) == 0
    ours, nobodys = verified(database, cast.empoli), verified(database, NOBODYS)
    assert (ours.seals, ours.entries, ours.broken) == (3, 3, None)
    assert (nobodys.seals, nobodys.entries, nobodys.broken) == (1, 1, None)
    assert verified(database, cast.siena) == Verdict(cast.siena, 0, 0, None)


def test_a_seal_holds_what_commits_after_a_later_entry_was_sealed(database: Database, cast: Cast) -> None:
    """The earlier identifier is committed last."""
    by = anna(database, cast)
    with database.begin(Scope.of_enti([cast.empoli])) as slow:
        service.note(slow, by, kind="file.opened", ente_id=cast.empoli, contact_id=cast.mario)
        opens(database, cast)
        assert verified(database, cast.empoli).entries == 1
    sealing.seal_pending(database)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        seals = session.scalars(select(AuditSeal).order_by(AuditSeal.number)).all()
    assert seals[0].entries[0] > seals[1].entries[0]
    assert verified(database, cast.empoli).entries == 2


def test_many_who_write_and_many_who_seal_leave_one_whole_chain(database: Database, cast: Cast) -> None:
    by = anna(database, cast)
    failures: list[BaseException] = []

    def each(work: Callable[[], object], times: int) -> Callable[[], None]:
        def run() -> None:
            try:
                for _ in range(times):
                    work()
            except BaseException as error:  # noqa: BLE001  # told by the test's own thread
                failures.append(error)

        return run

    def write() -> None:
        with database.begin(Scope.of_enti([cast.empoli, cast.vinci])) as session:
            service.note(
                session, by, kind="file.opened", ente_id=cast.vinci, contact_id=cast.gina, reason="x"
            )  # fmt: skip
            service.note(session, by, kind="file.opened", ente_id=cast.empoli, contact_id=cast.mario, reason="x")

    jobs = [each(write, 25)] * 3 + [each(lambda: sealing.seal_pending(database), 15)] * 3
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    sealing.seal_pending(database)
    assert failures == []
    for ente in (cast.empoli, cast.vinci):
        verdict = verified(database, ente)
        assert (verdict.entries, verdict.broken) == (75, None)


# -- tampering ----------------------------------------------------------------------------------------------------


def first(cast: Cast, connection: Connection, place: int) -> int:
    """The n-th entry of Empoli's."""
    rows = connection.execute("SELECT id FROM audit_entry WHERE ente_id = %s ORDER BY id", [cast.empoli]).fetchall()
    return int(rows[place - 1][0])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entry SET actor_id = NULL WHERE id = %s",
        "UPDATE audit_entry SET occurred_at = occurred_at - interval '1 second' WHERE id = %s",
        "UPDATE audit_entry SET secret = NULL WHERE id = %s",
        "UPDATE audit_entry SET secret = secret || '\\x00' WHERE id = %s",
        "UPDATE audit_entry SET kind = 'file.closed' WHERE id = %s",
        "UPDATE audit_entry SET detail = '{\"after\": 1}' WHERE id = %s",
        "UPDATE audit_entry SET place = 'altrove' WHERE id = %s",
    ],
)
def test_an_entry_that_was_altered_is_named(database: Database, cast: Cast, superuser: Connection, change: str) -> None:
    opens(database, cast, 4)
    third = first(cast, superuser, 3)
    superuser.execute(change, [third])  # type: ignore[arg-type]
    verdict = verified(database, cast.empoli)
    assert (verdict.broken, verdict.seal, verdict.entry) == (Break.ENTRY_ALTERED, 3, third)
    assert verdict.seals == 2  # as far as it is sound


def test_an_entry_that_was_removed_is_named(database: Database, cast: Cast, superuser: Connection) -> None:
    opens(database, cast, 3)
    second = first(cast, superuser, 2)
    superuser.execute("DELETE FROM audit_entry WHERE id = %s", [second])
    verdict = verified(database, cast.empoli)
    assert (verdict.broken, verdict.entry) == (Break.ENTRY_MISSING, second)


def test_an_entry_that_was_put_in_between_is_named(
    database: Database, database_urls: DatabaseUrls, cast: Cast, superuser: Connection
) -> None:
    assert database_urls.name  # nobody gets this one after it
    opens(database, cast, 2)
    superuser.execute("ALTER TABLE audit_entry DISABLE TRIGGER leave_to_be_sealed")
    superuser.execute(
        "INSERT INTO audit_entry (ente_id, contact_id, kind, occurred_at, actor_id, place, reason, detail)"
        " SELECT ente_id, contact_id, kind, occurred_at, actor_id, place, reason, detail FROM audit_entry LIMIT 1"
    )
    verdict = verified(database, cast.empoli)
    assert (verdict.broken, verdict.entry) == (Break.ENTRY_UNSEALED, first(cast, superuser, 3))


def test_an_entry_that_is_kept_from_being_sealed_is_named(
    database: Database, cast: Cast, superuser: Connection
) -> None:
    by = anna(database, cast)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        service.note(session, by, kind="file.opened", ente_id=cast.empoli, contact_id=cast.mario)
    assert verified(database, cast.empoli).broken is None  # it waits for its seal
    superuser.execute("DELETE FROM audit_unsealed")
    assert verified(database, cast.empoli).broken is Break.ENTRY_UNSEALED


def test_two_entries_that_changed_places_are_named(database: Database, cast: Cast, superuser: Connection) -> None:
    opens(database, cast, 2)
    one, two = first(cast, superuser, 1), first(cast, superuser, 2)
    for old, new in ((one, -1), (two, one), (-1, two)):
        superuser.execute("UPDATE audit_entry SET id = %s WHERE id = %s", [new, old])
    verdict = verified(database, cast.empoli)
    assert (verdict.broken, verdict.entry) == (Break.ENTRY_ALTERED, one)


def test_a_seal_that_was_removed_or_altered_is_named(database: Database, cast: Cast, superuser: Connection) -> None:
    opens(database, cast, 3)
    superuser.execute("UPDATE audit_seal SET sealed_at = sealed_at - interval '1 day' WHERE number = 2")
    assert (verified(database, cast.empoli).broken, verified(database, cast.empoli).seal) == (Break.SEAL_ALTERED, 2)
    superuser.execute("DELETE FROM audit_seal WHERE number = 2")
    assert (verified(database, cast.empoli).broken, verified(database, cast.empoli).seal) == (Break.SEAL_MISSING, 2)


def test_a_chain_that_was_made_anew_lacks_the_installations_mark(
    database: Database, cast: Cast, superuser: Connection, database_urls: DatabaseUrls
) -> None:
    """Somebody with the whole database, but not with the master key, removes an entry and seals everything again."""
    opens(database, cast, 3)
    superuser.execute("DELETE FROM audit_entry WHERE id = %s", [first(cast, superuser, 2)])
    superuser.execute("DELETE FROM audit_seal")
    superuser.execute("INSERT INTO audit_unsealed (entry_id, ente_id) SELECT id, ente_id FROM audit_entry")
    forger = Database(database_urls.app, database_urls.routing, pool_size=2, secrecy=Secrecy(b"x" * 32))
    sealing.seal_pending(forger)
    forger.dispose()
    assert verified(database, cast.empoli).broken is Break.SEAL_FORGED


def test_a_chain_that_was_cut_off_is_told_by_a_head_that_was_written_down(
    database: Database, cast: Cast, superuser: Connection
) -> None:
    opens(database, cast, 3)
    head = verified(database, cast.empoli).head
    assert head is not None
    assert head.number == 3
    assert verified(database, cast.empoli, head=head).broken is None
    third = first(cast, superuser, 3)
    superuser.execute("DELETE FROM audit_seal WHERE number = 3")
    superuser.execute("DELETE FROM audit_entry WHERE id = %s", [third])
    assert verified(database, cast.empoli).broken is None  # nothing in it says so
    assert verified(database, cast.empoli, head=head).broken is Break.CUT_OFF
    opens(database, cast)
    assert verified(database, cast.empoli, head=head).broken is Break.CUT_OFF
    assert verified(database, cast.empoli, head=Head(2, head.digest)).broken is Break.CUT_OFF


def test_the_log_is_told_where_each_chain_ends(database: Database, cast: Cast) -> None:
    opens(database, cast, 2)
    head = verified(database, cast.empoli).head
    assert head is not None
    with capture_logs() as logged:
        sealing.log_heads(database)
    told = [(one["chain"], one["number"], one["digest"]) for one in logged if one["event"] == "audit_head"]
    assert told == [(cast.empoli, 2, head.digest.hex())]


def test_a_part_of_the_chain_can_be_verified(database: Database, cast: Cast, superuser: Connection) -> None:
    opens(database, cast, 4)
    superuser.execute("UPDATE audit_entry SET place = 'altrove' WHERE id = %s", [first(cast, superuser, 1)])
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        since = session.scalars(select(AuditSeal.sealed_at).where(AuditSeal.number == 3)).one()
    assert verified(database, cast.empoli).broken is Break.ENTRY_ALTERED
    verdict = verified(database, cast.empoli, since=since)
    assert (verdict.broken, verdict.seals, verdict.entries) == (None, 2, 2)


# -- persons ------------------------------------------------------------------------------------------------------


def test_what_is_said_of_a_person_is_unreadable_in_the_table(
    database: Database, cast: Cast, superuser: Connection
) -> None:
    by = anna(database, cast)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        service.note(
            session, by, kind="contact.changed", ente_id=cast.empoli, contact_id=cast.mario, subject="BIANCHI MARIO",
            reason="lo ha detto al telefono", before={"address": "Via Roma 1"}, after={"address": "Via Verdi 7"},
        )  # fmt: skip
        (noted,) = queries.of_contact(session, cast.empoli, [cast.mario])
    assert (noted.before, noted.after) == ({"address": "Via Roma 1"}, {"address": "Via Verdi 7"})
    assert (noted.subject, noted.reason, noted.actor) == ("BIANCHI MARIO", "lo ha detto al telefono", "Anna")
    row = str(superuser.execute("SELECT to_jsonb(e)::text FROM audit_entry e").fetchone())
    for value in ("BIANCHI", "Via", "telefono", b"Via".hex(), b"BIANCHI".hex()):
        assert value not in row


def test_a_person_who_was_erased_is_read_no_more_and_the_chain_verifies(database: Database, cast: Cast) -> None:
    opens(database, cast, 2)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        keys.destroy(session, (cast.empoli, cast.mario))
    opens(database, cast)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        noted = queries.of_contact(session, cast.empoli, [cast.mario])
    assert [(one.erased, one.subject) for one in noted] == [(False, "BIANCHI MARIO"), (True, ""), (True, "")]
    assert verified(database, cast.empoli).broken is None


def test_values_do_not_open_under_another_entrys_head(database: Database, cast: Cast, superuser: Connection) -> None:
    opens(database, cast, 2)
    superuser.execute(
        "UPDATE audit_entry SET secret = (SELECT secret FROM audit_entry ORDER BY id LIMIT 1) WHERE id = %s",
        [first(cast, superuser, 2)],
    )
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert [one.erased for one in queries.of_contact(session, cast.empoli, [cast.mario])] == [True, False]


# -- retention ----------------------------------------------------------------------------------------------------


def grow_old(connection: Connection, database: Database, cast: Cast, months: int) -> None:
    """Everything so far happened so long ago, sealed as it was then."""
    for change in (
        "UPDATE audit_entry SET occurred_at = occurred_at - make_interval(months => %s)",
        "UPDATE audit_seal SET sealed_at = sealed_at - make_interval(months => %s)",
    ):
        connection.execute(change, [months])
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        again(session, connection, cast.empoli)


def again(session: Any, connection: Connection, chain: int) -> None:
    """Make the chain's seals over what is there now, as the product itself would have."""
    from crm.audit.chain import BEGINNING, entry_hash, seal_digest  # noqa: PLC0415
    from crm.core import secrecy  # noqa: PLC0415

    before = BEGINNING
    for one in session.scalars(select(AuditSeal).order_by(AuditSeal.number)):
        found = sealing.entries(session, one.entries)
        hashes = b"".join(entry_hash(found[i]) for i in one.entries)
        before = seal_digest(
            before, chain=chain, number=one.number, sealed_at=one.sealed_at, entries=one.entries, hashes=hashes
        )
        mark = secrecy.of(session).mark(sealing.MARK, before)
        connection.execute(
            "UPDATE audit_seal SET hashes = %s, digest = %s, mark = %s WHERE number = %s",
            [hashes, before, mark, one.number],
        )


def test_old_batches_go_and_their_seals_stay(database: Database, cast: Cast, superuser: Connection) -> None:
    opens(database, cast, 2)
    grow_old(superuser, database, cast, 25)
    opens(database, cast, 2)
    assert sealing.let_all_go(database, months=30) == 0
    assert sealing.let_all_go(database, months=1) == 2  # never sooner than after 24 months
    assert sealing.let_all_go(database, months=24) == 0
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert len(session.scalars(select(AuditEntry.id)).all()) == 2
        assert len(session.scalars(select(AuditSeal.number)).all()) == 4
    verdict = verified(database, cast.empoli)
    assert (verdict.broken, verdict.seals, verdict.entries) == (None, 4, 2)


@pytest.mark.parametrize(("reason", "through"), [("retention", 1), ("contract_ended", 10**9)])
def test_nobody_hides_a_removal_behind_an_expiry(
    database: Database, cast: Cast, superuser: Connection, reason: str, through: int
) -> None:
    opens(database, cast, 2)
    superuser.execute("DELETE FROM audit_entry WHERE id = %s", [first(cast, superuser, 1)])
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.execute(
            text(
                "INSERT INTO audit_expiry (chain, ente_id, through, entries, reason, at, mark)"
                " VALUES (:ente, :ente, :through, 1, :reason, now() + interval '5 years', :mark)"
            ),
            {"ente": cast.empoli, "through": through, "reason": reason, "mark": b"x" * 32},
        )
    assert verified(database, cast.empoli).broken is Break.EXPIRY_FORGED


def test_an_expiry_that_had_no_right_to_be_is_told(database: Database, cast: Cast, superuser: Connection) -> None:
    """Even said by this installation: entries were young, or nobody ended the contract."""
    opens(database, cast, 2)
    for reason in ExpiryReason:
        with database.begin(Scope.of_enti([cast.empoli])) as session:
            sealing.note_expiry(session, cast.empoli, through=1, entries=1, reason=reason)
        assert verified(database, cast.empoli).broken is Break.EXPIRED_EARLY
        superuser.execute("DELETE FROM audit_expiry")


def test_an_entry_that_is_left_of_those_let_go_of_is_still_verified(
    database: Database, cast: Cast, superuser: Connection
) -> None:
    opens(database, cast, 2)
    grow_old(superuser, database, cast, 25)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        sealing.note_expiry(session, cast.empoli, through=2, entries=0, reason=ExpiryReason.RETENTION)
    assert verified(database, cast.empoli).broken is None
    superuser.execute("UPDATE audit_entry SET place = 'altrove' WHERE id = %s", [first(cast, superuser, 1)])
    assert verified(database, cast.empoli).broken is Break.ENTRY_ALTERED


def test_the_application_removes_no_entry_that_is_young_or_another_entes(
    database: Database, cast: Cast, superuser: Connection
) -> None:
    opens(database, cast, 2)
    young, old = first(cast, superuser, 1), first(cast, superuser, 2)
    superuser.execute("UPDATE audit_entry SET occurred_at = now() - interval '3 years' WHERE id = %s", [old])

    def expire(ente: int) -> int:
        with database.begin(Scope.of_enti([ente])) as session:
            return session.execute(text("SELECT expire_audit(ARRAY[:a, :b])"), {"a": young, "b": old}).scalar_one()

    assert expire(cast.siena) == 0
    assert expire(cast.empoli) == 1
    assert first(cast, superuser, 1) == young


@pytest.mark.parametrize(
    "attempt",
    [
        "DELETE FROM audit_entry", "UPDATE audit_entry SET kind = ''", "TRUNCATE audit_entry", "DELETE FROM audit_seal",
        "UPDATE audit_seal SET number = 9", "DELETE FROM audit_expiry", "UPDATE person_key SET wrapped = ''",
        "ALTER TABLE audit_entry DISABLE TRIGGER leave_to_be_sealed", "UPDATE audit_unsealed SET entry_id = 9",
    ],
)  # fmt: skip
def test_the_application_may_only_add(
    database: Database, cast: Cast, database_urls: DatabaseUrls, attempt: str
) -> None:
    opens(database, cast)
    url = database_urls.app.replace("postgresql+psycopg:", "postgresql:")
    with psycopg.connect(url) as app:
        app.execute(
            "SELECT set_config('app.enti', %s, true), set_config('app.contracts', '', true)", [str(cast.empoli)]
        )
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(attempt)  # type: ignore[arg-type]
