"""Practices of visits: 10,000 shared out among 30 agents; 300,000 civic numbers uploaded, addresses placed by them."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import httpx
import psycopg
from sqlalchemy.orm import Session

from bench.lists import fill
from bench.options import Options
from bench.p5 import sign_in
from bench.place import Centre, Place
from bench.results import Result, median
from crm.access.models import Role, RoleGrant, User
from crm.access.permissions import Held, Principal
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.secrecy import Secrecy
from outbound.field.places import queries, reading
from outbound.field.places.placing import Placed, Point
from outbound.field.practices import assignments
from outbound.field.practices.assigning import Hand, Task, share
from outbound.field.practices.lifecycle import Limits
from tests.outbound.field import people
from web.edge.visits import COOKIE

PRACTICES, AGENTS, FIRST, EACH = 10_000, 30, 100_000, 500
TOWNS, STREETS, NUMBERS = 10, 300, 100  # 300,000 civic numbers
ADDRESSES = 10_000
SHARED_S, READ_S, PLACED_S = 10.0, 60.0, 10.0
PROPOSED_S, DONE_S, UPLOADED_S = 30.0, 60.0, 60.0
OPEN = """
    INSERT INTO field_practice (ente_id, number, contact_id, origin, state, cents, residential, street, postcode, town,
                                latitude, longitude, placed, opened_at, opened_by)
    SELECT %(ente)s, id - %(first)s + 1, id, 'ente', 'open', 10000 + id %% 90000, true, 'Via Roma 1', '50053', 'Empoli',
           43.5 + (id * 7919 %% 3000) / 10000.0, 10.7 + (id * 104729 %% 3000) / 10000.0, 'civic', now(), %(by)s
    FROM contact WHERE id >= %(first)s
"""
KINDS = (("Via", "V."), ("Viale", "V.le"), ("Piazza", "P.zza"), ("Corso", "C.so"))


def measure(place: Place, options: Options) -> list[Result]:
    """Sharing out, which is pure; reading and placing, in the database."""
    quick = 10 if options.quick else 1
    centre = place.centre("field_practices")
    results = [
        _shared(PRACTICES // quick, options), *_assigned(place, centre, PRACTICES // quick), *_placed(centre, quick)
    ]  # fmt: skip
    centre.close()
    return results


def _shared(many: int, options: Options) -> Result:
    dice = random.Random(1)
    tasks = [
        Task(
            n, f"town {n % 11}", Point(43.5 + dice.random() / 3, 10.7 + dice.random() / 3) if n % 20 else None,
            cents=dice.randrange(100_000), excluded=frozenset(dice.sample(range(AGENTS), n % 3)),
        )
        for n in range(many)
    ]  # fmt: skip
    hands = [Hand(n, dice.randrange(20)) for n in range(AGENTS)]
    took = []
    for _ in range(options.repeats):
        begun = time.perf_counter()
        found = share(tasks, hands, most=EACH)
        took.append(time.perf_counter() - begun)
    loads = sorted(found.load.values())
    return Result(
        f"{many:,} practices among {AGENTS} agents", f"≤ {SHARED_S:g} s", "–", f"{median(took):.2f} s",
        f"{loads[0]}–{loads[-1]} each, {len(found.left)} left", median(took) <= SHARED_S, {"took": took},
    )  # fmt: skip


def _assigned(place: Place, centre: Centre, many: int) -> list[Result]:
    """As the page does it: a proposal, and then its practices offered; as often as one does not hold them all."""
    cast, by = centre.cast, _by(centre)
    scope, settings = Scope.of_contract(cast.contract), centre.settings
    database = Database(settings.database_url, settings.database_routing_url, secrecy=Secrecy(bytes(32)))

    def settle(session: Session) -> None:
        for number in range(1, AGENTS + 1):
            user = User(username=f"agent{number}", name=f"Agent {number}")
            session.add(user)
            session.flush()
            session.add(
                RoleGrant(user_id=user.id, role=Role.FIELD_AGENT, contract_id=cast.contract, valid_from=people.AS_OF)
            )
            people.approved(session, cast.empoli, people.an_agent(session, user.id, cast.sara, number), cast.sara)

    database.transact(scope, settle)
    with psycopg.connect(place.postgres.dsn(centre.name), autocommit=True) as connection:
        fill(connection, cast.empoli, FIRST, many)
        connection.execute(OPEN, {"ente": cast.empoli, "first": FIRST, "by": cast.sara})
        connection.execute("VACUUM ANALYZE")
    proposed, done, given = [], [], 0
    while given < many:
        begun = time.perf_counter()
        made = database.transact(scope, lambda session: _propose(session, by, cast.empoli))
        proposed.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        given += database.transact(scope, lambda session, one=made: assignments.apply(session, by, assignment_id=one))
        done.append(time.perf_counter() - begun)
    database.dispose()
    return [
        Result(f"{many:,} practices of an ente proposed to {AGENTS} agents", f"≤ {PROPOSED_S:g} s each", "–",
               f"{max(proposed):.1f} s", f"{len(proposed)} proposals", max(proposed) <= PROPOSED_S),
        Result(f"the same offered, {given:,} mandates written", f"≤ {DONE_S:g} s each", "–", f"{max(done):.1f} s",
               f"{given / sum(done):,.0f}/s", max(done) <= DONE_S),
    ]  # fmt: skip


def _propose(session: Session, by: Principal, ente_id: int) -> int:
    day = clock.business_day(clock.now(session))
    limits = Limits(day, day + timedelta(days=60), 3, may_photograph=False)
    return assignments.propose(session, by, ente_id=ente_id, limits=limits, most=EACH)


def _by(centre: Centre) -> Principal:
    return Principal(centre.cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, centre.cast.contract)}))


def _uploaded(centre: Centre, lines: list[str]) -> float:
    """The seconds of the request by which somebody uploads a file, until the page is shown anew."""
    centre.start_web(1)
    file = {"file": ("civici.csv", "".join(lines).encode(), "text/csv")}
    with httpx.Client(base_url=centre.settings.public_url, timeout=600, cookies={COOKIE: sign_in(centre)}) as client:
        begun = time.perf_counter()
        answer = client.post("/field/places", files=file, headers={"x-csrf-token": "x", "hx-request": "true"})
        took = time.perf_counter() - begun
    assert answer.status_code == httpx.codes.NO_CONTENT, answer.text
    return took


def _placed(centre: Centre, quick: int) -> list[Result]:
    by = _by(centre)
    scope = Scope.of_contract(centre.cast.contract)
    numbers = NUMBERS // quick
    lines = list(_lines(numbers))
    begun = time.perf_counter()
    centre.database.transact(scope, lambda session: reading.read(session, by, name="civics.csv", lines=iter(lines)))
    read = time.perf_counter() - begun
    addresses = _addresses(ADDRESSES // quick, numbers)
    begun = time.perf_counter()
    with centre.database.begin(scope) as session:
        found = queries.locate(session, addresses)
    located = time.perf_counter() - begun
    uploaded = _uploaded(centre, lines)
    how = Counter(one.placed for one in found.values())
    said = ", ".join(f"{(one or 'nowhere')} {how[one]:,}" for one in Placed if how[one])
    many = len(lines) - 1
    return [
        Result(f"{many:,} civic numbers read", f"≤ {READ_S:g} s", "–", f"{read:.1f} s", f"{many / read:,.0f}/s",
               read <= READ_S),
        Result(f"the same uploaded again, over HTTP, {sum(map(len, lines)) / 1e6:.0f} MB", f"≤ {UPLOADED_S:g} s", "–",
               f"{uploaded:.1f} s", f"{many / uploaded:,.0f}/s", uploaded <= UPLOADED_S),
        Result(f"{len(addresses):,} addresses placed by {many:,} civic numbers", f"≤ {PLACED_S:g} s", "–",
               f"{located:.2f} s", said, located <= PLACED_S),
    ]  # fmt: skip


def _lines(numbers: int) -> Iterator[str]:
    yield "COMUNE;ODONIMO;CIVICO;ESPONENTE;CAP;COORD_X_COMUNE;COORD_Y_COMUNE\n"
    for town in range(TOWNS):
        for street in range(STREETS):
            kind = KINDS[street % len(KINDS)][0]
            for number in range(numbers):
                east, north = 10.7 + town / 20 + street / 5_000, 43.5 + number / 5_000
                suffix = "A" if number % 10 == 9 else ""
                yield f"Comune {town};{kind} Strada {street};{number + 1};{suffix};5000{town};{east:.5f};{north:.5f}\n"


def _addresses(many: int, numbers: int) -> dict[int, tuple[str, str]]:
    """Half abbreviated; one in ten with a number that is not there, one in twenty in a street that is not."""
    dice = random.Random(2)
    found = {}
    for n in range(many):
        street = dice.randrange(STREETS) if n % 20 else STREETS + 5
        kind = KINDS[street % len(KINDS)][n % 2]
        number = dice.randrange(numbers) + 1 if n % 10 else numbers + 20
        found[n] = f"{kind} Strada {street}, {number}", f"COMUNE {dice.randrange(TOWNS)}"
    return found
