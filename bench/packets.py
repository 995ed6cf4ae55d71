"""A field agent's packet of 60 practices, each with two notices: how large it is, and how long it takes over a slow
link, 50 kB a second and 400 ms there and back. The link's time is reckoned from the size; the server's is measured.

The ceiling is the size of the practices' names, places and amounts alone, pressed in the same way.
"""

import statistics
import time
from uuid import uuid4

import psycopg
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from bench.lists import fill
from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result
from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core import clock
from crm.core.db import Scope
from crm.positions.models import Position
from outbound.field.practices.lifecycle import MandateState, Origin, State
from outbound.field.practices.models import FieldMandate, Practice, PracticeDebt
from outbound.field.visits import devices, packets
from tests.outbound.field.people import an_agent, approved
from web.field import packet as packing
from web.wiring import build

MANY, FIRST, TARGET_S = 60, 100_000, 5.0
LINK_BYTES_S, LINK_S = 50_000, 0.4


def measure(place: Place, options: Options) -> list[Result]:
    """The packet, as the telephone gets it."""
    centre = place.centre("packets")
    with psycopg.connect(centre.place.postgres.dsn(centre.name)) as connection:
        fill(connection, centre.cast.empoli, FIRST, MANY)
        connection.execute(
            "UPDATE position SET notice_number = '3' || lpad((hashint8(id)::bigint + 3000000000)::text, 17, '0')"
            " WHERE contact_id >= %s",
            [FIRST],
        )
    scope = Scope.of_enti([centre.cast.empoli], [centre.cast.contract])
    by = Principal(centre.cast.anna, "Fabio", "it", frozenset({Held(Role.FIELD_AGENT, None, centre.cast.contract)}))
    token = centre.database.transact(scope, lambda session: _prepared(session, centre, by))
    runtime = build(centre.settings)
    took, size, bare = [], 0, 0
    for _ in range(3 if options.quick else max(5, options.repeats)):
        began = time.perf_counter()
        with centre.database.begin(scope) as session:
            given = packets.give(session, by, token=token)
            told = packing.written(session, runtime, given, "it")
        pressed = packing.pressed(told)
        took.append(time.perf_counter() - began)
        assert len(told["stops"]) == MANY, "each practice is in it"
        size = len(pressed)
        bare = len(
            packing.pressed(
                {
                    "stops": [
                        [one["name"], one["place"], [[pay["cents"] for pay in debt["pay"]] for debt in one["debts"]]]
                        for one in told["stops"]
                    ]
                }
            )
        )
    runtime.close()
    centre.close()
    server_s = statistics.median(took)
    whole = server_s + LINK_S + size / LINK_BYTES_S
    return [
        Result(
            f"a packet of {MANY} practices over 50 kB/s, 400 ms", f"≤ {TARGET_S:.0f} s", f"{bare / 1000:.1f} kB",
            f"{size / 1000:.1f} kB", f"{whole:.2f} s, {server_s * 1000:.0f} ms of it the server's", whole <= TARGET_S,
            {"bytes": size, "server_s": server_s},
        )
    ]  # fmt: skip


def _prepared(session: Session, centre: Centre, by: Principal) -> str:
    """Sixty accepted practices, and a telephone's token."""
    cast, at = centre.cast, clock.now(session)
    agent = an_agent(session, by.user_id, cast.sara)
    approved(session, cast.empoli, agent, cast.sara)
    today = clock.business_day(at)
    owed = session.execute(
        select(Position.contact_id, Position.reference, Position.residual_cents).where(Position.contact_id >= FIRST)
    ).all()
    for number, contact_id in enumerate(sorted({one.contact_id for one in owed}), start=1):
        row = Practice(
            ente_id=cast.empoli, number=number, contact_id=contact_id, origin=Origin.ENTE, state=State.ACCEPTED,
            cents=1, residential=True, street=f"Via Roma {number}", postcode="50053", town="Empoli",
            agent_id=agent.id, opened_at=at, opened_by=cast.sara,
        )  # fmt: skip
        session.add(row)
        session.flush()
        session.execute(
            insert(PracticeDebt),
            [
                {"practice_id": row.id, "reference": one.reference, "ente_id": cast.empoli, "cents": 1}
                for one in owed
                if one.contact_id == contact_id
            ],
        )
        session.add(
            FieldMandate(
                id=uuid4(), ente_id=cast.empoli, practice_id=row.id, agent_id=agent.id, state=MandateState.ACCEPTED,
                valid_from=today, valid_to=today, cents=1, most_visits=3, may_photograph=False, given_at=at,
                given_by=cast.sara, accepted_at=at, no_ties_at=at,
            )
        )  # fmt: skip
    return devices.register(session, by, name="bench").token
