"""What is known of people at an instant, gathered for `rules.judge` and `rules.judge_written`."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm.collection import queries as collection
from crm.contacts import calling, writing
from crm.contacts.calling import Callee
from crm.contacts.writing import Correspondent
from crm.core import clock
from crm.core.db import table_of
from crm.follow_ups import queries as follow_ups
from crm.follow_ups.models import FollowUpKind
from crm.messages import queries as messages
from crm.messages.models import MessageChannel
from crm.messages.rules import Address
from crm.positions import queries as positions
from crm.positions.summary import Totals, totals
from outbound.campaigns.models import Attempt, CampaignContact, ContactState, WrittenAttempt
from outbound.cati.models import SurveyCase
from outbound.compliance import rules
from outbound.compliance.rules import WEEK, Ended, Person, Written, Wrote
from outbound.outcomes import queries as outcomes
from outbound.promises import queries as promises

LOOKED_BACK = timedelta(days=90)  # at attempts of whatever campaign; at those of this one, without end
_A, _CC, _W = table_of(Attempt), table_of(CampaignContact), table_of(WrittenAttempt)
_CASE = table_of(SurveyCase)
_DIGITAL = {Written.SMS: MessageChannel.SMS, Written.EMAIL: MessageChannel.EMAIL}


def people(
    session: Session, *, ente_id: int, contact_ids: Collection[int], campaign_id: int, running: bool = True
) -> dict[int, Person]:
    """Each of these contacts of an ente as a campaign has to see him. `running`: it may dial now.

    Attempts at his numbers count whoever they were meant for, as far as the scope of the session reaches.
    """
    known = calling.callees(session, contact_ids)
    everyone = {row for one in known.values() for row in one.contact_ids}
    known_at = collection.heard(session, [ente_id]).get(ente_id)
    persons = {contact_id: one.contact_ids for contact_id, one in known.items()}
    owed, cases = _owed(session, known), complaining(session, persons)
    twice = _twice(session, campaign_id, persons)
    tried = _tried(session, {number for one in known.values() for number in one.numbers}, campaign_id, everyone)
    elsewhere, wishes = _claimed(session, campaign_id, everyone), _wishes(session, campaign_id, known)
    promised, wished = promises.held_until(session, everyone), outcomes.wishes(session, everyone)
    return {
        contact_id: Person(
            numbers=one.numbers,
            attempts=tuple(
                attempt
                for whose, attempt in tried
                if whose in one.contact_ids or attempt.number in one.numbers
            ),
            running=running, known_at=known_at, deceased=one.deceased, do_not_call=one.do_not_call,
            insolvent=one.insolvent, due_cents=0 if one.gone else _payable(owed[contact_id]),
            suspended=not _payable(owed[contact_id]) and owed[contact_id].suspended > 0,
            complaint=contact_id in cases, claimed=bool(one.contact_ids & elsewhere), twice=contact_id in twice,
            hours=one.hours,
            promised_until=max((promised[row] for row in one.contact_ids if row in promised), default=None),
            wants_after=max(filter(None, (wishes.get(contact_id), *map(wished.get, one.contact_ids))), default=None),
        )
        for contact_id, one in known.items()
    }  # fmt: skip


def writable(
    session: Session, *, ente_id: int, contact_ids: Collection[int], campaign_id: int, running: bool = True
) -> dict[int, tuple[Person, Correspondent]]:
    """The same, with what only whoever writes has to know, and where each is reached."""
    found = people(session, ente_id=ente_id, contact_ids=contact_ids, campaign_id=campaign_id, running=running)
    persons = calling.persons(session, contact_ids)
    reached = writing.correspondents(session, persons)
    addresses = [
        Address(channel, value)
        for one in reached.values()
        for channel, values in ((MessageChannel.SMS, one.mobiles), (MessageChannel.EMAIL, one.emails))
        for value in values
    ]
    stopped = messages.stopped(session, ente_id, addresses)
    since = clock.now(session) - WEEK
    wrote = defaultdict(list)
    rows = {row for his in persons.values() for row in his}
    these = select(_W.c.contact_id, _W.c.at, _W.c.channel).where(
        _W.c.begun, _W.c.contact_id.in_(rows), _W.c.at > since
    )  # fmt: skip
    for row in session.execute(these):
        wrote[row.contact_id].append(Wrote(row.at, row.channel))
    whole = {}
    for contact_id, person in found.items():
        his = reached[contact_id]
        where = {Written.SMS: his.mobiles, Written.EMAIL: his.emails, Written.LETTER: tuple(map(str, his.postal))}
        good = {
            channel: tuple(one for one in values if (_DIGITAL.get(channel), one) not in stopped)
            for channel, values in where.items()
        }
        person = replace(  # noqa: PLW2901  # the same one, more of him
            person, addresses=good, stopped=frozenset(one for one in where if where[one] and not good[one]),
            to_messages=his.agreed, written=tuple(one for row in persons[contact_id] for one in wrote[row]),
        )  # fmt: skip
        whole[contact_id] = (person, his)
    return whole


def complaining(session: Session, persons: Mapping[int, Collection[int]]) -> set[int]:
    """Those of these contacts of whom a case or a complaint is open, under whichever of a person's rows."""
    cases = follow_ups.with_open(session, {row for rows in persons.values() for row in rows}, FollowUpKind.CASE)
    return {contact_id for contact_id, rows in persons.items() if cases.intersection(rows)}


def _twice(session: Session, campaign_id: int, persons: Mapping[int, Collection[int]]) -> set[int]:
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


def _tried(
    session: Session, numbers: Collection[str], campaign_id: int, contact_ids: Collection[int]
) -> list[tuple[int, rules.Attempt]]:
    """Attempts that were begun, at these numbers or to these contacts, in their order."""
    since = clock.now(session) - LOOKED_BACK
    rows = session.execute(
        select(_A.c.contact_id, _A.c.at, _A.c.number, _A.c.ended, _A.c.operator, _A.c.campaign_id)
        .where(
            _A.c.begun,
            or_(_A.c.number.in_(numbers), _A.c.contact_id.in_(contact_ids)),
            or_(_A.c.at > since, _A.c.campaign_id == campaign_id),
        )
        .order_by(_A.c.at)
    )  # fmt: skip
    return [
        (
            row.contact_id,
            rules.Attempt(
                row.at, row.number, row.ended or Ended.UNKNOWN, row.operator, row.campaign_id == campaign_id
            ),
        )
        for row in rows
    ]  # fmt: skip


def _wishes(session: Session, campaign_id: int, contact_ids: Collection[int]) -> dict[int, datetime]:
    """The appointments that people made with a survey's interviewers."""
    rows = session.execute(
        select(_CASE.c.contact_id, _CASE.c.wants_after).where(
            _CASE.c.campaign_id == campaign_id, _CASE.c.contact_id.in_(contact_ids), _CASE.c.wants_after.is_not(None)
        )
    )
    return {row.contact_id: row.wants_after for row in rows}


def _claimed(session: Session, campaign_id: int, contact_ids: Collection[int]) -> set[int]:
    """Those with whom another campaign has to do now."""
    return set(
        session.scalars(
            select(_CC.c.contact_id).where(
                _CC.c.contact_id.in_(contact_ids), _CC.c.campaign_id != campaign_id,
                _CC.c.state == ContactState.CLAIMED,
            )
        )
    )  # fmt: skip
