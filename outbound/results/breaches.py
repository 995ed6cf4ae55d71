"""Attempts that law or code forbade, found again from what was stored, without the judgement that let them begin.

Told in SQL and not by `outbound.compliance.calls`, whose verdicts these are to check: an error there would be here as
well. Sources as there: UNIREC's code (hours, conversations), the Garante's provision 83/2014 (silent calls).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, Date, bindparam, select, text
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.enti.calendar import Timetable, is_holiday
from outbound.campaigns.models import Attempt

SHOWN = 100
_A = table_of(Attempt)


class Law(StrEnum):
    """What was not kept."""

    HOURS = "hours"
    HOLIDAY = "holiday"
    SECOND_TODAY = "second_today"
    FOURTH_IN_A_WEEK = "fourth_in_a_week"
    SILENT = "silent"  # called again too soon after a silent call
    REFUSED = "refused"  # he had asked not to be called
    DEAD = "dead"  # as was known
    UNSTATED = "unstated"  # reasons against it were written, and it began all the same


@dataclass(frozen=True, slots=True)
class Breach:
    """An attempt that should not have been, and why. A report does not name whom it was made to."""

    law: Law
    at: datetime
    contact_id: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """How many attempts were looked at, how many breaches there are, and the first of these."""

    looked_at: int
    number: int
    first: tuple[Breach, ...] = ()


@dataclass(frozen=True, slots=True)
class Marked:
    """The same, by its attempt: names nobody, and may be kept."""

    law: Law
    at: datetime
    attempt_id: UUID


@dataclass(frozen=True, slots=True)
class Checked:
    """As `Found`, by attempts."""

    looked_at: int
    number: int
    first: tuple[Marked, ...] = ()


_DAYS = text(
    """
    SELECT DISTINCT (at AT TIME ZONE 'Europe/Rome')::date FROM attempt WHERE campaign_id = :campaign AND begun
    """
)
_LOOKED_AT = text("SELECT count(*) FROM attempt WHERE campaign_id = :campaign AND begun")
# What stands in an attempt itself; the conversations and silent calls before it; what he had said, or had happened.
_BREACHES = text(
    """
    WITH a AS MATERIALIZED (
        SELECT id, contact_id, at, at AT TIME ZONE 'Europe/Rome' AS wall, cardinality(reasons) > 0 AS unstated
        FROM attempt WHERE campaign_id = :campaign AND begun
    ), earlier AS (
        SELECT a.id, a.at,
               count(*) FILTER (WHERE b.ended = 'spoken' AND b.at > a.at - interval '7 days') AS in_a_week,
               count(*) FILTER (
                   WHERE b.ended = 'spoken' AND (b.at AT TIME ZONE 'Europe/Rome')::date = a.wall::date
               ) AS today,
               count(*) FILTER (WHERE b.ended = 'silent' AND b.at > a.at - interval '5 days') AS silent
        FROM a JOIN attempt b ON b.contact_id = a.contact_id
        WHERE b.begun AND b.ended IN ('spoken', 'silent') AND b.at < a.at AND b.at > a.at - interval '8 days'
        GROUP BY a.id, a.at
    ), broken AS (
        SELECT a.id, a.at, law FROM a CROSS JOIN LATERAL (VALUES
            ('hours', extract(isodow FROM wall) = 7 OR wall::time < '08:30'
                OR wall::time >= CASE extract(isodow FROM wall) WHEN 6 THEN time '15:00' ELSE time '21:00' END),
            ('holiday', wall::date = ANY (:holidays)),
            ('unstated', unstated)
        ) AS judged (law, broken) WHERE broken
        UNION ALL
        SELECT id, at, law FROM earlier CROSS JOIN LATERAL (VALUES
            ('second_today', today >= 1), ('fourth_in_a_week', in_a_week >= 3), ('silent', silent >= 1)
        ) AS judged (law, broken) WHERE broken
        UNION ALL
        SELECT a.id, a.at, 'refused' FROM a WHERE EXISTS (
            SELECT FROM contact_preference p WHERE p.contact_id = a.contact_id AND p.do_not_call_since < a.at
        )
        UNION ALL
        SELECT a.id, a.at, 'dead' FROM a WHERE EXISTS (
            SELECT FROM contact_condition k
            WHERE k.contact_id = a.contact_id AND k.kind = 'deceased' AND k.told_at < a.at
              AND (k.withdrawn_at IS NULL OR k.withdrawn_at > a.at)
        )
    )
    SELECT law, at, id, count(*) OVER () AS number FROM broken ORDER BY at, law LIMIT :most
    """
).bindparams(bindparam("holidays", type_=ARRAY(Date)))


def check(session: Session, *, campaign_id: int, timetable: Timetable) -> Checked:
    """A campaign's attempts, each checked again. `timetable`: the ente's, for its patron saint."""
    about = {"campaign": campaign_id}
    looked_at = int(session.execute(_LOOKED_AT, about).scalar_one())
    if not looked_at:
        return Checked(0, 0)
    holidays = holidays_among(session.scalars(_DAYS, about), Timetable((), patron=timetable.patron))
    rows = session.execute(_BREACHES, {**about, "holidays": holidays, "most": SHOWN}).all()
    first = tuple(Marked(Law(row.law), row.at, row.id) for row in rows)
    return Checked(looked_at, rows[0].number if rows else 0, first)


def named(session: Session, checked: Checked) -> Found:
    """The same, with whom the attempts were made to: who is no more there is not named."""
    its = {one.attempt_id for one in checked.first}
    whose = dict(session.execute(select(_A.c.id, _A.c.contact_id).where(_A.c.id.in_(its))).all()) if its else {}
    first = tuple(Breach(one.law, one.at, whose.get(one.attempt_id)) for one in checked.first)
    return Found(checked.looked_at, checked.number, first)


def holidays_among(days: Iterable[date], timetable: Timetable) -> list[date]:
    """Those of these days that are holidays of the law, or the ente's patron saint's."""
    return sorted(day for day in days if is_holiday(timetable, day))
