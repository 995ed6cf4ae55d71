"""What is known of people at an instant, gathered for `rules.judge`."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm.collection import queries as collection
from crm.contacts import calling
from crm.contacts.calling import Callee
from crm.core import clock
from crm.core.db import table_of
from crm.follow_ups import queries as follow_ups
from crm.follow_ups.models import FollowUpKind
from crm.positions import queries as positions
from crm.positions.summary import Totals, totals
from outbound.campaigns.models import Attempt, CampaignContact, ContactState
from outbound.cati.models import SurveyCase
from outbound.compliance import rules
from outbound.compliance.rules import Ended, Person

LOOKED_BACK = timedelta(days=90)  # at attempts of whatever campaign; at those of this one, without end
_A, _CC, _CASE = table_of(Attempt), table_of(CampaignContact), table_of(SurveyCase)


def people(
    session: Session, *, ente_id: int, contact_ids: Collection[int], campaign_id: int, running: bool = True
) -> dict[int, Person]:
    """Each of these contacts of an ente as a campaign has to see him. `running`: it may dial now.

    Attempts at his numbers count whoever they were meant for, as far as the scope of the session reaches.
    """
    known = calling.callees(session, contact_ids)
    everyone = {row for one in known.values() for row in one.contact_ids}
    known_at = collection.heard(session, [ente_id]).get(ente_id)
    owed, cases = _owed(session, known), follow_ups.with_open(session, everyone, FollowUpKind.CASE)
    tried = _tried(session, {number for one in known.values() for number in one.numbers}, campaign_id, everyone)
    elsewhere, wishes = _claimed(session, campaign_id, everyone), _wishes(session, campaign_id, known)
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
            complaint=bool(one.contact_ids & cases), claimed=bool(one.contact_ids & elsewhere), hours=one.hours,
            wants_after=wishes.get(contact_id),
        )
        for contact_id, one in known.items()
    }  # fmt: skip


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
