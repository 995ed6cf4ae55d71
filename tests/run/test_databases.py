"""The databases that tests get: what one test leaves is not there in the next one's."""

from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, delete, select, update

from crm.access.models import User
from crm.contacts.models import Contact
from crm.core.db import Database, Scope
from crm.positions.models import Position
from crm.timeline.models import TimelineEntry
from tests.cast import Cast, make_ready
from tests.databases import Copies, DatabaseUrls, PostgresServer
from tests.telephony.stage import build

pytestmark = pytest.mark.integration


def contents(postgres: PostgresServer, name: str) -> dict[str, Any]:
    """Every row of every table, and where every sequence is."""
    named = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    with psycopg.connect(postgres.dsn, dbname=name) as connection:
        found: dict[str, Any] = {
            table: sorted(
                row for (row,) in connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
            )
            for (table,) in connection.execute(named).fetchall()
        }
        places = connection.execute("SELECT sequencename, last_value FROM pg_sequences").fetchall()
    return {**found, "sequences": sorted(places, key=str)}


def lived_in(urls: DatabaseUrls, cast: Cast) -> Connection:
    """A call is answered, a taxpayer and his position go, somebody is renamed, and a transaction stays open."""
    database = Database(urls.app, urls.routing)
    stage = build(database, cast)
    make_ready(database, cast.anna)
    stage.talks(stage.queues())
    with database.begin(Scope.of_contract(cast.contract)) as session:
        assert session.scalars(select(TimelineEntry)).first() is not None
        session.execute(delete(Position).where(Position.contact_id == cast.gina))
        session.execute(update(Contact).values(surname="VERDI"))
    stage.matcher.close()
    stage.dispatcher.close()
    left = database.app_engine.connect()
    left.execute(update(User).values(name="Nessuno"))
    database.dispose()
    return left


def test_what_is_given_back_is_as_a_copy(copies: Copies, settled: tuple[str, Cast], postgres: PostgresServer) -> None:
    template, cast = settled
    first = copies.make(template)
    left = lived_in(first, cast)
    copies.used(first, template)
    left.invalidate()
    again = copies.make(template)
    assert again is first, "nothing was done to it that only the owner may do"
    left = lived_in(again, cast)
    copies.used(again, template)
    left.invalidate()
    given_back, fresh = copies.make(template), copies.make(template)
    assert given_back is first
    assert fresh is not first
    assert contents(postgres, given_back.name) == contents(postgres, fresh.name)
    for one in (given_back, fresh):
        copies.used(one, template)


def test_whoever_had_more_than_the_application_has_is_followed_by_nobody(
    copies: Copies, template_database: str
) -> None:
    first = copies.make(template_database)
    assert first.owner
    copies.used(first, template_database)
    assert copies.make(template_database) is not first
