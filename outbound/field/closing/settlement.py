"""A quarter's lines: what is newly earned, and what earlier quarters had earned and is taken back. Pure.

A settled line never changes. Where a payment stands otherwise than it was settled, the line is taken back whole, by a
negative one that names it, and the payment has a new one. So the sum of all lines of a payment is what it earns by
what is known, however often and in whatever order it was told, and nothing is earned twice.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from outbound.field.closing.commission import EARNING, Judged, Why
from outbound.field.closing.ledger import Key

BEGINNING = ""  # stands before an ente's first settlement


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a settlement; cents are negative in one that takes an earlier line back. `original`: the line that it
    takes back or follows, as `2026-1/17`: quarter and number.
    """

    reference: str
    key: str
    practice_id: int
    practice_number: int
    mandate_id: UUID
    agent_id: int
    paid_on: date
    registered_on: date
    why: Why
    cents: int
    within_cents: int
    counted_cents: int
    per_mille: Decimal
    commission_cents: int
    version_id: int | None
    back: bool = False
    original: str = ""

    @property
    def at(self) -> Key:
        """The payment that it is about."""
        return self.reference, self.key


_NAMES = tuple(one.name for one in fields(Line))


@dataclass(frozen=True, slots=True)
class Settled:
    """How a payment stands by the settlements there are: its last line, and where that is."""

    line: Line
    place: str


@dataclass(frozen=True, slots=True)
class Sums:
    """Cents. `earning`: of payments that earn."""

    lines: int = 0
    collected_cents: int = 0
    earning_cents: int = 0
    commission_cents: int = 0


def lines(judged: Iterable[Judged], settled: Mapping[Key, Settled], until: date) -> tuple[Line, ...]:
    """The lines of a quarter that ends on a day, by the day of payment."""
    found = [one for each in judged if each.payment.paid_on <= until for one in _lines(each, settled)]
    return tuple(sorted(found, key=lambda one: (one.paid_on, one.reference, one.key, not one.back)))


def _lines(judged: Judged, settled: Mapping[Key, Settled]) -> Iterator[Line]:
    before = settled.get(judged.payment.at)
    now = _line(judged)
    if before is None:
        if now is not None:
            yield now
        return
    if now is not None and _same(before.line, now):
        return
    gone = judged.why in {Why.REVERSED, Why.WITHDRAWN}
    if before.line.cents and not before.line.back:
        yield taken_back(before, judged.why if gone else Why.ANEW)
    if now is not None and not gone:
        yield replace(now, original=before.place)


def _line(judged: Judged) -> Line | None:
    """None of a payment that no mandate was ever near."""
    payment, mandate = judged.payment, judged.mandate
    if mandate is None:
        return None
    return Line(
        payment.reference, payment.key, mandate.practice_id, mandate.practice_number, mandate.id, mandate.agent_id,
        payment.paid_on, payment.registered_on, judged.why, judged.cents, judged.within_cents, judged.counted_cents,
        judged.per_mille, judged.commission_cents, judged.version_id,
    )  # fmt: skip


def _same(before: Line, now: Line) -> bool:
    """Whether a payment stands as it was settled."""
    if before.back:
        return now.why in {Why.REVERSED, Why.WITHDRAWN}
    return replace(before, original="") == now


def taken_back(before: Settled, why: Why) -> Line:
    """The line that takes one back whole."""
    line = before.line
    return replace(
        line, why=why, cents=-line.cents, within_cents=-line.within_cents, counted_cents=-line.counted_cents,
        commission_cents=-line.commission_cents, back=True, original=before.place,
    )  # fmt: skip


def with_these(settled: Mapping[Key, Settled], found: Iterable[Line], quarter: str) -> dict[Key, Settled]:
    """How payments stand once these lines are settled, too."""
    after = dict(settled)
    for number, line in enumerate(found, start=1):
        after[line.at] = Settled(line, f"{quarter}/{number}")
    return after


def sums(found: Iterable[Line]) -> Sums:
    """Of lines."""
    number = collected = earning = commission = 0
    for one in found:
        number += 1
        collected += one.cents
        earning += one.within_cents
        commission += one.commission_cents
    return Sums(number, collected, earning, commission)


def earns(line: Line) -> bool:
    """Whether it is about money that is owed, be it owed back."""
    return line.why in EARNING or line.commission_cents != 0


def line_hash(line: Line) -> bytes:
    """The SHA-256 of all that a line says."""
    return sha256(_written(columns(line))).digest()


def columns(line: Line) -> dict[str, Any]:
    """All that it says, by name; in a tenth of the time of `asdict`, which copies each value."""
    return {name: getattr(line, name) for name in _NAMES}


def seal(
    before: str, *, ente_id: int, quarter: str, closed_at: datetime, known_on: date, hashes: Iterable[bytes]
) -> str:
    """The digest of a settlement: of its quarter, of what was known, of each line, and of the settlement before it."""
    about = (before, ente_id, quarter, closed_at.isoformat(), known_on, [one.hex() for one in hashes])
    return sha256(_written(about)).hexdigest()


def _written(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
