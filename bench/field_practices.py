"""Practices of visits: 5,000 shared out among 30 agents; 300,000 civic numbers read, addresses placed by them."""

import random
import time
from collections import Counter
from collections.abc import Iterator

from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result, median
from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core.db import Scope
from outbound.field.places import queries, reading
from outbound.field.places.placing import Placed, Point
from outbound.field.practices.assigning import Hand, Task, share

PRACTICES, AGENTS = 5_000, 30
TOWNS, STREETS, NUMBERS = 10, 300, 100  # 300,000 civic numbers
ADDRESSES = 10_000
SHARED_S, READ_S, PLACED_S = 10.0, 60.0, 10.0
KINDS = (("Via", "V."), ("Viale", "V.le"), ("Piazza", "P.zza"), ("Corso", "C.so"))


def measure(place: Place, options: Options) -> list[Result]:
    """Sharing out, which is pure; reading and placing, in the database."""
    quick = 10 if options.quick else 1
    centre = place.centre("field_practices")
    results = [_shared(PRACTICES // quick, options), *_placed(centre, quick)]
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
        found = share(tasks, hands, most=500)
        took.append(time.perf_counter() - begun)
    loads = sorted(found.load.values())
    return Result(
        f"{many:,} practices among {AGENTS} agents", f"≤ {SHARED_S:g} s", "–", f"{median(took):.2f} s",
        f"{loads[0]}–{loads[-1]} each, {len(found.left)} left", median(took) <= SHARED_S, {"took": took},
    )  # fmt: skip


def _placed(centre: Centre, quick: int) -> list[Result]:
    by = Principal(centre.cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, centre.cast.contract)}))
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
    how = Counter(one.placed for one in found.values())
    said = ", ".join(f"{(one or 'nowhere')} {how[one]:,}" for one in Placed if how[one])
    many = len(lines) - 1
    return [
        Result(f"{many:,} civic numbers read", f"≤ {READ_S:g} s", "–", f"{read:.1f} s", f"{many / read:,.0f}/s",
               read <= READ_S),
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
