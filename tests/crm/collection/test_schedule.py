"""Who may have a feed imported, and for which ente."""

from pathlib import Path

import pytest
from sqlalchemy import select

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.collection.tasks import IMPORT, schedule_import
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
        schedule_import(session, by, ente_id=cast.empoli, path=FEED)
    (job,) = jobs(database, cast)
    assert (job.ente_id, job.kind, job.argument) == (
        cast.empoli, IMPORT, {"path": str(FEED), "started_by": cast.sara},
    )  # fmt: skip
    assert heard == [LiveTopic(f"import:{cast.empoli}")]


def test_neither_another_ente_s_administrator_nor_another_role_does(database: Database, cast: Cast) -> None:
    everything = Scope.of_enti([cast.empoli, cast.vinci, cast.siena])
    with database.begin(everything) as session:
        staff = [principal_of(session, one) for one in (cast.anna, cast.sara, cast.vera)]
    elsewhere = Principal(cast.sara, "", "it", frozenset({Held(Role.ADMINISTRATOR, cast.siena, None)}))
    for by in (*staff, elsewhere, Principal(cast.sara, "", "it", frozenset())):
        with pytest.raises(ForbiddenError), database.begin(everything) as session:
            schedule_import(session, by, ente_id=cast.empoli, path=FEED)
    assert jobs(database, cast) == []
