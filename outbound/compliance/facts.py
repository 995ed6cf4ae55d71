"""What is known of people at an instant, gathered for `calls.judge`."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypedDict

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CompoundSelect,
    DateTime,
    Select,
    String,
    any_,
    bindparam,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session

from crm.cases import queries as cases
from crm.collection import queries as collection
from crm.collection.sources import lookups
from crm.collection.sources.lookups import Last, Offer
from crm.collection.sources.port import Lookup
from crm.contacts import calling
from crm.contacts.calling import Callee
from crm.core import clock
from crm.core.db import table_of
from crm.follow_ups import queries as follow_ups
from crm.follow_ups.models import FollowUpKind
from crm.positions import queries as positions
from crm.positions.summary import Totals, totals
from outbound.campaigns.models import Attempt, CampaignContact, ContactState
from outbound.campaigns.plan import Purpose
from outbound.campaigns.running import Running
from outbound.cati import objections
from outbound.cati.models import SurveyCase
from outbound.cati.under_way import answering
from outbound.compliance import rules
from outbound.compliance.rules import Ended, Person
from outbound.compliance.visited import SPOKEN_WITH, Visited
from outbound.compliance.windows import WEEK
from outbound.field.practices.models import NoVisit, Practice
from outbound.field.visits.models import Visit
from outbound.outcomes import queries as outcomes
from outbound.promises import queries as promises

LOOKED_BACK = timedelta(days=90)  # at attempts of whatever campaign; at those of this one, without end
_A, _CC = table_of(Attempt), table_of(CampaignContact)
_CASE = table_of(SurveyCase)
_V, _FP, _NV = table_of(Visit), table_of(Practice), table_of(NoVisit)
# Plans of what follows are made once for a connection: made anew each time they take as long as all the rest.
_PLANNED_ONCE = func.set_config("plan_cache_mode", "force_generic_plan", true())
_IDS = any_(bindparam("contacts", type_=ARRAY(BigInteger)))
_NUMBERS = any_(bindparam("numbers", type_=ARRAY(String)))
_CAMPAIGN = bindparam("campaign", type_=BigInteger)
_NOW = bindparam("now", type_=DateTime(timezone=True))


class _What(StrEnum):
    CASE = "case"  # one is open
    CLAIMED = "claimed"  # another campaign has to do with him now
    PROMISED = "promised"  # to pay, until
    SAID = "said"  # that he wants to be called, not before
    AGREED = "agreed"  # with a survey's interviewer, for
    REFUSED = "refused"  # something that a feed told of him, lately by that of
    SPOKE = "spoke"  # of surveys, for or against
    VISITED = "visited"  # and spoken with, in the week before


def _of(what: _What, found: Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """The rows of a select of contacts, and of instants if it has any, marked by what they say."""
    contact_id, *at = found.subquery().c
    return select(literal(what.value).label("what"), contact_id, at[0] if at else null().cast(DateTime(timezone=True)))


# Whose request is registered as a case, or is still to be.
_ABOUT: CompoundSelect[*tuple[Any, ...]] = union_all(
    cases.with_open(_IDS), follow_ups.with_open(_IDS, FollowUpKind.CASE)
)
# Most people have none of this: asked at once it costs one way to the database and back.
_AROUND = union_all(
    _of(_What.CASE, _ABOUT),
    _of(
        _What.CLAIMED,
        select(_CC.c.contact_id).where(
            _CC.c.contact_id == _IDS, _CC.c.campaign_id != _CAMPAIGN, _CC.c.state == ContactState.CLAIMED
        ),
    ),
    _of(_What.CLAIMED, answering(_IDS, _NOW)),
    _of(_What.PROMISED, promises.held(_IDS)),
    _of(_What.SAID, outcomes.wishes(_IDS, _NOW)),
    _of(_What.REFUSED, collection.UNANSWERED),
    _of(
        _What.VISITED,
        select(_FP.c.contact_id, _V.c.began_at)
        .join(_V, _V.c.practice_id == _FP.c.id)
        .where(_FP.c.contact_id == _IDS, _V.c.began_at > _NOW - WEEK, _V.c.whom.in_(sorted(SPOKEN_WITH))),
    ),
)
_AROUND_FOR_SURVEYS: CompoundSelect[*tuple[Any, ...]] = union_all(
    *_AROUND.selects,
    _of(_What.SPOKE, objections.heard_of(_IDS)),
    _of(
        _What.AGREED,
        select(_CASE.c.contact_id, _CASE.c.wants_after).where(
            _CASE.c.contact_id == _IDS, _CASE.c.campaign_id == _CAMPAIGN, _CASE.c.wants_after.is_not(None)
        ),
    ),
)
# What the ente's collection system has told, and offers: one row, whether or not there is any.
_OFFERED = lookups.OFFERED.subquery()
_SYSTEM = select(
    _PLANNED_ONCE, select(collection.HEARD.subquery().c.told_at).scalar_subquery().label("heard"), *_OFFERED.c
).select_from(select(literal(1)).subquery().outerjoin(_OFFERED, true()))
# Begun, at these numbers or to these contacts, in their order.
_TRIED = (
    select(_A.c.contact_id, _A.c.at, _A.c.number, _A.c.ended, _A.c.operator, _A.c.campaign_id)
    .where(
        _A.c.begun, or_(_A.c.number == _NUMBERS, _A.c.contact_id == _IDS),
        or_(_A.c.at > _NOW - LOOKED_BACK, _A.c.campaign_id == _CAMPAIGN),
    )
    .order_by(_A.c.at)
)  # fmt: skip


def people(
    session: Session, campaign: Running, contact_ids: Collection[int], *, running: bool = True
) -> dict[int, Person]:  # fmt: skip
    """Each of these contacts as a campaign has to see him. `running`: it may dial now.

    Attempts at his numbers count whoever they were meant for, as far as the scope of the session reaches.
    """
    survey = campaign.plan.purpose is Purpose.SURVEY
    return _people(session, campaign.ente_id, campaign.id, contact_ids, running=running, survey=survey)


def _people(
    session: Session, ente_id: int, campaign_id: int, contact_ids: Collection[int], *, running: bool, survey: bool
) -> dict[int, Person]:
    known_at, offered = _system(session, ente_id)
    known = calling.callees(session, contact_ids)
    about = {
        "contacts": sorted({row for one in known.values() for row in one.contact_ids}), "campaign": campaign_id,
        "numbers": sorted({number for one in known.values() for number in one.numbers}), "now": clock.now(session),
    }  # fmt: skip
    owed, tried = _owed(session, known), _tried(session, about)
    around, visited = _around(session, _AROUND_FOR_SURVEYS if survey else _AROUND, about)
    persons = {key: one.contact_ids for key, one in known.items()}
    spoke = {key: rows for key, rows in persons.items() if rows & around[_What.SPOKE].keys()}
    objecting = objections.objecting(session, spoke) if spoke else set[int]()
    asked = lookups.last(session, {row for rows in persons.values() for row in rows}) if offered is not None else {}
    other = twice(session, campaign_id, persons)
    return {
        contact_id: Person(
            numbers=one.numbers, business=one.business,
            attempts=tuple(
                attempt
                for whose, attempt in tried
                if whose in one.contact_ids or attempt.number in one.numbers
            ),
            running=running,
            **_state_of(
                one.contact_ids, known_at, _last(around[_What.REFUSED], one.contact_ids), offered, asked
            ),
            deceased=one.deceased, do_not_call=one.do_not_call, insolvent=one.insolvent,
            consented=False if contact_id in objecting else None,
            due_cents=0 if one.gone else _payable(owed[contact_id]),
            paid=not one.gone and not owed[contact_id].owed and owed[contact_id].paid > 0,
            suspended=not _payable(owed[contact_id]) and owed[contact_id].suspended > 0,
            complaint=bool(one.contact_ids & around[_What.CASE].keys()),
            claimed=bool(one.contact_ids & around[_What.CLAIMED].keys()), twice=contact_id in other,
            hours=one.hours,
            promised_until=_last(around[_What.PROMISED], one.contact_ids),
            wants_after=max(
                filter(None, (around[_What.AGREED].get(contact_id), _last(around[_What.SAID], one.contact_ids))),
                default=None,
            ),
            contact_ids=one.contact_ids,
            visits=tuple(Visited(at, spoken=True) for row in one.contact_ids for at in visited[row]),
        )
        for contact_id, one in known.items()
    }  # fmt: skip


class _State(TypedDict):
    known_at: datetime | None
    ask_within: timedelta | None
    asked_at: datetime | None
    lookup: Lookup | None


def _state_of(
    rows: Collection[int], heard: datetime | None, refused: datetime | None, offered: Offer | None,
    asked: Mapping[int, Last],
) -> _State:  # fmt: skip
    """Up to when what he owes is known, under all of his rows: as the last feed, or the answer about him, says.

    `refused`: as of when a feed told something of him that was not taken. What it was nobody knows: of him feeds say
    nothing then, and no answer of before.
    """
    if refused is not None:
        heard = None
    if offered is None:
        return {"known_at": heard, "ask_within": None, "asked_at": None, "lookup": None}
    his = [asked[row] for row in rows if row in asked]
    whole = len(his) == len(rows)
    answers = [one.as_of for one in his if one.as_of is not None]
    answered = min(answers) if whole and len(answers) == len(rows) else None
    if refused is not None and answered is not None and answered < refused:
        answered = None
    came = max((one.outcome for one in his), key=list(Lookup).index, default=None)
    return {
        "known_at": max(filter(None, (heard, answered)), default=None), "ask_within": offered.within,
        "asked_at": min(one.asked_at for one in his) if whole and his else None,
        "lookup": Lookup.LET_ALONE if offered.within is None else came,
    }  # fmt: skip


def visitable(
    session: Session, *, ente_id: int, contact_ids: Collection[int], campaign_id: int | None = None,
    running: bool = True,
) -> dict[int, Person]:  # fmt: skip
    """The same as `people`, with what only whoever visits has to know. No campaign: the ente itself asks."""
    found = _people(session, ente_id, campaign_id or 0, contact_ids, running=running, survey=False)
    rows = {row for one in found.values() for row in one.contact_ids}
    since = clock.now(session) - LOOKED_BACK
    visits = defaultdict(list)
    for row in session.execute(
        select(_FP.c.contact_id, _V.c.began_at, _V.c.whom, _V.c.outcome).join(_V, _V.c.practice_id == _FP.c.id)
        .where(_FP.c.contact_id.in_(rows), _V.c.began_at > since)
    ):  # fmt: skip
        visits[row.contact_id].append(Visited(row.began_at, row.whom in SPOKEN_WITH, row.outcome))
    refusing = set(
        session.scalars(select(_NV.c.contact_id).where(_NV.c.contact_id.in_(rows), _NV.c.withdrawn_at.is_(None)))
    )
    return {
        contact_id: replace(
            one, visits=tuple(visit for row in one.contact_ids for visit in visits[row]),
            do_not_visit=not refusing.isdisjoint(one.contact_ids),
        )
        for contact_id, one in found.items()
    }  # fmt: skip


def complaining(session: Session, persons: Mapping[int, Collection[int]]) -> set[int]:
    """Those of these contacts of whom a case or a complaint is open, under whichever of a person's rows."""
    every = {"contacts": sorted({row for rows in persons.values() for row in rows})}
    open_of = set(session.scalars(_ABOUT, every))
    return {contact_id for contact_id, rows in persons.items() if open_of.intersection(rows)}


def twice(session: Session, campaign_id: int, persons: Mapping[int, Collection[int]]) -> set[int]:
    """Those who are in a campaign under another row too, by which they count: the one that has come furthest in it."""
    joined = {row for rows in persons.values() if len(rows) > 1 for row in rows}
    if not joined:
        return set()
    rows = session.execute(
        select(_CC.c.contact_id, _CC.c.state, _CC.c.why, _CC.c.step)
        .where(_CC.c.campaign_id == campaign_id, _CC.c.contact_id.in_(joined))
    )  # fmt: skip
    rank = {
        row.contact_id: (
            row.why is not rules.Reason.SAME_PERSON, row.state is ContactState.DONE, row.step,
            row.state is ContactState.CLAIMED, -row.contact_id,
        )
        for row in rows
    }  # fmt: skip
    return {
        one for one, his in persons.items() if one in rank and max(rank[row] for row in his if row in rank) > rank[one]
    }


def _payable(owed: Totals) -> int:
    """What may be asked for: neither what is suspended nor what a plan has yet to make due."""
    return owed.due + owed.overdue + owed.instalments_late


def _owed(session: Session, known: Mapping[int, Callee]) -> dict[int, Totals]:
    by_row = defaultdict(list)
    for one in positions.of_contact(session, {row for his in known.values() for row in his.contact_ids}, brief=True):
        by_row[one.contact_id].append(one)
    today = clock.business_day(clock.now(session))
    return {
        contact_id: totals((one for row in his.contact_ids for one in by_row[row]), today)
        for contact_id, his in known.items()
    }


def _tried(session: Session, about: Mapping[str, Any]) -> list[tuple[int, rules.Attempt]]:
    mine = about["campaign"]
    return [
        (
            row.contact_id,
            rules.Attempt(row.at, row.number, row.ended or Ended.UNKNOWN, row.operator, row.campaign_id == mine),
        )
        for row in session.execute(_TRIED, about)
    ]


def _system(session: Session, ente_id: int) -> tuple[datetime | None, Offer | None]:
    """Up to when an ente's collection system has told, and whether it answers about one taxpayer."""
    _, heard, minutes, *circuit = session.execute(_SYSTEM, {"ente": ente_id, "enti": [ente_id]}).one()
    offered = None if minutes is None else lookups.offered(minutes, *circuit, now=clock.now(session))
    return heard, offered


def _around(
    session: Session, what_there_is: CompoundSelect[*tuple[Any, ...]], about: Mapping[str, Any]
) -> tuple[dict[_What, dict[int, datetime | None]], dict[int, list[datetime]]]:  # fmt: skip
    """What is known around them; and when each was visited and spoken with, which may have been several times."""
    found: dict[_What, dict[int, datetime | None]] = {what: {} for what in _What}
    visited: dict[int, list[datetime]] = defaultdict(list)
    for what, contact_id, at in session.execute(what_there_is, about):
        if what == _What.VISITED:
            visited[contact_id].append(at)
        else:
            found[what][contact_id] = at
    return found, visited


def _last(instants: Mapping[int, datetime | None], contact_ids: Collection[int]) -> datetime | None:
    return max(filter(None, map(instants.get, contact_ids)), default=None)
