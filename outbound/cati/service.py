"""Uploading, publishing and withdrawing questionnaires. What was uploaded never changes: corrections are versions."""

import hashlib
import json

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock
from crm.core.errors import ConflictError, NotFoundError
from crm.enti.queries import enti_of
from outbound.cati.models import SurveyForm, SurveyVersion
from outbound.cati.questionnaire.definition import Questionnaire, stored

NO_FORM = "Questo questionario non esiste."


def upload(
    session: Session, by: Principal, *, contract_id: int, ente_id: int | None, file_name: str, content: bytes,
    form: Questionnaire,
) -> int:  # fmt: skip
    """A new questionnaire with its first version; its id. `form` is what was compiled of `content`."""
    _require_on_place(session, by, contract_id, ente_id)
    row = SurveyForm(contract_id=contract_id, ente_id=ente_id, title=_title(form, file_name))
    session.add(row)
    session.flush()
    _add(session, by, row, 1, file_name, content, form)
    return row.id


def revise(
    session: Session, by: Principal, *, form_id: int, file_name: str, content: bytes, form: Questionnaire
) -> int:  # fmt: skip
    """A further version; its number."""
    row = _written(session, by, form_id)
    number = session.execute(
        select(func.max(SurveyVersion.number)).where(SurveyVersion.form_id == form_id)
    ).scalar_one()
    _add(session, by, row, number + 1, file_name, content, form)
    return int(number) + 1


def publish(session: Session, by: Principal, *, form_id: int, number: int) -> None:
    """Interviews begin with this version from now on; with an older one, too: that is how one goes back."""
    row = _written(session, by, form_id)
    version = session.scalar(
        select(SurveyVersion).where(SurveyVersion.form_id == form_id, SurveyVersion.number == number)
    )
    if version is None:
        raise NotFoundError("Questa versione non esiste.")
    if row.current == number and row.withdrawn_at is None:
        raise ConflictError("Questa versione è già quella in uso.")
    before, now = row.current, clock.now(session)
    row.current, row.published_at, row.withdrawn_at, row.title = number, now, None, version.title
    if version.published_at is None:
        version.published_by, version.published_at = by.user_id, now
    session.flush()
    _note(session, by, "questionnaire.published", row, before=before, after=number)


def withdraw(session: Session, by: Principal, *, form_id: int) -> None:
    """No interview begins any more; those that run go on to their end."""
    row = _written(session, by, form_id)
    if row.current is None or row.withdrawn_at is not None:
        raise ConflictError("Questo questionario non è in uso.")
    row.withdrawn_at = clock.now(session)
    session.flush()
    _note(session, by, "questionnaire.withdrawn", row)


# -- parts -------------------------------------------------------------------------------------------------------------


def _require_on_place(session: Session, by: Principal, contract_id: int, ente_id: int | None) -> None:
    """Raise `ForbiddenError` unless `by` writes for this contract as a whole, or for this ente of it."""
    if ente_id is None:
        by.require(Permission.QUESTIONNAIRE_WRITE, contract_id=contract_id)
        return
    require_on(session, by, Permission.QUESTIONNAIRE_WRITE, ente_id=ente_id)
    if ente_id not in enti_of(session, contract_id):
        raise NotFoundError("Questo ente non è del contratto.")


def _written(session: Session, by: Principal, form_id: int) -> SurveyForm:
    """A questionnaire that `by` may change, locked."""
    by.require(Permission.QUESTIONNAIRE_WRITE)
    row = session.get(SurveyForm, form_id, with_for_update=True)
    if row is None:
        raise NotFoundError(NO_FORM)
    _require_on_place(session, by, row.contract_id, row.ente_id)
    return row


def _title(form: Questionnaire, file_name: str) -> str:
    return (form.title or file_name.rpartition(".")[0] or file_name)[:200]


def _add(
    session: Session, by: Principal, row: SurveyForm, number: int, file_name: str, content: bytes, form: Questionnaire
) -> None:  # fmt: skip
    compiled = stored(form)
    digest = hashlib.sha256(json.dumps(compiled, sort_keys=True).encode()).hexdigest()
    session.add(
        SurveyVersion(
            form_id=row.id, contract_id=row.contract_id, ente_id=row.ente_id, number=number,
            title=_title(form, file_name), file_name=file_name[:200], content=content, digest=digest,
            compiled=compiled, questions=sum(one.kind.is_asked for one in form.questions()), uploaded_by=by.user_id,
            uploaded_at=clock.now(session),
        )
    )  # fmt: skip
    session.flush()
    _note(session, by, "questionnaire.uploaded", row, after=number)


def _note(
    session: Session, by: Principal, kind: str, row: SurveyForm, *, before: int | None = None, after: int | None = None
) -> None:  # fmt: skip
    audit.note(
        session, by, kind=kind, ente_id=row.ente_id, subject=row.title,
        before={"version": before} if before is not None else None,
        after={"version": after} if after is not None else None,
    )  # fmt: skip
