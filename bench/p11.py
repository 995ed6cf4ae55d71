"""P11: a full name with one slip or without its accent, looked for among a million; and whether it was found."""

import random
from collections.abc import Iterable, Sequence

from bench.desk import in_database
from bench.million import Filled, million
from bench.options import Options
from bench.people import Person
from bench.place import Centre, Place
from bench.results import Result, median, percentile
from crm.contacts.names import fold
from crm.contacts.search import search, similar
from crm.core.db import Scope

MOST_MS, LEAST_RECALL = 15.0, 0.98
SHOWN = 20
SHARE = 0.95
ALPHABET = "abcdefghilmnopqrstuvz"


def measure(place: Place, options: Options) -> list[Result]:
    """Time in the database, and recall: of those whom the slip was meant for, how many are among the first twenty."""
    centre, filled = million(place, options)
    dice = random.Random(11)
    each = 60 if options.quick else 400
    results = []
    for what, asked in (
        ("one slip", [(one, slipped(dice, one)) for one in dice.sample(filled.sample, each)]),
        ("no accent", [(one, _plain(one)) for one in _accented(filled.sample)[:each]]),
    ):
        texts = [text for _, text in asked]
        spent = [
            percentile([sum(one) for one in in_database(centre, filled, texts, slips=True)], SHARE) * 1000
            for _ in range(options.repeats)
        ]
        p95, recall = median(spent), _recall(centre, filled, asked)
        results += [
            Result(
                f"P11 {what}, in the database, p95", f"≤ {MOST_MS:.0f} ms", "–", f"{p95:.1f} ms", f"{p95:.1f} ms",
                p95 <= MOST_MS,
            ),
            Result(
                f"P11 {what}, recall@{SHOWN} of {len(asked)}", f"≥ {LEAST_RECALL}", "–", f"{recall:.3f}",
                f"{recall:.3f}", recall >= LEAST_RECALL,
            ),
        ]  # fmt: skip
    return results


def slipped(dice: random.Random, one: Person) -> str:
    """His name, in either order, with a letter left out, doubled, mistaken, or swapped with its neighbour."""
    words = [one.surname, one.given_name] if dice.random() < 0.5 else [one.given_name, one.surname]
    which = dice.randrange(2)
    word = words[which].lower()
    place = dice.randrange(1, len(word))
    words[which] = dice.choice(
        (
            word[:place] + word[place + 1 :],
            word[:place] + word[place] + word[place:],
            word[:place] + dice.choice(ALPHABET) + word[place + 1 :],
            word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :],
        )
    )
    return " ".join(words)


def _accented(sample: Iterable[Person]) -> list[Person]:
    return [one for one in sample if not one.surname.isascii()]


def _plain(one: Person) -> str:
    return fold(f"{one.surname} {one.given_name}").lower()


def _recall(centre: Centre, filled: Filled, asked: Sequence[tuple[Person, str]]) -> float:
    """Whoever has twenty namesakes or more is found when the twenty shown all bear his name."""
    found = 0
    for one, text in asked:
        with centre.database.begin(Scope.of_enti(filled.enti)) as session:
            named = search(session, text, limit=SHOWN)
            follow = similar(session, text, limit=SHOWN).people if named.slips else ()
            shown = (*named.people, *follow)[:SHOWN]
        his = fold(f"{one.surname} {one.given_name}")
        namesakes = [view for view in shown if fold(f"{view.surname} {view.given_name}") == his]
        found += any(view.codice_fiscale == one.codice_fiscale for view in shown) or len(namesakes) == SHOWN
    return found / len(asked)
