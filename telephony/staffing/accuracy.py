"""How far forecasts were off, pure: said in the share of the calls that they put into the wrong hour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from telephony.staffing.forecast import Expected, Past, learn

WEEKS_TRIED = 4


@dataclass(frozen=True, slots=True)
class Error:
    """Of some hours: calls that came, the sum of what forecasts were off by (by hour), and in all with its sign.

    `within`: quarter hours that lay in their interval, of `quarters`. `as_last_week` is what they would have been off
    by, had one simply expected what came seven days before; none where that is not known.
    """

    calls: float = 0.0
    off: float = 0.0
    bias: float = 0.0
    within: int = 0
    quarters: int = 0
    as_last_week: float | None = None
    days: int = 0

    @property
    def wape(self) -> float | None:
        """The weighted absolute percentage error by hour: hours without calls count, and small hours count little."""
        return self.off / self.calls if self.calls else None

    @property
    def naive_wape(self) -> float | None:
        return self.as_last_week / self.calls if self.calls and self.as_last_week is not None else None

    @property
    def share_within(self) -> float | None:
        return self.within / self.quarters if self.quarters else None


def measured(forecasts: Mapping[date, Expected], history: Mapping[date, Past]) -> Error:
    """What came beside what had been expected, over the days of which both are known."""
    calls = off = bias = naive = 0.0
    within = quarters = days = 0
    naive_known = True
    for on, told in forecasts.items():
        came = history.get(on)
        if came is None or not (came.total or told.total):
            continue
        days += 1
        before = history.get(on - timedelta(days=7))
        naive_known &= before is not None
        calls += came.total
        bias += told.total - came.total
        hours = by_hour(came.calls)
        off += sum(abs(a - b) for a, b in zip(by_hour(told.expected), hours, strict=True))
        if before is not None:
            naive += sum(abs(a - b) for a, b in zip(by_hour(before.calls), hours, strict=True))
        for n, expected in enumerate(told.expected):
            if expected or came.calls[n]:
                quarters += 1
                within += told.low[n] <= came.calls[n] <= told.high[n]
    return Error(calls, off, bias, within, quarters, naive if naive_known and days else None, days)


def by_hour(quarters: Sequence[float]) -> list[float]:
    """Sums of four."""
    return [sum(quarters[n : n + 4]) for n in range(0, len(quarters), 4)]


def backtest(
    history: Mapping[date, Past], opens: Mapping[date, frozenset[int]], today: date, weeks: int = WEEKS_TRIED
) -> dict[date, Expected]:
    """What would have been expected of the last weeks, each from what was known before its first day."""
    told: dict[date, Expected] = {}
    for back in range(weeks, 0, -1):
        first = today - timedelta(days=7 * back)
        model = learn(history, first)
        if not model.days:
            continue
        for on in (first + timedelta(days=n) for n in range(7)):
            past = history.get(on)
            told[on] = model.expect(on, opens.get(on, frozenset()), past.drivers if past else ())
    return told
