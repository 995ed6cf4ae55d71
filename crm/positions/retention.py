"""For how long what happened to a debt is kept. Pure."""

from collections.abc import Iterable
from datetime import date

from crm.positions.history import Happening, Sort, history
from crm.positions.views import PositionView


def kept_until(positions: Iterable[PositionView], years: int, today: date) -> date | None:
    """Until which day, included, they are kept: so many years after the last act or payment of any of them.

    How many is the ente's to say. The usual ten are those for which accounting records, and the letters that belong to
    them, are kept from the last entry (Civil Code, article 2220). They cover the five in which local taxes lapse (Civil
    Code, article 2948 no. 4), may be assessed and may be asked back (law 296/2006, article 1, paragraphs 161 and 164).
    None: there is nothing to keep.
    """
    days = [
        one.on for position in positions for one in history(position, today) if one.on <= today and not _is_a_term(one)
    ]
    return _after(max(days), years) if days and years else None


def _is_a_term(one: Happening) -> bool:
    """A due date that passed is neither an act nor a payment, as a rate that was paid is."""
    return one.sort is Sort.DUE or (one.sort is Sort.INSTALMENT and one.among is None)


def _after(day: date, years: int) -> date:
    """The same day, so many years later; where the month has no such day, its last (Civil Code, article 2963)."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
