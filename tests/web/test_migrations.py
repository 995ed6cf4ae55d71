"""The migrations end where the models are, and can be undone."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from tests.databases import DatabaseUrls
from web.migrations.running import config, upgrade
from web.migrations.tables import METADATA

pytestmark = pytest.mark.integration


def test_the_migrations_end_where_the_models_are(database_urls: DatabaseUrls) -> None:
    engine = create_engine(database_urls.owner)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)
    engine.dispose()
    assert differences == []


def test_what_was_imported_before_is_still_there_after_an_update(database_urls: DatabaseUrls) -> None:
    """Today's tables, back to those before imports had a run from their sending, and forth again."""
    settings = config(database_urls.owner)
    before = str(ScriptDirectory.from_config(settings).get_revision("0003").down_revision)
    command.downgrade(settings, before)
    engine = create_engine(database_urls.owner)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE import_run NO FORCE ROW LEVEL SECURITY"))
        connection.execute(
            text(
                "INSERT INTO ente VALUES (1, 'Comune di Empoli', 'Empoli', '048014', 'D403', '01329160483', 'FI', 1,"
                " 'Andrea', 11, 30, true)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO import_run (ente_id, file_name, file_sha256, file_bytes, read_bytes, line, created,"
                " changed, unchanged, refused, warned, state, started_at, moved_at)"
                " VALUES (1, 'feed', 'x', 9, 9, 3, 1, 0, 0, 0, 0, 'done', now(), now())"
            )
        )
    upgrade(database_urls.owner)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT state, line, job_id FROM import_run")).all() == [("done", 3, None)]
    engine.dispose()


def test_whoever_was_there_before_is_found_in_either_order(database_urls: DatabaseUrls) -> None:
    """Today's tables, back to those before names had a second key, and forth again."""
    settings = config(database_urls.owner)
    command.downgrade(settings, str(ScriptDirectory.from_config(settings).get_revision("0006").down_revision))
    engine = create_engine(database_urls.owner)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE contact NO FORCE ROW LEVEL SECURITY"))
        connection.execute(
            text(
                "INSERT INTO ente VALUES (1, 'Comune di Empoli', 'Empoli', '048014', 'D403', '01329160483', 'FI', 1,"
                " 'Andrea', 11, 30, true)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO contact (ente_id, codice_fiscale, kind, surname, given_name, name_key, language, as_of,"
                " digest) VALUES (1, 'RSSMRA80A01D403T', 'natural', 'D''Àmico', 'Nicolò', 'DAMICO NICOLO', 'it', now(),"
                " 'x'), (1, '00975370487', 'legal', 'Impianti Pucci & Figli S.n.c.', NULL,"
                " 'IMPIANTI PUCCI FIGLI S N C', 'it', now(), 'x')"
            )
        )
        connection.execute(text("ALTER TABLE contact FORCE ROW LEVEL SECURITY"))
    upgrade(database_urls.owner)
    with engine.begin() as connection:
        forced = text("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'contact'")
        assert connection.execute(forced).scalar_one() is True
        words = set(connection.execute(text("SELECT DISTINCT word FROM name_stump")).scalars())
        connection.execute(text("ALTER TABLE contact NO FORCE ROW LEVEL SECURITY"))
        rows = connection.execute(text("SELECT name_key, given_key FROM contact ORDER BY id"))
        keys = [tuple(row) for row in rows]
    assert keys == [("DAMICO NICOLO", "NICOLO DAMICO"), ("IMPIANTI PUCCI FIGLI SNC", "PUCCI FIGLI SNC")]
    assert words == {"DAMICO", "NICOLO", "IMPIANTI", "PUCCI", "FIGLI", "SNC"}
    engine.dispose()


def test_addresses_of_whoever_was_there_before_are_kept_there_and_back(database_urls: DatabaseUrls) -> None:
    """Today's tables, back to those in which an address was a part of its contact, forth, and back again."""
    settings = config(database_urls.owner)
    before = str(ScriptDirectory.from_config(settings).get_revision("0008").down_revision)
    command.downgrade(settings, before)
    engine = create_engine(database_urls.owner)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE contact NO FORCE ROW LEVEL SECURITY"))
        connection.execute(text("ALTER TABLE contact_reach NO FORCE ROW LEVEL SECURITY"))
        connection.execute(
            text(
                "INSERT INTO ente VALUES (1, 'Comune di Empoli', 'Empoli', '048014', 'D403', '01329160483', 'FI', 1,"
                " 'Andrea', 11, 30, true)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO contact (id, ente_id, codice_fiscale, kind, surname, name_key, language, as_of, digest,"
                " address, postcode, town) VALUES"
                " (1, 1, 'RSSMRA80A01D403T', 'natural', 'Rossi', 'ROSSI', 'it', now(), 'x', 'Via Roma, 1', NULL,"
                " 'Empoli'),"
                " (2, 1, '00975370487', 'legal', 'Vivai', 'VIVAI', 'it', now(), 'x', NULL, '50053', 'Empoli'),"
                " (3, 1, 'BNCMRA62A01D403X', 'natural', 'Bianchi', 'BIANCHI', 'it', now(), 'x', NULL, NULL, NULL)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO contact_reach (ente_id, contact_id, kind, value, source) VALUES"
                " (1, 1, 'phone', '+390571700123', 'gestionale'), (1, 1, 'phone', '+393331234567', 'call')"
            )
        )
    upgrade(database_urls.owner)
    with engine.begin() as connection:
        for table in ("contact", "contact_address", "contact_reach"):
            forced = text(f"SELECT relforcerowsecurity FROM pg_class WHERE relname = '{table}'")
            assert connection.execute(forced).scalar_one() is True
            connection.execute(text(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
        addresses = connection.execute(
            text("SELECT contact_id, kind, street, place_key, stated FROM contact_address ORDER BY contact_id")
        ).all()
        reaches = connection.execute(text("SELECT source, stated FROM contact_reach ORDER BY value")).all()
    assert addresses == [
        (1, "residence", "Via Roma, 1", "VIA ROMA 1 EMPOLI IT", True), (2, "seat", None, "50053 EMPOLI IT", True),
    ]  # fmt: skip
    assert reaches == [("gestionale", True), ("taxpayer", False)]
    command.downgrade(settings, before)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE contact NO FORCE ROW LEVEL SECURITY"))
        flat = connection.execute(text("SELECT address, postcode, town FROM contact ORDER BY id")).all()
    assert flat == [("Via Roma, 1", None, "Empoli"), (None, "50053", "Empoli"), (None, None, None)]
    engine.dispose()


def test_messages_left_before_they_were_encrypted_are_still_there_after_an_update(database_urls: DatabaseUrls) -> None:
    """Marked as not encrypted; of the deleted ones nothing is looked for any more."""
    settings = config(database_urls.owner)
    command.downgrade(settings, str(ScriptDirectory.from_config(settings).get_revision("0045").down_revision))
    engine = create_engine(database_urls.owner)
    calls = [f"00000000-0000-0000-0000-00000000000{n}" for n in range(4)]
    at, gone = "timestamptz '2026-11-01 09:00Z'", "timestamptz '2026-11-02 09:00Z'"
    with engine.begin() as connection:
        for table in ("call", "voicemail"):
            connection.execute(text(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
        connection.execute(text("ALTER TABLE voicemail DROP CONSTRAINT fk_voicemail_call_id"))
        rows = (
            (calls[0], "'a'", "NULL", at),  # in the store, and gone at the carrier
            (calls[1], "'a'", "NULL", "NULL"),
            (calls[2], "NULL", "NULL", "NULL"),  # still with the carrier alone
            (calls[3], "'b'", gone, at),
        )
        for call, sha256, deleted, let_go in rows:
            connection.execute(
                text(
                    "INSERT INTO voicemail (call_id, contract_id, recording_sid, seconds, left_at, sha256, kept_under,"
                    f" keep_until, deleted_at, let_go_at) VALUES ('{call}', 1, 'RE', 9, {at}, {sha256}, 0, {gone},"
                    f" {deleted}, {let_go})"
                )
            )
    upgrade(database_urls.owner)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE voicemail NO FORCE ROW LEVEL SECURITY"))
        found = connection.execute(
            text("SELECT unsealed, sha256, at_carrier, gone FROM voicemail ORDER BY call_id")
        ).all()  # fmt: skip
    engine.dispose()
    assert found == [
        ("a", None, False, None), ("a", None, True, None), (None, None, True, None), (None, None, False, "expired"),
    ]  # fmt: skip
