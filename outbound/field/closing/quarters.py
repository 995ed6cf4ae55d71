"""Quarters of the year, in which commission is settled. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from crm.core.errors import NotFoundError

MONTHS = 3


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """Written `2026-4`."""

    year: int
    number: int  # 1 to 4

    @classmethod
    def of(cls, day: date) -> Self:
        """The one that a day is in."""
        return cls(day.year, (day.month - 1) // MONTHS + 1)

    @classmethod
    def parse(cls, written: str) -> Self:
        """Raises `NotFoundError`."""
        year, _, number = written.partition("-")
        if not (year.isascii() and year.isdigit() and len(year) == 4 and number in {"1", "2", "3", "4"}):
            raise NotFoundError("Questo trimestre non c'è.")
        return cls(int(year), int(number))

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, (self.number - 1) * MONTHS + 1, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.next.first - timedelta(days=1)

    @property
    def next(self) -> Self:
        """The one after it."""
        return type(self)(self.year + self.number // 4, self.number % 4 + 1)

    def __str__(self) -> str:
        return f"{self.year}-{self.number}"
