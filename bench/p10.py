"""P10: what somebody typed without a slip, looked for among a million: in the database, and to the fragment."""

import random
from collections.abc import Callable, Sequence
from itertools import chain

from bench.desk import Desk, floor, in_database
from bench.million import million
from bench.options import Options
from bench.people import Person
from bench.place import Place
from bench.results import Result, median, percentile

MOST_FLOORS, MOST_MS = 3.0, 50.0
SHARE = 0.95
KINDS: dict[str, Callable[[Person, random.Random], str]] = {
    "codice fiscale": lambda one, _: one.codice_fiscale.lower(),
    "notice number": lambda one, _: " ".join(one.notice_number[n : n + 4] for n in range(0, 18, 4)),
    "phone": lambda one, _: f"0039 {one.phone[3:6]} {one.phone[6:]}",
    "surname, beginning of the name": lambda one, _: f"{one.surname} {one.given_name[:3]}",
    "name, beginning of the surname": lambda one, _: f"{one.given_name} {one.surname[:5]}",
    "beginning of the surname": lambda one, dice: one.surname[: dice.randint(3, 5)],
}


def measure(place: Place, options: Options) -> list[Result]:
    """Every kind of search for the same people, interleaved with the floor."""
    centre, filled = million(place, options)
    web = centre.start_web(1)
    dice = random.Random(10)
    each = 40 if options.quick else 200
    results = []
    for kind, typed in KINDS.items():
        texts = [typed(one, dice) for one in dice.sample(filled.sample, each)]
        floors, spent, statements = [], [], []
        for _ in range(options.repeats):
            searches = in_database(centre, filled, texts)
            spent.append(percentile([sum(one) for one in searches], SHARE) * 1000)
            statements.append(percentile(list(chain(*searches)), SHARE) * 1000)
            floors.append(percentile(floor(centre, filled, each), SHARE) * 1000)
        ratio = median([mine / theirs for mine, theirs in zip(spent, floors, strict=True)])
        results.append(
            Result(
                f"P10 {kind}, in the database, p95", f"≤ {MOST_FLOORS:.0f} S", f"{median(floors):.2f} ms",
                f"{median(spent):.2f} ms", f"{ratio:.1f}", ratio <= MOST_FLOORS,
                {"statement_p95_ms": median(statements), "statements": max(len(one) for one in searches)},
            )
        )  # fmt: skip
        results.append(_fragment(f"P10 {kind}", Desk(centre), texts, options))
    place.stop(web)
    return results


def _fragment(what: str, desk: Desk, texts: Sequence[str], options: Options) -> Result:
    desk.search(texts[0])
    late = [percentile([desk.search(text) for text in texts], SHARE) * 1000 for _ in range(options.repeats)]
    shown = median(late)
    return Result(
        f"{what}, fragment, p95", f"≤ {MOST_MS:.0f} ms", "–", f"{shown:.1f} ms", f"{shown:.1f} ms", shown <= MOST_MS
    )
