"""A survey's questionnaire answered by its person on the web, by a link of his own.

The link tells nothing to whoever lacks the key: it names the case by numbers and a mark over them (HMAC-SHA256), needs
no row until it is opened, ends on its day, with the survey or with the interview, and shows nobody's name.
"""

import hmac
import struct
from base64 import b32decode, b32encode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.core import clock, secrecy
from crm.core.errors import ConflictError, NotFoundError
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import CampaignContact
from outbound.campaigns.running import Running
from outbound.cati import queries, steps, surveys
from outbound.cati.aapor import Disposition
from outbound.cati.models import Interview, InterviewDeed, InterviewState, Mode, SurveyForm
from outbound.cati.questionnaire import interview as engine
from outbound.cati.questionnaire.interview import Screen

PATH = "/indagine"
LIVES = timedelta(days=30)
OVER = "Questo questionario non si può più compilare. Grazie lo stesso."
BROKEN = "Questo link non è completo: copialo intero dal messaggio."
BUSY = "Un nostro operatore sta già facendo con te questa intervista."
_NUMBERS, _MARK, _PURPOSE, _FIRST = struct.Struct(">IIQH"), 12, "survey.link", date(2020, 1, 1)


@dataclass(frozen=True, slots=True)
class Link:
    """Of whom a link is, and the last day on which it may be used."""

    ente_id: int
    campaign_id: int
    contact_id: int
    until: date


@dataclass(frozen=True, slots=True)
class Sheet:
    """What somebody sees. Without a screen there is nothing more to answer; `full`: his quota was filled meanwhile."""

    title: str
    ente_id: int
    revision: int
    language: str
    languages: tuple[str, ...]
    screen: Screen | None
    full: bool


def address(session: Session, *, ente_id: int, campaign_id: int, contact_id: int, public_url: str) -> str:
    """The link of a survey's case, for a message to its person; it lives a month. It is never kept, nor logged."""
    until = clock.business_day(clock.now(session)) + LIVES
    content = _NUMBERS.pack(ente_id, campaign_id, contact_id, (until - _FIRST).days)
    token = b32encode(content + _marked(session, content)).decode().rstrip("=").lower()
    return f"{public_url.rstrip('/')}{PATH}/{token}"


def ente_of(token: str) -> int | None:
    """For which ente a link says that it is, before anybody has looked whether it says so rightly."""
    content = _content(token)
    return _NUMBERS.unpack(content[: _NUMBERS.size])[0] if content is not None else None


def read(session: Session, token: str) -> Link:
    """Whose a link is. Raises `NotFoundError` for one that is forged or broken, `ConflictError` once it is too old."""
    content = _content(token)
    if content is None or not hmac.compare_digest(content[_NUMBERS.size :], _marked(session, content[: _NUMBERS.size])):
        raise NotFoundError(BROKEN)
    ente_id, campaign_id, contact_id, days = _NUMBERS.unpack(content[: _NUMBERS.size])
    link = Link(ente_id, campaign_id, contact_id, _FIRST + timedelta(days=days))
    if clock.business_day(clock.now(session)) > link.until:
        raise ConflictError(OVER)
    return link


def sheet(session: Session, token: str) -> Sheet:
    """The question that is asked now; looking begins nothing."""
    link = read(session, token)
    found, form_id = _survey(session, link)
    row = _row(session, link, lock=False)
    form = session.get_one(SurveyForm, form_id)
    if row is None:
        if form.current is None or form.withdrawn_at is not None:
            raise ConflictError(OVER)
        known = queries.questionnaire(session, queries.version_id(session, form_id, form.current))
        setting = queries.fresh(known, clock.now(session))
        screen = engine.step(known, engine.start(), setting)
        return Sheet(
            known.title or form.title, found.ente_id, 0, known.default_language, known.languages, screen, full=False
        )
    _open_to_him(session, row)
    known, answers, setting = steps.state(session, row)
    screen = engine.step(known, answers, setting) if row.state is not InterviewState.DONE else None
    return Sheet(
        known.title or form.title, found.ente_id, row.revision, row.language, known.languages, screen,
        row.disposition is Disposition.QUOTA_FILLED,
    )  # fmt: skip


def answer(session: Session, token: str, *, revision: int, said: Sequence[str]) -> steps.Refusal | None:
    """Answer the question; the last answer completes the interview. Raises as `sheet`, and for a stale page."""
    row = _held(session, token, revision)
    refusal = steps.answered(session, row, None, said)
    if refusal is None and row.state is InterviewState.RUNNING:
        known, answers, setting = steps.state(session, row)
        if engine.step(known, answers, setting) is None:
            steps.close(session, row, None, Disposition.COMPLETE, for_good=True, complete=True)
    return refusal


def back(session: Session, token: str, *, revision: int) -> None:
    """To the question before. Raises as `answer`."""
    steps.went(session, _held(session, token, revision), None, back=True)


def speak(session: Session, token: str, *, revision: int, language: str) -> None:
    """Go on in another language of the questionnaire. Raises as `answer`."""
    row = _held(session, token, revision)
    if language not in queries.questionnaire(session, row.version_id).languages:
        raise NotFoundError("Il questionario non è in questa lingua.")
    row.language = language
    steps.add(session, row, None, InterviewDeed.LANGUAGE, value=language)
    steps.moved(session, row, row.at)


def _held(session: Session, token: str, revision: int) -> Interview:
    """His interview, locked and his: begun with the first thing that he does, taken over from where it was left."""
    link = read(session, token)
    found, form_id = _survey(session, link)
    row = _row(session, link, lock=True)
    if row is None:
        form = session.get_one(SurveyForm, form_id)
        try:
            with session.begin_nested():
                row = steps.create(
                    session, None, form=form, ente_id=found.ente_id, contact_id=link.contact_id,
                    campaign_id=found.id, call_id=None, language="", mode=Mode.WEB,
                )  # fmt: skip
        except IntegrityError:  # one case, one interview: a unique index says so
            raise ConflictError(steps.STALE) from None
        steps.keep_place(session, row, None)
    _open_to_him(session, row)
    if row.state is InterviewState.DONE:
        raise ConflictError(OVER)
    if row.revision != revision:
        raise ConflictError(steps.STALE)
    if row.mode is not Mode.WEB or row.state is not InterviewState.RUNNING:
        steps.resumed(session, row, None, Mode.WEB)
    return row


def _survey(session: Session, link: Link) -> tuple[Running, int]:
    """The survey, while it runs and may be answered on the web, and its questionnaire."""
    found, form_id = surveys.get(session, link.campaign_id)
    of_survey = session.get(CampaignContact, (link.campaign_id, link.contact_id))
    if not found.plan.by_web or found.state is not State.RUNNING or of_survey is None:
        raise ConflictError(OVER)
    return found, form_id


def _open_to_him(session: Session, row: Interview) -> None:
    """Raise `ConflictError` while an interviewer conducts it."""
    led = row.held_until is not None and row.held_until > clock.now(session)
    if row.state is InterviewState.RUNNING and row.mode is not Mode.WEB and led:
        raise ConflictError(BUSY)


def _row(session: Session, link: Link, *, lock: bool) -> Interview | None:
    its = select(Interview).where(
        Interview.campaign_id == link.campaign_id, Interview.contact_id == link.contact_id
    ).execution_options(populate_existing=True)  # fmt: skip
    return session.scalars(its.with_for_update() if lock else its).one_or_none()


def _content(token: str) -> bytes | None:
    try:
        content = b32decode(token.upper().encode("ascii") + b"=" * (-len(token) % 8))
    except (Error, ValueError):
        return None
    return content if len(content) == _NUMBERS.size + _MARK else None


def _marked(session: Session, content: bytes) -> bytes:
    return secrecy.of(session).mark(_PURPOSE, content)[:_MARK]
