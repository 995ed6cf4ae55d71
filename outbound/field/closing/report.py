"""The report of a closed practice, as one frozen value: shown, printed, handed over as data, sealed. Pure.

Instants are UTC. A visit has the instant set right by how far the telephone's clock was off, the one that the telephone
showed, and the one at which the server had it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter

from crm.positions.models import ActKind, Tax
from outbound.field.practices.lifecycle import Closed, MandateState, Origin
from outbound.field.visits.door import Deed, Fault, Outcome, Whom
from outbound.field.visits.drawing import Picture
from outbound.field.visits.models import FileKind


@dataclass(frozen=True, slots=True)
class Debt:
    """A position of the practice: what was due when it was opened, and what the collection system told by the end."""

    reference: str
    tax: Tax | None
    year: int | None
    act_kind: ActKind | None
    act_number: str
    cents: int
    residual_cents: int | None
    paid_cents: int  # since the practice was opened


@dataclass(frozen=True, slots=True)
class Given:
    """A mandate. `agent` with the number on his badge."""

    agent: str
    badge: int
    state: MandateState
    valid_from: date
    valid_to: date
    cents: int
    most_visits: int
    given_at: datetime
    accepted_at: datetime | None
    no_ties_at: datetime | None
    ended_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """A deed at the door, in its order, at the instant that the telephone showed. `fault`: what was not as it has to
    be; `words`: which version of the ente's words was said.
    """

    deed: Deed
    at: datetime | None
    whom: Whom | None
    fault: Fault | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Visited:
    """A visit. Where it was is told by its distance alone, in metres."""

    number: int
    agent: str
    badge: int
    began_at: datetime
    ended_at: datetime | None
    device_began_at: datetime
    off_s: int
    received_at: datetime
    accuracy_m: int | None
    distance_m: int | None
    whom: Whom | None
    spoke_with: str
    capacity: str
    outcome: Outcome | None
    note: str
    steps: tuple[Step, ...]
    faults: tuple[Fault, ...]
    signs: tuple[str, ...]
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Wording:
    """A version of the ente's words that was said at the door; 0: those that everybody has until he writes his own."""

    version: int
    reason: str
    consequences: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the practice's debts, by its digest."""

    title: str
    kind: str
    dated: date | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about a practice as it stood at an instant."""

    practice: int  # its number in the ente
    ente: str
    taxpayer: str
    codice_fiscale: str
    street: str
    postcode: str
    town: str
    residential: bool
    origin: Origin
    campaign: str
    cents: int
    opened_at: datetime
    closed_at: datetime
    closed: Closed
    at: datetime
    debts: tuple[Debt, ...] = ()
    mandates: tuple[Given, ...] = ()
    visits: tuple[Visited, ...] = ()
    documents: tuple[Document, ...] = ()
    words: tuple[Wording, ...] = ()

    @property
    def paid_cents(self) -> int:
        """What was paid since it was opened."""
        return sum(one.paid_cents for one in self.debts)


REPORT = TypeAdapter(Report)
HEAD = (
    "practice", "edition", "opened", "closed", "why", "due_euro", "paid_euro", "visit", "began", "device_began",
    "clock_off_s", "received", "agent_badge", "whom", "outcome", "distance_m", "faults", "signs",
    "signatures", "photographs",
)  # fmt: skip


def stored(report: Report) -> dict[str, Any]:
    """As JSON."""
    done: dict[str, Any] = REPORT.dump_python(report, mode="json")
    return done


def restored(kept: Any) -> Report:
    """From JSON, as it was kept."""
    return REPORT.validate_python(kept, strict=False)


def seal(kept: Any) -> str:
    """The SHA-256 of what is kept, as JSON without spaces, its keys in their order."""
    text = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def rows(report: Report, edition: int) -> Iterator[tuple[object, ...]]:
    """For a table of many reports: a row for each visit, one without a visit where there was none; it names nobody."""
    whole = (
        report.practice, edition, _at(report.opened_at), _at(report.closed_at), report.closed.value,
        _euro(report.cents), _euro(report.paid_cents),
    )  # fmt: skip
    for one in report.visits:
        yield (
            *whole, one.number, _at(one.began_at), _at(one.device_began_at), one.off_s, _at(one.received_at), one.badge,
            one.whom.value if one.whom else "", one.outcome.value if one.outcome else "", one.distance_m,
            " ".join(fault.value for fault in one.faults), " ".join(one.signs),
            *(sum(each.kind is kind for each in one.pictures) for kind in (FileKind.SIGNATURE, FileKind.PHOTOGRAPH)),
        )  # fmt: skip
    if not report.visits:
        yield (*whole, *[""] * (len(HEAD) - len(whole)))


def _at(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")


def _euro(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"
