"""What is earned of a payment: rates by amount and phase, what counts, within how many days it is registered. Pure.

A version is proposed by the company, accepted by the ente, and never changes; another one follows from a day on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from crm.core.errors import InvalidError
from crm.positions.models import ActKind

MOST_PER_MILLE = Decimal(500)
MOST_DAYS = 365
MOST_BANDS = 20


class Phase(StrEnum):
    """How far the collection of a debt had come."""

    REQUEST = "request"  # a notice of payment, or a reminder
    ENFORCEABLE = "enforceable"  # an act that may be enforced


PHASES: Mapping[ActKind, Phase] = {
    ActKind.AVVISO_PAGAMENTO: Phase.REQUEST,
    ActKind.SOLLECITO: Phase.REQUEST,
    ActKind.ACCERTAMENTO_ESECUTIVO: Phase.ENFORCEABLE,
    ActKind.INGIUNZIONE: Phase.ENFORCEABLE,
}


class Part(StrEnum):
    """Of what a debt is made up."""

    TAX = "tax"
    SANCTIONS = "sanctions"
    INTEREST = "interest"
    COSTS = "costs"


class TermsState(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"  # by the ente
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by the company


@dataclass(frozen=True, slots=True)
class Band:
    """A rate for mandates of up to an amount (none: any), in a phase (none: each). Per mille, two decimals."""

    per_mille: Decimal
    up_to_cents: int | None = None
    phase: Phase | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """`registration_days`: after the day of payment, within which the ente registers what earns. `least_cents`: less
    than that earns nothing.
    """

    bands: tuple[Band, ...]
    parts: tuple[Part, ...] = tuple(Part)
    registration_days: int = 30
    least_cents: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """Conditions that hold from a day on."""

    id: int
    valid_from: date
    conditions: Conditions


_CONDITIONS = TypeAdapter(Conditions)


def stored(conditions: Conditions) -> dict[str, Any]:
    """As JSON."""
    done: dict[str, Any] = _CONDITIONS.dump_python(conditions, mode="json")
    return done


def restored(kept: Any) -> Conditions:
    """From JSON, as it was kept."""
    return _CONDITIONS.validate_python(kept, strict=False)


def in_force(versions: Iterable[Version], day: date) -> Version | None:
    """The version that holds on a day; none: nothing was agreed for it."""
    begun = [one for one in versions if one.valid_from <= day]
    return max(begun, key=lambda one: (one.valid_from, one.id), default=None)


def rate(conditions: Conditions, cents: int, phase: Phase) -> Decimal | None:
    """Per mille for a mandate of an amount, by the narrowest band; none: such a mandate earns nothing."""
    fit = [
        one
        for one in conditions.bands
        if one.phase in (None, phase) and (one.up_to_cents is None or cents <= one.up_to_cents)
    ]
    narrow = min(fit, key=lambda one: (one.up_to_cents is None, one.up_to_cents or 0, one.phase is None), default=None)
    return narrow.per_mille if narrow else None


def check(conditions: Conditions) -> None:
    """Raises `InvalidError`, field by field, for what nobody can agree on."""
    wrong = []
    if not conditions.bands:
        wrong.append(InvalidError("Scrivi almeno un'aliquota.", field="rate-1"))
    seen: set[tuple[int | None, Phase | None]] = set()
    for place, one in enumerate(conditions.bands, start=1):
        if not 0 < one.per_mille <= MOST_PER_MILLE or one.per_mille != round(one.per_mille, 2):
            wrong.append(InvalidError("Da 0,01 a 500 per mille, con due decimali al massimo.", field=f"rate-{place}"))
        if one.up_to_cents is not None and one.up_to_cents <= 0:
            wrong.append(InvalidError("Scrivi un importo maggiore di zero, o lascia vuoto.", field=f"up-{place}"))
        if (one.up_to_cents, one.phase) in seen:
            wrong.append(InvalidError("Questo scaglione c'è già.", field=f"up-{place}"))
        seen.add((one.up_to_cents, one.phase))
    if not conditions.parts:
        wrong.append(InvalidError("Scegli su che cosa si calcola.", field="parts"))
    if not 0 <= conditions.registration_days <= MOST_DAYS:
        wrong.append(InvalidError(f"Da 0 a {MOST_DAYS} giorni.", field="days"))
    if conditions.least_cents < 0:
        wrong.append(InvalidError("Scrivi un importo, o zero.", field="least"))
    if wrong:
        raise InvalidError("Le condizioni non sono complete.", parts=wrong)
