"""Who was erased, known by a keyed hash alone: a feed that names him again is refused until somebody readmits him."""

from collections.abc import Collection

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts.codice_fiscale import parse_codice_fiscale
from crm.core import clock, secrecy
from crm.core.errors import NotFoundError
from crm.privacy.models import ErasedPerson

_PURPOSE = "privacy.erased"


def lay(session: Session, *, ente_id: int, codice_fiscale: str, erasure_id: int) -> None:
    """Remember that he was erased."""
    session.merge(
        ErasedPerson(
            ente_id=ente_id, mark=_mark(session, ente_id, codice_fiscale), erasure_id=erasure_id,
            erased_at=clock.now(session),
        )
    )  # fmt: skip
    session.flush()


def among(session: Session, *, ente_id: int, codici_fiscali: Collection[str]) -> set[str]:
    """Which of these belong to somebody erased."""
    if not session.execute(select(exists().where(ErasedPerson.ente_id == ente_id))).scalar_one():
        return set()
    marks = {_mark(session, ente_id, code): code for code in codici_fiscali}
    found = select(ErasedPerson.mark).where(ErasedPerson.ente_id == ente_id, ErasedPerson.mark.in_(marks))
    return {marks[mark] for mark in session.execute(found).scalars()}


def readmit(session: Session, by: Principal, *, ente_id: int, codice_fiscale: str, reason: str) -> None:
    """Let the next feed bring him: there is a new debt, or the erasure was a mistake."""
    require_on(session, by, Permission.PRIVACY_MANAGE, ente_id=ente_id)
    mark = _mark(session, ente_id, parse_codice_fiscale(codice_fiscale))
    gone = session.execute(
        delete(ErasedPerson)
        .where(ErasedPerson.ente_id == ente_id, ErasedPerson.mark == mark)
        .returning(ErasedPerson.erasure_id)
    ).scalar_one_or_none()
    if gone is None:
        raise NotFoundError("Per questo ente nessuna persona cancellata ha questo codice fiscale.")
    audit.note(session, by, kind="privacy.readmitted", ente_id=ente_id, reason=reason, after={"erasure": gone})


def _mark(session: Session, ente_id: int, codice_fiscale: str) -> bytes:
    return secrecy.of(session).mark(_PURPOSE, f"{ente_id}:{codice_fiscale}".encode())
