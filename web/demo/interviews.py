"""The demonstration's satisfaction interviews: the ready-made form, in use, and how some people answered it."""

import random
from datetime import timedelta
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.core import clock
from crm.enti.queries import enti_of
from outbound.cati import queries, service
from outbound.cati.aapor import Disposition
from outbound.cati.models import Interview, InterviewDeed, InterviewEvent, InterviewState, SurveyForm
from outbound.cati.questionnaire import interview as engine
from outbound.cati.questionnaire.interview import RefusedError, Screen
from outbound.cati.questionnaire.look import Setting
from outbound.cati.questionnaire.xlsform import compiled
from outbound.cati.templates import template
from web.demo.accounts import NEWCOMER, OFFICE

ENDINGS = {
    Disposition.COMPLETE: 22, Disposition.RESPONDENT_REFUSAL: 6, Disposition.NO_ANSWER: 9, Disposition.BUSY: 2,
    Disposition.NEVER_AVAILABLE: 3, Disposition.NOT_WORKING: 2, Disposition.LANGUAGE: 1,
}  # fmt: skip
ADVICE = ("Rispondere prima al telefono", "Orari anche di pomeriggio", "Lettere scritte più semplici", "")
LASTS_S = (4, 14)  # a question


def interview_some(session: Session, *, contract_id: int) -> None:
    """A questionnaire in use, and its first interviews; a second time none."""
    if session.scalars(select(SurveyForm.id).where(SurveyForm.contract_id == contract_id).limit(1)).first():
        return
    content = template("satisfaction")
    form = compiled(content).form
    assert form is not None
    manager = session.scalars(select(User).where(User.username == OFFICE[0].username)).one()
    carla = Principal(manager.id, manager.name, "it", frozenset({Held(Role.CAMPAIGN_MANAGER, None, contract_id)}))
    form_id = service.upload(
        session, carla, contract_id=contract_id, ente_id=None, file_name="soddisfazione.xlsx", content=content,
        form=form,
    )  # fmt: skip
    service.publish(session, carla, form_id=form_id, number=1)
    version_id = queries.version_id(session, form_id, 1)
    anna = session.scalars(select(User.id).where(User.username == NEWCOMER.username)).one()
    dice, now = random.Random(7), clock.now(session)  # noqa: S311  # invented people
    enti = sorted(enti_of(session, contract_id))
    for ending, often in ENDINGS.items():
        for _ in range(often):
            began = now - timedelta(days=dice.randint(1, 12), minutes=dice.randint(0, 400))
            row = Interview(
                id=UUID(int=dice.getrandbits(128), version=4), ente_id=dice.choice(enti), contract_id=contract_id,
                form_id=form_id, version_id=version_id, state=InterviewState.DONE, disposition=ending,
                language=form.default_language, seed=dice.randrange(2**31), interviewer_id=anna, began_at=began,
                shown_at=began, ended_at=began,
            )  # fmt: skip
            session.add(row)
            session.flush()
            if ending is Disposition.COMPLETE:
                _answer(session, row, dice)


def _answer(session: Session, row: Interview, dice: random.Random) -> None:
    form, answers, at = queries.questionnaire(session, row.version_id), engine.start(), row.began_at
    setting: Setting = queries.setting(row, at)
    while (screen := engine.step(form, answers, setting)) is not None:
        try:
            answers = engine.answer(form, answers, setting, _said(screen, dice))
        except RefusedError:
            continue  # he thinks again
        took = dice.randint(*LASTS_S)
        at += timedelta(seconds=took)
        session.execute(
            insert(InterviewEvent).values(
                interview_id=row.id, ente_id=row.ente_id, deed=InterviewDeed.ANSWERED, path=screen.path,
                value=answers.values[screen.path], took_ms=took * 1000, at=at, interviewer_id=row.interviewer_id,
            )
        )  # fmt: skip
    row.shown_at = row.ended_at = at
    session.flush()


def _said(screen: Screen, dice: random.Random) -> list[str]:
    names = [one.name for one in screen.options]
    if screen.path == "consent":
        return ["yes"]
    if names[:2] == ["1", "2"]:
        return dice.choices(names, (3, 5, 14, 40, 38))
    if names:
        return [dice.choice(names)]
    if screen.path == "times":
        return [str(dice.randint(1, 4))]
    return [dice.choice(ADVICE)] if screen.path == "advice" else [""]
