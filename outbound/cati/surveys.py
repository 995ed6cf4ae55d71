"""Surveys: campaigns that have a questionnaire. Their cases are opened by a call and followed up as they ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts import queries as people
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.core.errors import ConflictError, FieldError, NotFoundError
from outbound.campaigns import contacts, running, sequence
from outbound.campaigns.models import Attempt, Campaign, CampaignContact, ContactState
from outbound.campaigns.running import Running
from outbound.cati import access
from outbound.cati.aapor import Disposition, Group
from outbound.cati.models import Asked, Interview, InterviewState, SurveyCase
from outbound.compliance.rules import Ended
from outbound.compliance.windows import HORIZON

MOST_REFUSALS = 2  # then nobody asks him again, whatever he said
NO_CASE = "Questo caso non è dell'indagine."
_CC = table_of(CampaignContact)


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt at a case, for whoever calls next: not who made it."""

    at: datetime
    ended: Ended | None


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as its interviewer sees it before he begins. `check`: he verifies an interview that a colleague led."""

    campaign_id: int
    contact_id: int
    ente_id: int
    form_id: int
    survey: str
    name: str
    tried: tuple[Tried, ...]
    interview_id: UUID | None
    state: InterviewState | None
    disposition: Disposition | None
    converts: bool  # he has refused once; a supervisor lets it be tried again
    check: bool
    wants_after: datetime | None


def get(session: Session, campaign_id: int) -> tuple[Running, int]:
    """A survey of the scope, and its questionnaire. Raises `NotFoundError` for a campaign that is none."""
    found = running.get(session, campaign_id)
    if found.plan.form_id is None:
        raise NotFoundError("Questa campagna non è un'indagine.")
    return found, found.plan.form_id


def of_call(session: Session, *, contact_id: int, call_id: UUID) -> tuple[int, int] | None:
    """The case that a call was placed for: its survey and contact; none for any other call."""
    campaign_id = session.scalar(
        select(Attempt.campaign_id).where(Attempt.contact_id == contact_id, Attempt.call_id == call_id)
    )
    if campaign_id is None or running.get(session, campaign_id).plan.form_id is None:
        return None
    return campaign_id, contact_id


def case(session: Session, by: Principal, *, campaign_id: int, contact_id: int) -> CaseView:
    """A case; whoever looks at it is noted. Raises `NotFoundError`, `ForbiddenError` unless it is `by`'s (`access`)."""
    found, form_id = get(session, campaign_id)
    access.require(session, by, ente_id=found.ente_id, campaign_id=campaign_id, contact_id=contact_id)
    if session.get(CampaignContact, (campaign_id, contact_id)) is None:
        raise NotFoundError(NO_CASE)
    audit.note_once(session, by, kind="interview.case_seen", ente_id=found.ente_id, contact_id=contact_id)
    tried = session.execute(
        select(Attempt.at, Attempt.ended)
        .where(Attempt.campaign_id == campaign_id, Attempt.contact_id == contact_id, Attempt.begun)
        .order_by(Attempt.at.desc())
    )
    known, led = session.get(SurveyCase, (campaign_id, contact_id)), _led(session, campaign_id, contact_id)
    return CaseView(
        campaign_id, contact_id, found.ente_id, form_id, session.get_one(Campaign, campaign_id).name,
        people.named(session, [contact_id]).get(contact_id, ""), tuple(Tried(at, ended) for at, ended in tried),
        led.id if led else None, led.state if led else None, led.disposition if led else None,
        known is not None and known.asked is Asked.CONVERSION, known is not None and known.asked is Asked.CHECK,
        known.wants_after if known else None,
    )  # fmt: skip


def opened(session: Session, by: Principal, *, campaign_id: int, contact_id: int) -> tuple[UUID | None, UUID | None]:
    """The case's interview, if it was begun before, and the call in which its person is reached now.

    Raises as `case`, and `ConflictError` for whoever is not to call this person again.
    """
    one = case(session, by, campaign_id=campaign_id, contact_id=contact_id)
    known = session.get(SurveyCase, (campaign_id, contact_id))
    if known is not None and known.not_by == by.user_id:
        raise ConflictError("Questa persona la richiama un collega: passagli il caso.")
    attempt = last_attempt(session, campaign_id, contact_id)
    return one.interview_id, attempt.call_id if attempt else None


def followed(
    session: Session, by: Principal | None, row: Interview, *, for_good: bool, wants_after: datetime | None = None
) -> bool:  # fmt: skip
    """What follows from how an interview was ended, for its case; whether it is over for good.

    A first refusal that is not for good waits for a supervisor, and is then another interviewer's; a second one is for
    good. An appointment (`wants_after`) is kept by whoever made it, if he can.
    """
    assert row.campaign_id is not None
    assert row.disposition is not None
    if row.contact_id is None:
        return for_good
    his, now = case_of(session, row), clock.now(session)
    his.asked = his.wants_after = his.wants_agent = None
    refused = row.disposition.group is Group.R and by is not None  # who leaves a machine has refused nobody
    if refused and not for_good:
        his.refusals, his.refused_at, his.not_by = his.refusals + 1, now, by.user_id if by else None
        for_good = his.refusals >= MOST_REFUSALS
    elif not for_good:
        his.wants_after, his.wants_agent = wants_after, by.user_id if wants_after and by else None
    session.flush()
    attempt = last_attempt(session, row.campaign_id, row.contact_id)
    if attempt is not None and attempt.ended is None and by is not None:
        spoke = row.disposition.group in {Group.I, Group.P, Group.R, Group.O, Group.NE}
        is_he = spoke and row.disposition is not Disposition.HOUSEHOLD_REFUSAL
        contacts.ended(
            session, attempt_id=attempt.id, ended=Ended.SPOKEN if is_he else Ended.ANSWERED, operator=True
        )  # fmt: skip
    else:
        contacts.look_again(session, campaign_id=row.campaign_id, contact_id=row.contact_id)
    if for_good or refused:
        sequence.done(session, campaign_id=row.campaign_id, contact_ids=[row.contact_id], now=now)
    touch(session, topics.campaigns(row.ente_id))
    return for_good


def appointment(session: Session, at: datetime | None) -> datetime | None:
    """An hour that somebody asked for, if it may be. Raises `FieldError`."""
    if at is None:
        return None
    now = clock.now(session)
    if not now < at < now + HORIZON:
        raise FieldError("Scegli un momento che deve ancora venire, entro quattro mesi.", "day")
    return at


def convert(session: Session, by: Principal, *, campaign_id: int, contact_id: int) -> datetime:
    """A supervisor lets somebody who has refused be asked once more, by another interviewer; from when.

    Raises `ConflictError` for whom nobody may ask again.
    """
    found, _ = get(session, campaign_id)
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=found.ente_id)
    known = session.get(SurveyCase, (campaign_id, contact_id), with_for_update=True, populate_existing=True)
    if known is None or known.refusals != 1 or known.asked is not None or known.refused_at is None:
        raise ConflictError("Questa persona non va richiamata.")
    led = _led(session, campaign_id, contact_id)
    if led is None or led.state is not InterviewState.INTERRUPTED:
        raise ConflictError("Questa persona non va richiamata.")
    known.asked = Asked.CONVERSION
    due = max(clock.now(session), known.refused_at + timedelta(days=found.plan.conversion_days))
    again(session, campaign_id=campaign_id, contact_id=contact_id, due=due)
    audit.note(session, by, kind="survey.converted", ente_id=found.ente_id, contact_id=contact_id)
    return due


def refusals(session: Session, campaign_id: int) -> list[SurveyCase]:
    """Those who have refused once and not for good, and of whom a supervisor has still to decide; the oldest first."""
    return list(
        session.scalars(
            select(SurveyCase)
            .join(
                Interview,
                (Interview.campaign_id == SurveyCase.campaign_id) & (Interview.contact_id == SurveyCase.contact_id),
            )
            .where(
                SurveyCase.campaign_id == campaign_id, SurveyCase.refusals == 1, SurveyCase.asked.is_(None),
                SurveyCase.refused_at.is_not(None), Interview.state == InterviewState.INTERRUPTED,
            )
            .order_by(SurveyCase.refused_at, SurveyCase.contact_id)
        )
    )  # fmt: skip


def again(session: Session, *, campaign_id: int, contact_id: int, due: datetime) -> None:
    """A case that was over is called once more, from `due` on: at once, if that has come."""
    its = (_CC.c.campaign_id == campaign_id, _CC.c.contact_id == contact_id)
    state = ContactState.LATER if due > clock.now(session) else ContactState.READY
    session.execute(update(_CC).where(*its).values(state=state, why=None, due_at=due, claimed_by=None))


def stratum_of(session: Session, campaign_id: int | None, contact_id: int | None) -> str:
    """In which stratum a case was drawn; empty where there is none."""
    its = SurveyCase.campaign_id == campaign_id, SurveyCase.contact_id == contact_id
    return session.scalar(select(SurveyCase.stratum).where(*its)) or ""


def case_of(session: Session, row: Interview) -> SurveyCase:
    """What the survey knows of a case, locked; written where it knew nothing."""
    key = (row.campaign_id, row.contact_id)
    known = session.get(SurveyCase, key, with_for_update=True, populate_existing=True)
    if known is None:
        known = SurveyCase(
            campaign_id=row.campaign_id, contact_id=row.contact_id, ente_id=row.ente_id, stratum="", replicate=0,
            refusals=0,
        )  # fmt: skip
        session.add(known)
        session.flush()
    return known


def _led(session: Session, campaign_id: int, contact_id: int) -> Interview | None:
    return session.scalars(
        select(Interview).where(Interview.campaign_id == campaign_id, Interview.contact_id == contact_id)
    ).one_or_none()


def last_attempt(session: Session, campaign_id: int, contact_id: int) -> Attempt | None:
    """The latest that was begun."""
    return session.scalars(
        select(Attempt)
        .where(Attempt.campaign_id == campaign_id, Attempt.contact_id == contact_id, Attempt.begun)
        .order_by(Attempt.at.desc())
        .limit(1)
    ).one_or_none()
