"""Who may have a feed imported, and for which ente."""

from pathlib import Path

import pytest
from sqlalchemy import select

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.collection import service
from crm.collection.models import ImportRun
from crm.collection.service import IMPORT
from crm.core.db import Database, LiveTopic, Scope
from crm.core.errors import ForbiddenError
from crm.core.jobs import Job
from tests.cast import Cast, principal_of

pytestmark = pytest.mark.integration

FEED = Path("/uploads/feed.jsonl")


def jobs(database: Database, cast: Cast) -> list[Job]:
    with database.begin(Scope.of_enti([cast.empoli, cast.vinci, cast.siena])) as session:
        return list(session.execute(select(Job)).scalars())


@pytest.mark.parametrize("held", ["contract", "ente"])
def test_an_administrator_has_a_feed_of_his_own_ente_imported(database: Database, cast: Cast, held: str) -> None:
    heard: list[LiveTopic] = []
    database.on(LiveTopic, heard.extend)
    grant = Held(Role.ADMINISTRATOR, *((None, cast.contract) if held == "contract" else (cast.empoli, None)))
    by = Principal(cast.sara, "Sara", "it", frozenset({grant}))
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        service.send(session, by, ente_id=cast.empoli, path=FEED, size=9)
        run = session.execute(select(ImportRun)).scalar_one()
        assert run.started_by == cast.sara
    (job,) = jobs(database, cast)
    assert (job.ente_id, job.kind, job.argument) == (cast.empoli, IMPORT, {"run": run.id, "path": str(FEED)})
    assert LiveTopic(f"import:{cast.empoli}") in heard


def test_neither_another_ente_s_administrator_nor_another_role_does(database: Database, cast: Cast) -> None:
    everything = Scope.of_enti([cast.empoli, cast.vinci, cast.siena])
    with database.begin(everything) as session:
        staff = [principal_of(session, one) for one in (cast.anna, cast.sara, cast.vera)]
    elsewhere = Principal(cast.sara, "", "it", frozenset({Held(Role.ADMINISTRATOR, cast.siena, None)}))
    for by in (*staff, elsewhere, Principal(cast.sara, "", "it", frozenset())):
        with pytest.raises(ForbiddenError), database.begin(everything) as session:
            service.send(session, by, ente_id=cast.empoli, path=FEED, size=9)
    assert jobs(database, cast) == []
