"""Hours of one's own in the calendar of an ente: its holidays and shut days hold, its longer days do not. Pure."""

from dataclasses import replace

from crm.enti.calendar import Hours, Timetable


def own_hours(line: Timetable, hours: tuple[Hours, ...]) -> Timetable:
    """A week of hours in an ente's calendar, that of its `line`."""
    shut = tuple(one for one in line.special if one.opens is None)
    return replace(line, hours=hours, later=(), closures=(), special=shut)
