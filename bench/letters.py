"""Letters: a batch of a thousand made by the worker's job, each with two payment notices; its archive as a download.

The ceiling is laying them out alone, with nothing judged, kept or written. Memory is what the process grew by.
"""

import resource
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import select
from sqlalchemy.orm import Session

from bench.lists import fill
from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result
from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.collection.models import ImportRun, ImportState
from crm.core import clock
from crm.core.db import Scope
from crm.core.jobs import Taken
from crm.documents.store import FolderStore
from crm.positions.models import Position
from outbound.campaigns import admission, service
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Campaign
from outbound.campaigns.plan import Channel, Plan, Step
from outbound.letters import making, queries
from outbound.letters import service as letters
from outbound.letters.postage import Prices, Weight
from outbound.letters.printed import Printed
from outbound.letters.usual import USUAL
from outbound.lists.models import ContactList, ContactListMember, ListState, Origin
from tests.cast import NOTICE
from web.letters.package import streamed
from web.letters.paper import typeset

MANY, QUICK, FIRST = 1_000, 50, 100_000
MOST_MB = 100.0  # that the process may grow by, however many letters there are
PRICES = Prices(3, 12, {Weight.G20: 95})
PLAN = Plan(steps=(Step(Channel.LETTER),), letters=USUAL, line="+390571000001")


def measure(place: Place, options: Options) -> list[Result]:
    """A batch, and its archive."""
    many = QUICK if options.quick else MANY
    centre = place.centre("letters")
    with psycopg.connect(centre.place.postgres.dsn(centre.name)) as connection:
        fill(connection, centre.cast.empoli, FIRST, many)
        connection.execute(
            "UPDATE contact_address SET street = 'Via Roma ' || contact_id, postcode = '50053', town = 'Empoli',"
            " province = 'FI' WHERE contact_id >= %s",
            [FIRST],
        )
        connection.execute("UPDATE position SET notice_number = %s WHERE contact_id >= %s", [NOTICE, FIRST])
    said: list[Mapping[str, Any]] = []

    def laid_out(words: Mapping[str, Any], at: datetime) -> Printed:
        said.append(words)
        return typeset(words, at)

    scope = Scope.of_enti([centre.cast.empoli], [centre.cast.contract])
    batch_id = centre.database.transact(scope, lambda session: _asked(session, centre))
    with tempfile.TemporaryDirectory(prefix="filodiretto-bench-") as folder:
        store = FolderStore(Path(folder))
        before, began = _megabytes(), time.perf_counter()
        job = Taken(0, centre.cast.empoli, {"batch": batch_id}, lambda: None)
        making.make(store, laid_out, centre.database, job)
        made_s = time.perf_counter() - began
        with centre.database.begin(scope) as session:
            batch, listed = queries.batch(session, batch_id), list(queries.every(session, batch_id))
        assert batch.letters == len(listed) == many, "each of them gets a letter"
        began = time.perf_counter()
        size = sum(len(piece) for piece in streamed(batch, listed, store, batch.made_at))
        packed_s, grew = time.perf_counter() - began, _megabytes() - before
    began = time.perf_counter()
    for words in said[: many // 10]:
        typeset(words, datetime(2026, 1, 1, tzinfo=UTC))
    alone = (many // 10) / (time.perf_counter() - began)
    centre.close()
    return [
        Result(
            f"{many:,} letters made, {batch.pages / many:.0f} pages each", f"≤ {MOST_MB:.0f} MB more",
            f"{alone:,.1f}/s", f"{many / made_s:,.1f}/s", f"{many / made_s / alone:.2f}, {grew:.0f} MB",
            grew <= MOST_MB,
        ),
        Result(
            f"their archive of {size / 1e6:,.0f} MB", "–", "–", f"{size / 1e6 / packed_s:,.0f} MB/s",
            f"{packed_s:.2f} s", None,
        ),
    ]  # fmt: skip


def _asked(session: Session, centre: Centre) -> int:
    """A campaign that runs, about all of them, and its batch; what the ente says is of now."""
    now, cast = clock.now(session), centre.cast
    of = {"ente_id": cast.empoli}
    manager = Principal(cast.sara, "", "it", frozenset({Held(Role.CAMPAIGN_MANAGER, None, cast.contract)}))
    heard = {"file_name": "x", "file_bytes": 1, "totals": [], "state": ImportState.DONE}
    when = dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), now)
    its = ContactList(
        **of, name="x", origin=Origin.FILE, state=ListState.READY, made_by=cast.sara, made_at=now, members=0
    )
    session.add_all([its, ImportRun(**of, **heard, **when)])
    session.flush()
    everybody = session.scalars(select(Position.contact_id).distinct()).all()
    session.add_all(
        ContactListMember(**of, list_id=its.id, contact_id=one) for one in everybody if one >= FIRST
    )  # fmt: skip
    campaign_id = service.begin(
        session, manager, **of, contract_id=cast.contract, list_id=its.id, name="x", plan=PLAN
    )  # fmt: skip
    session.get_one(Campaign, campaign_id).state = State.RUNNING
    admission.admit(session, campaign_id=campaign_id)
    return letters.ask(session, manager, campaign_id=campaign_id, prices=PRICES, duplex=True)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
