"""The relief letter: printed and handed over from an open file, where the ente has authorised it and nowhere else."""

from datetime import date

import pytest
from sqlalchemy import select, update

from crm.access.models import RoleGrant
from crm.audit.models import AuditEntry
from crm.core.db import Database, Scope
from crm.positions.models import Position, PositionState
from crm.timeline.models import EntryKind, TimelineEntry
from tests.cast import Cast
from tests.web.test_files import Reader
from tests.web.test_files import reader as reader  # noqa: PLC0414  (the fixture)

pytestmark = pytest.mark.integration
ON = date(2026, 9, 8)


def relieve(database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        relieved = {"state": PositionState.RELIEVED, "state_on": ON, "state_note": "versamento già eseguito"}
        session.execute(update(Position).where(Position.reference == "E-1").values(relieved))


def entries(database: Database, cast: Cast) -> list[TimelineEntry]:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        return list(session.scalars(select(TimelineEntry).where(TimelineEntry.kind == EntryKind.LETTER)))


def test_it_is_printed_and_handed_over_at_the_desk_and_stands_on_the_timeline(
    reader: Reader, database: Database, cast: Cast
) -> None:
    relieve(database, cast)
    at = f"/files/positions/{reader.position()}/relief/{ON}"
    assert reader.opens(cast.mario, purpose="desk").status_code in {204, 303}
    assert at in reader.sees(f"/files/positions/{reader.position()}")
    letter = reader.client.get(at)
    assert letter.status_code == 200, letter.text
    assert letter.headers["content-type"] == "application/pdf"
    assert letter.content.startswith(b"%PDF")
    assert letter.headers["cache-control"] == "no-store"
    assert entries(database, cast) == []
    done = reader.client.post(at, headers=reader.headers)
    assert "cronologia" in done.text
    (entry,) = entries(database, cast)
    assert (entry.contact_id, entry.author_id, entry.status) == (cast.mario, cast.sara, "handed_over")
    assert "consegnata" in reader.sees(f"/files/{cast.mario}")
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        kinds = session.scalars(select(AuditEntry.kind).where(AuditEntry.kind.startswith("relief_letter"))).all()
    assert sorted(kinds) == ["relief_letter.handed_over", "relief_letter.printed"]


def test_nothing_is_offered_or_printed_that_the_ente_has_not_authorised(
    reader: Reader, database: Database, cast: Cast
) -> None:
    at = f"/files/positions/{reader.position()}/relief/{ON}"
    reader.opens(cast.mario, purpose="desk")
    assert "/relief/" not in reader.sees(f"/files/positions/{reader.position()}")
    assert reader.client.get(at).status_code == 409
    assert reader.client.post(at, headers=reader.headers).status_code == 409
    relieve(database, cast)
    assert reader.client.get(at.replace("09-08", "09-09")).status_code == 409
    assert entries(database, cast) == []


def test_of_a_closed_file_by_an_ente_or_of_others_there_is_none(reader: Reader, database: Database, cast: Cast) -> None:
    relieve(database, cast)
    at = f"/files/positions/{reader.position()}/relief/{ON}"
    assert reader.client.get(at).status_code == 403
    assert reader.opens(cast.mario, purpose="case_check").status_code in {204, 303}
    assert reader.client.get(at).status_code == 200
    assert reader.client.post(at, headers=reader.headers).status_code == 409  # nobody is there
    reader.sit_down("vera")
    assert reader.opens(cast.mario, purpose="ente_control").status_code in {204, 303}
    assert "/relief/" not in reader.sees(f"/files/positions/{reader.position()}")
    assert reader.client.get(at).status_code == 403
    with database.begin(Scope.nothing()) as session:
        grant = session.scalars(select(RoleGrant).where(RoleGrant.user_id == cast.luca)).one()
        grant.contract_id, grant.ente_id = None, cast.siena
    reader.sit_down("luca")
    assert reader.client.get(at).status_code == 404
