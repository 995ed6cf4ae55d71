"""What a campaign has brought, as one frozen value: shown live, kept as a report, written into files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter

from outbound.campaigns.plan import Channel
from outbound.compliance.rules import Ended
from outbound.outcomes.catalogue import Said
from outbound.promises.judging import PromiseState
from outbound.promises.queries import Tally
from outbound.results.breaches import Checked, Found
from outbound.results.estimates import Cohort


@dataclass(frozen=True, slots=True)
class Reached:
    """Contacts of the campaign, those called, those with whom somebody spoke himself; calls that began."""

    contacts: int
    tried: int
    right_party: int
    attempts: int
    ended: Mapping[Ended, int]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a channel has cost. `cents` none: nobody has said a price. Minutes of conversation for calls."""

    channel: Channel
    number: int
    minutes: float | None
    cents: int | None


@dataclass(frozen=True, slots=True)
class Collected:
    """Payments within `days` of the first attempt, as known to the end of `known_on` (none: nothing is known).

    `cents` by the Monday of the week in which they were first tried; `whole`: all those, as one, who were tried so
    early that they have been followed for all of the days.
    """

    days: int
    known_on: date | None
    weeks: tuple[Cohort, ...] = ()
    whole: Cohort | None = None
    cents: Mapping[date, int] | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """Everything about a campaign as of an instant."""

    campaign_id: int
    name: str
    ente_id: int
    ente: str
    at: datetime
    reached: Reached
    outcomes: Mapping[Said, int]
    promises: Mapping[PromiseState, Tally]
    costs: tuple[Cost, ...]
    budget_cents: int | None
    complaints: int
    collected: Collected
    breaches: Found

    @property
    def priced(self) -> int:
        """Cents of all that has a price."""
        return sum(one.cents or 0 for one in self.costs)

    @property
    def conversations(self) -> int:
        """Those of which an outcome was given."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Thorough:
    """Of the same what takes longer to find out, for each number of days. Names nobody."""

    collected: tuple[Collected, ...]
    checked: Checked


RESULTS, THOROUGH = TypeAdapter(Results), TypeAdapter(Thorough)


def of_nobody(results: Results) -> Results:
    """The same without saying of anybody: what stays when a person is erased."""
    first = tuple(replace(one, contact_id=None) for one in results.breaches.first)
    return replace(results, breaches=replace(results.breaches, first=first))


def stored(results: Results) -> dict[str, Any]:
    """As JSON."""
    done: dict[str, Any] = RESULTS.dump_python(results, mode="json")
    return done


def restored(kept: Any) -> Results:
    """From JSON, as it was kept."""
    return RESULTS.validate_python(kept, strict=False)


def seal(results: Results) -> str:
    """The SHA-256 of what it says, as JSON without spaces, its keys in their order."""
    text = json.dumps(stored(results), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()
