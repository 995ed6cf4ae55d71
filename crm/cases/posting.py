"""Answers by post, as their cases see them: written, dropped, left, and what the post says. Letters are made elsewhere:
whoever makes them says so here.
"""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases import having, rights, told
from crm.cases.lifecycle import Deed, Need, Who, step_of
from crm.cases.models import Case, CaseStep
from crm.cases.posted import LEADS_ON, Fate, PostSays, fate, is_again
from crm.cases.saying import UNREGISTERED
from crm.cases.service import CHANGED, RESTS, locked, stepped
from crm.core import clock
from crm.core.errors import ConflictError, NotFoundError
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUpKind

NOBODYS = "Non si sa ancora di quale contribuente è la richiesta: una lettera va a chi ha un fascicolo."
BACK = (
    "La risposta per lettera {letter} alla richiesta {case} è tornata indietro: guarda l'indirizzo e come rimandarla."
)


def answerable(session: Session, by: Principal, *, case_id: int, version: int | None = None) -> Case:
    """A case that may be answered now by post, locked. Raises `ConflictError`, saying what stands against it."""
    row = locked(session, case_id, version)
    its = step_of(row.topic, row.state, Deed.REPLY)
    rights.require(session, by, its.who, row.ente_id)
    if row.contact_id is None:
        raise ConflictError(NOBODYS)
    if row.rests:
        raise ConflictError(RESTS)
    if Need.PROTOCOL in its.needs and not row.protocol_number:
        raise ConflictError(UNREGISTERED)
    return row


def again(session: Session, by: Principal, *, case_id: int, version: int | None = None) -> Case:
    """The same of one that was answered, by a letter that came back: another may carry the answer."""
    row = _row(session, case_id)
    if version is not None and row.version != version:
        raise ConflictError(CHANGED)
    rights.require(session, by, Who.OPERATOR, row.ente_id)
    if row.contact_id is None:
        raise ConflictError(NOBODYS)
    return row


def is_answered(session: Session, *, case_id: int, until: int | None = None) -> bool:
    """Whether a case has its answer, or had it at a step of it."""
    its = (CaseStep.case_id == case_id, CaseStep.deed.in_(LEADS_ON), *([] if until is None else [CaseStep.id <= until]))
    return is_again(session.scalar(select(CaseStep.deed).where(*its).order_by(CaseStep.id.desc()).limit(1)))


def wrote(session: Session, by: Principal, row: Case) -> int:
    """An answer waits for the next batch: the step by which it was written."""
    at = clock.now(session)
    if having.may_take(session, row, by.user_id):
        having.give(session, row, by.user_id)
    row.version += 1
    told.step(session, by, row, Deed.WRITE_LETTER, at)
    return session.scalars(select(func.max(CaseStep.id)).where(CaseStep.case_id == row.id)).one() or 0


def dropped(session: Session, by: Principal | None, *, case_id: int, why: Fate | None = None) -> None:
    """It does not leave: somebody took it back, or it may not (`why`)."""
    row = _row(session, case_id)
    if by is not None:
        rights.require(session, by, Who.OPERATOR, row.ente_id)
    row.version += 1
    told.step(session, by, row, Deed.DROP_LETTER, clock.now(session), words=why.value if why else "")


def fate_of(session: Session, *, case_id: int, step_id: int) -> Fate:
    """Of a letter that was written by a step: whether it may leave now; the case is locked."""
    row = _row(session, case_id)
    since = session.scalars(select(CaseStep.deed).where(CaseStep.case_id == case_id, CaseStep.id > step_id)).all()
    return fate(
        row.topic, row.state, since=since, rests=row.rests, again=is_answered(session, case_id=case_id, until=step_id)
    )


def left(session: Session, *, case_id: int, step_id: int, words: str, at: datetime) -> None:
    """Whoever posts it has had it since an instant: that is when the case was answered, if it was not yet."""
    if is_answered(session, case_id=case_id, until=step_id):
        return
    row = locked(session, case_id)
    stepped(session, None, row, step_of(row.topic, row.state, Deed.REPLY), at, words=words, answers=None)


def came(session: Session, *, case_id: int, says: PostSays, letter: str) -> None:
    """What the post says of it; what came back somebody looks at. `letter`: its number."""
    row = _row(session, case_id)
    told.step(session, None, row, Deed.POST_TOLD, clock.now(session), words=says.value)
    if says is PostSays.RETURNED and row.contact_id is not None:
        follow_ups.owe(
            session, ente_id=row.ente_id, contact_id=row.contact_id, kind=FollowUpKind.CHECK,
            note=BACK.format(letter=letter, case=told.label(row)),
        )  # fmt: skip


def _row(session: Session, case_id: int) -> Case:
    row = session.get(Case, case_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa richiesta non c'è.")
    return row
