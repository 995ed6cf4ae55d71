"""Tables of statements: the later stands, of two with one instant the one written later, within one ente."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import column, select, values

from crm.contacts.models import Contact, PersonKind
from crm.core.db import Database, Scope, table_of
from crm.core.stated import StatedTable
from tests.cast import AS_OF, Cast

pytestmark = pytest.mark.integration

COLUMNS = ("codice_fiscale", "kind", "surname", "name_key", "language")
CONTACTS = StatedTable(Contact, key="codice_fiscale", columns=COLUMNS)
GINA = "NREGNI50A41M059X"


def row(surname: str, *, as_of: datetime, digest: str = "new") -> dict[str, Any]:
    """What a statement says of Gina."""
    return {
        "codice_fiscale": GINA, "kind": "natural", "surname": surname, "name_key": surname.upper(), "language": "it",
        "as_of": as_of.isoformat(), "digest": digest,
    }  # fmt: skip


def write(database: Database, cast: Cast, *rows: dict[str, Any]) -> int:
    """Write statements about Vinci's taxpayers; how many rows they changed."""
    with database.begin(Scope.of_enti([cast.vinci])) as session:
        upsert = CONTACTS.upsert(ente_id=cast.vinci, told=CONTACTS.told(rows))
        return len(session.execute(upsert.returning(Contact.id)).all())


def surname(database: Database, cast: Cast) -> str:
    with database.begin(Scope.of_enti([cast.vinci])) as session:
        return session.execute(select(Contact.surname).where(Contact.codice_fiscale == GINA)).scalar_one()


def test_an_older_statement_does_not_stand_and_a_corrected_one_of_the_same_instant_does(
    database: Database, cast: Cast
) -> None:
    assert write(database, cast, row("Nera", as_of=AS_OF - timedelta(days=1))) == 0
    assert surname(database, cast) == "NERI"
    assert write(database, cast, row("Bruni", as_of=AS_OF)) == 1
    assert write(database, cast, row("Bruni", as_of=AS_OF)) == 0  # it says nothing new
    assert write(database, cast, row("Bianchi", as_of=AS_OF, digest="corrected")) == 1
    assert surname(database, cast) == "Bianchi"


def test_statements_may_come_from_any_relation(database: Database, cast: Cast) -> None:
    """As a big feed's will, once it is copied into a table of its own."""
    table = table_of(Contact)
    told, gone = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC)
    names = (*COLUMNS, "as_of", "digest", "withdrawn_as_of")
    staged = values(*(column(name, table.c[name].type) for name in names), name="staged").data(
        [(GINA, PersonKind.NATURAL, "Verdi", "VERDI", "it", told, "staged", gone)]
    )
    with database.begin(Scope.of_enti([cast.vinci])) as session:
        session.execute(CONTACTS.upsert(ente_id=cast.vinci, told=staged.alias("staged")))
        known = CONTACTS.known(session, ente_id=cast.vinci, keys=[GINA, "UNKNOWN"])
        assert list(known) == [(GINA, cast.gina, told, "staged", gone)]
    assert surname(database, cast) == "Verdi"


def test_what_another_ente_knows_is_not_known_here(database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_enti([cast.empoli, cast.vinci])) as session:
        assert list(CONTACTS.known(session, ente_id=cast.empoli, keys=[GINA])) == []
