"""Writes the demonstration's three feeds, and the file of who may call. The same seed and day give the same files."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from crm.collection.feed import VERSION
from crm.core.clock import start_of_day
from web.demo.debts import Debts
from web.demo.papers import papers, write
from web.demo.people import Person, Registry
from web.demo.places import MUNICIPALITIES, Municipality, line_for

SEED = 1861
SHARED = 90  # taxpayers of each municipality after the first who are known to the one before it, too
DEBTS_EACH = (1, 1, 2, 2, 2, 3, 3, 3, 5)
CALLERS, STRANGERS = 400, 60
CALLERS_FILE = "callers.json"


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where the files are: a feed by codice catastale, the documents that have arrived by the same, and the callers."""

    feeds: dict[str, Path]
    documents: dict[str, Path]
    callers: Path


def feed_path(folder: Path, place: Municipality) -> Path:
    """The file of a municipality's feed."""
    return folder / f"feed-{place.short_name.lower()}.jsonl"


def documents_path(folder: Path, place: Municipality) -> Path:
    """The archive of a municipality's documents."""
    return folder / f"documents-{place.short_name.lower()}.zip"


def generate(folder: Path, today: date, *, seed: int = SEED) -> DemoFiles:
    """Write the files into `folder`, replacing older ones."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(f"{seed}:{today}")  # noqa: S311 (invented data)
    registry = Registry(dice, today)
    callers: list[dict[str, Any]] = []
    feeds, documents = {}, {}
    neighbours: list[Person] = []
    for place in MUNICIPALITIES:
        own = [registry.taxpayer(place) for _ in range(place.taxpayers - min(SHARED, len(neighbours)))]
        own[-3:] = registry.doubles(own[:-3])
        people = [*neighbours[:SHARED], *own]
        arrived: list[bytes] = []
        records = list(_records(dice, registry, place, people, today, arrived))
        _write(feed_path(folder, place), place, records, today)
        feeds[place.cadastral_code] = feed_path(folder, place)
        documents[place.cadastral_code] = documents_path(folder, place)
        write(documents[place.cadastral_code], arrived)
        callers += _callers(place, own, records)
        neighbours = own
    path = folder / CALLERS_FILE
    path.write_text(json.dumps(_chosen(dice, registry, callers), ensure_ascii=False, indent=1), encoding="utf-8")
    return DemoFiles(feeds, documents, path)


def _records(
    dice: random.Random, registry: Registry, place: Municipality, people: list[Person], today: date,
    arrived: list[bytes],
) -> Iterator[dict[str, Any]]:  # fmt: skip
    debts = Debts(dice, today, place.segregation)
    for person in people:
        yield person.record | registry.address(place)
        for _ in range(dice.choice(DEBTS_EACH)):
            debt = debts.of(person.record["codice_fiscale"], is_company=person.is_company)
            listed = list(papers(dice, place, person.name, debt))
            arrived += [contents for _, contents in listed if contents is not None]
            yield from (debt, *(record for record, _ in listed))


def _write(path: Path, place: Municipality, records: list[dict[str, Any]], today: date) -> None:
    header = {
        "record": "feed", "version": VERSION, "ente": place.cadastral_code, "mode": "full",
        "as_of": start_of_day(today).isoformat(), "source": "Gestionale dimostrativo",
    }  # fmt: skip
    kinds = Counter(record["record"] for record in records)
    end = {"record": "end", **{f"{kind}s": kinds[kind] for kind in ("taxpayer", "position", "document")}}
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in (header, *records, end))


def _callers(place: Municipality, people: list[Person], records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Everybody with a phone, and one notice to talk about."""
    notices = {r["codice_fiscale"]: r["notice_number"] for r in records if r["record"] == "position"}
    return [
        {
            "from": person.phones[0], "notice_number": notices.get(person.record["codice_fiscale"]),
            "name": person.name, "ente": place.cadastral_code, "to": line_for(place.cadastral_code, person.phones[0]),
        }
        for person in people
        if person.phones
    ]  # fmt: skip


def _chosen(dice: random.Random, registry: Registry, callers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some of the known ones, who do not all have the notice at hand, and people who call from elsewhere."""
    chosen = dice.sample(callers, CALLERS)
    for caller in chosen:
        if dice.random() < 0.4:
            caller["notice_number"] = None
    known_notices = [caller["notice_number"] for caller in chosen if caller["notice_number"]]
    for _ in range(STRANGERS):
        place = dice.choice(MUNICIPALITIES)
        notice = dice.choice(known_notices) if dice.random() < 0.5 else None
        number = registry.number(place)
        chosen.append(
            {
                "from": number, "notice_number": notice, "name": "", "ente": place.cadastral_code,
                "to": line_for(place.cadastral_code, number),
            }
        )  # fmt: skip
    dice.shuffle(chosen)
    return chosen
