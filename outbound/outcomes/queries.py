"""Reading outcomes: of a call, of a person; which one an agent still owes; when people want to be called."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from crm.contacts.queries import same_person
from crm.core import clock
from crm.core.db import table_of
from outbound.campaigns.models import Attempt, Campaign, CampaignVersion
from outbound.campaigns.plan import Purpose
from outbound.outcomes.catalogue import Said
from outbound.outcomes.models import OutcomeGiven
from outbound.promises import queries as promises
from outbound.promises.queries import PromiseView
from telephony.calls import story
from telephony.calls.conversation import SHIFT
from telephony.calls.models import Call, Outcome

_O, _A, _CALL, _V = table_of(OutcomeGiven), table_of(Attempt), table_of(Call), table_of(CampaignVersion)
_OF_A_SURVEY = exists().where(
    _V.c.campaign_id == _A.c.campaign_id, _V.c.number == _A.c.version,
    _V.c.plan["purpose"].astext == Purpose.SURVEY,
)  # fmt: skip
_OWING = (
    select(_CALL.c.id)
    .join(_A, _A.c.call_id == _CALL.c.id)
    .where(
        _CALL.c.agent_id == bindparam("agent"), _CALL.c.arrived_at > bindparam("since"), _CALL.c.placed,
        _CALL.c.outcome == Outcome.ANSWERED, ~exists().where(_O.c.attempt_id == _A.c.id, _O.c.undone_at.is_(None)),
        ~_OF_A_SURVEY,
    )
    .order_by(_CALL.c.arrived_at.desc()).limit(1)
)  # fmt: skip
MOST = 50
LATELY = timedelta(days=90)  # within which what somebody wished still counts


@dataclass(frozen=True, slots=True)
class OfCall:
    """The attempt that a call was placed for, and the outcome that stands, if one was given."""

    attempt_id: UUID
    campaign_id: int
    campaign: str
    contact_id: int
    outcome_id: UUID | None = None
    said: Said | None = None
    given_by: int | None = None
    note: str = ""
    call_after: datetime | None = None
    promise: PromiseView | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """A conversation of a campaign's with somebody."""

    campaign_id: int
    campaign: str
    said: Said
    given_at: datetime
    promise: PromiseView | None


@dataclass(frozen=True, slots=True)
class OfCampaign:
    """A campaign that somebody was in: how often he was tried, and what came of the conversations."""

    campaign_id: int
    name: str
    attempts: int
    last_at: datetime | None
    outcomes: tuple[Past, ...]


def of_call(session: Session, call_id: UUID) -> OfCall | None:
    """The campaign's attempt behind a call; none when it is no campaign's, or a survey's: an interview has endings of
    its own.
    """
    row = session.execute(
        select(_A.c.id, _A.c.campaign_id, Campaign.name, _A.c.contact_id)
        .join(Campaign, Campaign.id == _A.c.campaign_id)
        .where(_A.c.call_id == call_id, ~_OF_A_SURVEY)
    ).one_or_none()
    if row is None:
        return None
    attempt_id, campaign_id, name, contact_id = row
    given = standing(session, attempt_id)
    if given is None:
        return OfCall(attempt_id, campaign_id, name, contact_id)
    promise = promises.of_outcomes(session, [given.id]).get(given.id)
    return OfCall(
        attempt_id, campaign_id, name, contact_id, given.id, given.said, given.given_by, given.note, given.call_after,
        promise,
    )  # fmt: skip


def reached(session: Session, call: Call, contact_id: int) -> bool:
    """Whether it was established in a call that it is this contact's: of somebody else who said who he is, never."""
    if call.contact_id is None or not story.was_identified(session, call):
        return False
    return call.contact_id == contact_id or call.contact_id in {one.id for one in same_person(session, contact_id)}


def standing(session: Session, attempt_id: UUID, *, lock: bool = False) -> OutcomeGiven | None:
    """The outcome that stands of an attempt."""
    statement = select(OutcomeGiven).where(OutcomeGiven.attempt_id == attempt_id, OutcomeGiven.undone_at.is_(None))
    statement = statement.with_for_update() if lock else statement
    return session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def owing(session: Session, agent_id: int) -> UUID | None:
    """The latest call of this shift that an agent placed for a campaign, in which somebody answered, and of which he
    has not said how it ended.
    """
    since = clock.now(session) - SHIFT
    return session.scalar(_OWING, {"agent": agent_id, "since": since})


def wishes(contact_ids: ColumnElement[Any], now: ColumnElement[datetime]) -> Select[int, datetime | None]:
    """Selects from when each of these wants to be called: what he said last, or nothing."""
    return (
        select(_O.c.contact_id, _O.c.call_after)
        .ext(distinct_on(_O.c.contact_id))
        .where(_O.c.contact_id == contact_ids, _O.c.undone_at.is_(None), _O.c.given_at > now - LATELY)
        .order_by(_O.c.contact_id, _O.c.given_at.desc())
    )  # fmt: skip


def of_person(session: Session, contact_ids: Collection[int]) -> list[OfCampaign]:
    """The campaigns these rows of a person were tried in, the latest first, with what came of each conversation."""
    tried = session.execute(
        select(_A.c.campaign_id, Campaign.name, func.count(), func.max(_A.c.at))
        .join(Campaign, Campaign.id == _A.c.campaign_id)
        .where(_A.c.contact_id.in_(contact_ids), _A.c.begun)
        .group_by(_A.c.campaign_id, Campaign.name).order_by(func.max(_A.c.at).desc()).limit(MOST)
    ).all()  # fmt: skip
    if not tried:
        return []
    rows = session.scalars(
        select(OutcomeGiven)
        .where(OutcomeGiven.contact_id.in_(contact_ids), OutcomeGiven.undone_at.is_(None))
        .order_by(OutcomeGiven.given_at.desc()).limit(MOST)
    ).all()  # fmt: skip
    held = promises.of_outcomes(session, [row.id for row in rows])
    names = {campaign_id: name for campaign_id, name, _, _ in tried}
    past = [
        Past(row.campaign_id, names.get(row.campaign_id, ""), row.said, row.given_at, held.get(row.id)) for row in rows
    ]
    return [
        OfCampaign(campaign_id, name, attempts, at, tuple(one for one in past if one.campaign_id == campaign_id))
        for campaign_id, name, attempts, at in tried
    ]
