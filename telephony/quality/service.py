"""Evaluating: the draft, the score, a second opinion; the agent's reply, the evaluator's answer or correction."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.clock import business_day
from crm.core.db import new_id, table_of, touch
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.monitoring import queries as monitoring
from crm.monitoring.lock import Use
from telephony.calls.models import Call
from telephony.quality import forms, scoring
from telephony.quality.models import Evaluation, EvaluationWord, Word
from telephony.quality.scoring import Criterion
from telephony.recording import service as recordings
from telephony.sounds.sealing import Sealed

MOST_NOTE, MOST_COMMENT = 500, 2000
CALIBRATION_DAYS = timedelta(days=14)
NOT_HERE = "Questa valutazione non c'è."
Answers = dict[str, dict[str, str]]


# -- the evaluator ------------------------------------------------------------------------------------------------


def given(session: Session, by: Principal, evaluation_id: UUID, *, lock: bool = False) -> Evaluation:
    """An evaluation that was given to whoever asks. Raises `NotFoundError`, and `LockedError` where it is locked."""
    row = session.get(Evaluation, evaluation_id, populate_existing=True, with_for_update=lock or None)
    if (
        row is None
        or row.evaluator_id != by.user_id
        or row.contract_id not in by.contracts_for(Permission.QUALITY_EVALUATE)
        or row.ente_id in by.kept_from
    ):
        raise NotFoundError(NOT_HERE)
    for use in (Use.SCORES, Use.RECORDINGS):
        monitoring.require(session, use, contract_id=row.contract_id, agent_id=row.agent_id)
    return row


def save_draft(
    session: Session, by: Principal, *, evaluation_id: UUID, answers: Answers, comment: str
) -> None:  # fmt: skip
    """Keep what was marked and written so far. Once it is submitted, nothing."""
    row = given(session, by, evaluation_id, lock=True)
    if row.submitted_at is None:
        row.answers = _cut(forms.form_by_id(session, row.form_id).criteria, answers)
        row.comment = comment[:MOST_COMMENT]
        session.flush()


def submit(session: Session, by: Principal, *, evaluation_id: UUID, answers: Answers, comment: str) -> None:
    """The score is given, and the agent sees it. Raises `InvalidError`, criterion by criterion."""
    row = given(session, by, evaluation_id, lock=True)
    if row.submitted_at is not None:
        raise ConflictError("Questa valutazione è già stata consegnata: si può correggere, con il perché.")
    _score(session, row, answers, comment)
    at = clock.now(session)
    agreement = monitoring.in_force(session, row.contract_id)
    assert agreement is not None
    row.submitted_at, row.keep_until = at, business_day(at) + timedelta(days=31 * agreement.keep_months)
    session.flush()
    _note(session, by, "evaluation.submitted", row)
    touch(session, topics.quality(row.agent_id))


def read_replies(session: Session, by: Principal, *, evaluation_id: UUID) -> None:
    """The evaluator reads what the agent has replied up to now; what comes afterwards is new again."""
    row = given(session, by, evaluation_id, lock=True)
    if row.reply_at is not None:
        row.reply_at = None
        session.flush()
        touch(session, topics.quality(by.user_id))


def correct(
    session: Session, by: Principal, *, evaluation_id: UUID, answers: Answers, comment: str, words: str
) -> None:  # fmt: skip
    """The evaluator changes what he gave, and says why; what was there before is kept beside."""
    row = given(session, by, evaluation_id, lock=True)
    if row.submitted_at is None:
        raise ConflictError("Questa valutazione non è ancora stata consegnata.")
    said = _said(words)
    if not said:
        raise FieldError("Scrivi perché la correggi: l'operatore lo legge.", "words")
    before = {
        "answers": row.answers, "comment": row.comment, "score": None if row.score is None else str(row.score),
        "passed": row.passed,
    }  # fmt: skip
    _score(session, row, answers, comment)
    row.seen_at = None
    _say(session, by, row, Word.CORRECTION, said, before)
    _note(session, by, "evaluation.corrected", row)


def answer(session: Session, by: Principal, *, evaluation_id: UUID, words: str) -> None:
    """The evaluator answers the agent, and leaves the score as it is."""
    row = given(session, by, evaluation_id, lock=True)
    if row.submitted_at is None:
        raise ConflictError("Questa valutazione non è ancora stata consegnata.")
    said = _said(words)
    if not said:
        raise FieldError("Scrivi la risposta.", "answer")
    row.seen_at = None
    _say(session, by, row, Word.ANSWER, said)


def calibrate(session: Session, by: Principal, *, evaluation_id: UUID, evaluator_id: int) -> None:
    """A second evaluator hears the same conversation, without seeing the first one's marks. It counts for nothing else.

    Raises `FieldError` for somebody who may not, or was in it.
    """
    row = given(session, by, evaluation_id)
    if row.calibrates is not None:
        raise ConflictError("Questa è già una seconda valutazione.")
    able = access.able(session, Permission.QUALITY_EVALUATE, contract_id=row.contract_id)
    if evaluator_id not in able or evaluator_id in {row.agent_id, row.evaluator_id}:
        raise FieldError("Scegli un altro valutatore.", "evaluator")
    at = clock.now(session)
    made = session.execute(
        insert(table_of(Evaluation))
        .values(
            id=new_id(session), contract_id=row.contract_id, ente_id=row.ente_id, call_id=row.call_id,
            agent_id=row.agent_id, evaluator_id=evaluator_id, form_id=row.form_id, calibrates=row.id, assigned_at=at,
            due_on=business_day(at + CALIBRATION_DAYS), keep_until=row.keep_until,
        )
        .on_conflict_do_nothing()
        .returning(Evaluation.id)
    ).all()  # fmt: skip
    if not made:
        raise ConflictError("La sta già valutando.")


def sound(session: Session, by: Principal, *, evaluation_id: UUID, recording_id: UUID) -> Sealed:
    """The conversation is about to be heard by its evaluator. The taxpayer's access log has it."""
    row = given(session, by, evaluation_id)
    _heard(session, by, row)
    return recordings.sealed(session, call_id=row.call_id, recording_id=recording_id)


# -- the agent ----------------------------------------------------------------------------------------------------


def own(session: Session, by: Principal, evaluation_id: UUID, *, lock: bool = False) -> Evaluation:
    """An evaluation of a conversation of whoever asks. It stays his to see, locked or not. Raises `NotFoundError`."""
    row = session.get(Evaluation, evaluation_id, populate_existing=True, with_for_update=lock or None)
    hidden = row is None or row.agent_id != by.user_id or row.submitted_at is None or row.calibrates is not None
    if row is None or hidden or row.ente_id in by.kept_from:
        raise NotFoundError(NOT_HERE)
    return row


def see(session: Session, by: Principal, *, evaluation_id: UUID) -> None:
    """The agent has seen it as it stands."""
    unseen = Evaluation.id == evaluation_id, Evaluation.seen_at.is_(None), Evaluation.agent_id == by.user_id
    session.execute(update(Evaluation).where(*unseen).values(seen_at=clock.now(session)))
    touch(session, topics.quality(by.user_id))


def reply(session: Session, by: Principal, *, evaluation_id: UUID, words: str) -> None:
    """The agent replies; it is kept as it was said."""
    row = own(session, by, evaluation_id, lock=True)
    said = _said(words)
    if not said:
        raise FieldError("Scrivi la tua risposta.", "words")
    row.reply_at = row.reply_at or clock.now(session)
    _say(session, by, row, Word.REPLY, said)


def own_sound(session: Session, by: Principal, *, evaluation_id: UUID, recording_id: UUID) -> Sealed:
    """The agent hears his own conversation again, to see what he is judged by. Noted as any hearing is."""
    row = own(session, by, evaluation_id)
    _heard(session, by, row)
    return recordings.sealed(session, call_id=row.call_id, recording_id=recording_id)


# -- parts --------------------------------------------------------------------------------------------------------


def _score(session: Session, row: Evaluation, answers: Answers, comment: str) -> None:
    form = forms.form_by_id(session, row.form_id)
    marks = {key: one.get("mark", "") for key, one in answers.items()}
    wrong = [
        InvalidError("Scegli una risposta.", field=f"mark-{key}") for key in scoring.unmarked(form.criteria, marks)
    ]  # fmt: skip
    wrong += [
        InvalidError("Al massimo 500 caratteri.", field=f"note-{key}")
        for key, one in answers.items()
        if len(one.get("note", "")) > MOST_NOTE
    ]
    if len(comment) > MOST_COMMENT:
        wrong.append(InvalidError("Al massimo 2000 caratteri.", field="comment"))
    if wrong:
        raise InvalidError("Controlla i campi segnati.", parts=wrong)
    found = scoring.result(form.criteria, marks)
    row.answers, row.comment, row.score = _cut(form.criteria, answers), comment, found.score
    row.passed = found.passes(form.pass_mark)


def _cut(criteria: tuple[Criterion, ...], answers: Answers) -> Answers:
    """The answers that the form asks for, and of them what may be kept."""
    return {
        one.key: {"mark": mark if mark in one.marks else "", "note": typed.get("note", "")[:MOST_NOTE]}
        for one in criteria
        for typed in (answers.get(one.key, {}),)
        for mark in (typed.get("mark", ""),)
    }


def _said(words: str) -> str:
    said = words.strip()
    if len(said) > MOST_COMMENT:
        raise FieldError("Al massimo 2000 caratteri.", "words")
    return said


def _say(
    session: Session, by: Principal, row: Evaluation, kind: Word, words: str, before: Mapping[str, object] | None = None
) -> None:
    session.add(
        EvaluationWord(
            evaluation_id=row.id, ente_id=row.ente_id, kind=kind, said_by=by.user_id, said_at=clock.now(session),
            words=words, before=None if before is None else dict(before),
        )
    )  # fmt: skip
    session.flush()
    touch(session, topics.quality(row.evaluator_id if kind is Word.REPLY else row.agent_id))


def _heard(session: Session, by: Principal, row: Evaluation) -> None:
    contact_id = session.execute(select(Call.contact_id).where(Call.id == row.call_id)).scalar_one()
    audit.note_once(
        session, by, kind="evaluation.heard", ente_id=row.ente_id, contact_id=contact_id, call_id=row.call_id
    )


def _note(session: Session, by: Principal, kind: str, row: Evaluation) -> None:
    """That it was scored, without the score: the access log is read by others."""
    audit.note(session, by, kind=kind, ente_id=row.ente_id, call_id=row.call_id)
