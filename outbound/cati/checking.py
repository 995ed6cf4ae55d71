"""Verification: some of the people interviewed are drawn and called again by another interviewer."""

import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, FieldError, NotFoundError
from outbound.campaigns import contacts, sequence
from outbound.campaigns.models import Campaign
from outbound.cati import queries, surveys
from outbound.cati.aapor import Disposition
from outbound.cati.models import Asked, Found, Interview, InterviewState, SurveyCase, SurveyCheck
from outbound.cati.questionnaire import interview as engine
from outbound.cati.questionnaire.definition import Questionnaire
from outbound.compliance.rules import Ended

MARK = "verify"  # in the column `appearance` of a question
USUAL_MARKED = 3  # the first questions, where the form marks none


@dataclass(frozen=True, slots=True)
class Remembered:
    """A question to be asked again, and what is written of it."""

    label: str
    answer: str


def share_of(count: int, percent: int) -> int:
    """How many of so many are drawn: at least one, where there is any."""
    return -(-count * percent // 100)


def drawn(candidates: list[UUID], percent: int, seed: int) -> list[UUID]:
    """The share that a seed draws: the same seed the same ones of the same interviews."""
    return random.Random(seed).sample(sorted(candidates), share_of(len(candidates), percent))  # noqa: S311  # no secret


def draw(session: Session, by: Principal, *, campaign_id: int, percent: int, seed: int | None = None) -> int:
    """Draw a share of the complete interviews of which none was drawn yet; how many they are.

    Each is put to be called again, by anybody but its interviewer, as the rules allow. Raises `FieldError`.
    """
    found, _ = surveys.get(session, campaign_id)
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=found.ente_id)
    if not 1 <= percent <= 100:
        raise FieldError("Un numero da 1 a 100.", "percent")
    session.get_one(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    before = select(SurveyCheck.interview_id).where(SurveyCheck.campaign_id == campaign_id)
    rows = session.scalars(
        select(Interview).where(
            Interview.campaign_id == campaign_id, Interview.state == InterviewState.DONE,
            Interview.disposition == Disposition.COMPLETE, Interview.contact_id.is_not(None),
            Interview.id.not_in(before),
        )
    ).all()  # fmt: skip
    known, now = {one.id: one for one in rows}, clock.now(session)
    chosen = drawn(list(known), percent, secrets.randbelow(2**31) if seed is None else seed)
    for interview_id in chosen:
        one = known[interview_id]
        assert one.contact_id is not None
        case = surveys.case_of(session, one)
        case.asked, case.not_by, case.wants_after, case.wants_agent = Asked.CHECK, one.interviewer_id, None, None
        session.add(
            SurveyCheck(
                interview_id=one.id, ente_id=one.ente_id, campaign_id=campaign_id, drawn_by=by.user_id, drawn_at=now
            )
        )
        surveys.again(session, campaign_id=campaign_id, contact_id=one.contact_id, due=now)
    session.flush()
    audit.note(
        session, by, kind="survey.checks_drawn", ente_id=found.ente_id,
        subject=session.get_one(Campaign, campaign_id).name, after={"interviews": len(chosen)},
    )  # fmt: skip
    touch(session, topics.campaigns(found.ente_id))
    return len(chosen)


def remembered(session: Session, interview_id: UUID) -> tuple[Remembered, ...]:
    """What is asked again: the questions that the form marks with `verify`, else the first that were answered."""
    row = session.get_one(Interview, interview_id)
    known = queries.questionnaire(session, row.version_id)
    given = engine.given(known, queries.answers(session, row.id), queries.setting(row, row.began_at))
    asked = [one for one in known.questions() if one.kind.is_asked and given.get(one.name)]
    marked = [one for one in asked if MARK in one.appearance.split()] or asked[:USUAL_MARKED]
    return tuple(
        Remembered(known.said(one.label, row.language), _said(known, one.choices, given[one.name], row.language))
        for one in marked
    )


def record(session: Session, by: Principal, *, campaign_id: int, contact_id: int, found: Found) -> None:
    """What calling again showed; told once.

    Raises `ConflictError` for whoever led the interview, and where none is to be verified.
    """
    one = surveys.case(session, by, campaign_id=campaign_id, contact_id=contact_id)
    case = session.get(SurveyCase, (campaign_id, contact_id), with_for_update=True, populate_existing=True)
    if case is None or case.asked is not Asked.CHECK or one.interview_id is None:
        raise ConflictError("Questa intervista non è da verificare, o è già stata verificata.")
    if case.not_by == by.user_id:
        raise ConflictError("La verifica la fa un collega: l'intervista è tua.")
    row = session.get(SurveyCheck, one.interview_id, with_for_update=True, populate_existing=True)
    if row is None or row.found is not None:
        raise NotFoundError("Questa verifica non c'è.")
    now = clock.now(session)
    row.found, row.checked_by, row.checked_at, case.asked = found, by.user_id, now, None
    session.flush()
    attempt = surveys.last_attempt(session, campaign_id, contact_id)
    if attempt is not None and attempt.ended is None:
        contacts.ended(session, attempt_id=attempt.id, ended=Ended.SPOKEN, operator=True)
    sequence.done(session, campaign_id=campaign_id, contact_ids=[contact_id], now=now)
    audit.note(
        session, by, kind="survey.checked", ente_id=one.ente_id, contact_id=contact_id, after={"check": found.value}
    )
    touch(session, topics.campaigns(one.ente_id))


def counts(session: Session, campaign_id: int) -> Mapping[Found | None, int]:
    """How many were found how; none: still to be called."""
    rows = session.execute(
        select(SurveyCheck.found, func.count())
        .where(SurveyCheck.campaign_id == campaign_id)
        .group_by(SurveyCheck.found)
    )
    return {found: count for found, count in rows}  # noqa: C416  # rows are no pairs to mypy


def _said(form: Questionnaire, choices: str, value: str, language: str) -> str:
    labels = {one.name: form.said(one.label, language) for one in form.lists.get(choices, ())}
    return ", ".join(labels.get(one, one) for one in value.split()) if labels else value
