"""Terms that rest or are longer: with a reason alone, which the citizen is told in the same transaction."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases import citizens, rights, running, told
from crm.cases.lifecycle import Deed, Who
from crm.cases.models import CasePause, ExtensionReason, PauseReason
from crm.cases.service import locked
from crm.core import clock
from crm.core.errors import ConflictError, FieldError

MOST_DAYS = 90  # at once
MOST_PAPERS = 1000  # characters


def pause(
    session: Session, by: Principal, *, case_id: int, version: int, reason: PauseReason, papers: str = ""
) -> None:  # fmt: skip
    """Its terms rest from now on. Raises `ConflictError` where they do already, or none runs.

    `papers`: those that the citizen is asked for, which he reads where he follows his request.
    """
    papers = papers.strip() if reason is PauseReason.PAPERS_MISSING else ""
    if len(papers) > MOST_PAPERS:
        raise FieldError(f"È troppo lungo: al massimo {MOST_PAPERS} caratteri.", "papers")
    row = locked(session, case_id, version)
    rights.require(session, by, Who.OPERATOR, row.ente_id)
    if row.rests:
        raise ConflictError("I termini sono già sospesi.")
    if row.due_at is None:
        raise ConflictError("Non corre nessun termine: non c'è niente da sospendere.")
    at = clock.now(session)
    message = citizens.rests(session, by, row, reason)
    session.add(
        CasePause(ente_id=row.ente_id, case_id=row.id, reason=reason, since_at=at, message_id=message, papers=papers)
    )
    session.flush()
    running.recount(session, row)
    row.version += 1
    told.step(session, by, row, Deed.PAUSE, at, words=reason.value, message_id=message)


def resume(session: Session, by: Principal, *, case_id: int, version: int) -> None:
    """They run again. Raises `ConflictError` where they do."""
    row = locked(session, case_id, version)
    rights.require(session, by, Who.OPERATOR, row.ente_id)
    found = session.scalars(
        select(CasePause).where(CasePause.case_id == row.id, CasePause.until_at.is_(None)).with_for_update()
    ).one_or_none()
    if found is None:
        raise ConflictError("I termini non sono sospesi.")
    at = clock.now(session)
    found.until_at = at
    session.flush()
    running.recount(session, row)
    message = citizens.goes_on(session, by, row)
    row.version += 1
    told.step(session, by, row, Deed.RESUME, at, message_id=message)


def extend(
    session: Session, by: Principal, *, case_id: int, version: int, term_id: int, days: int, reason: ExtensionReason
) -> None:  # fmt: skip
    """One of its terms is so many days longer, of the kind that it counts. Raises `FieldError`."""
    row = locked(session, case_id, version)
    rights.require(session, by, Who.OPERATOR, row.ente_id)
    if row.rests:
        raise ConflictError("I termini sono sospesi: prima falli ripartire.")
    if not 1 <= days <= MOST_DAYS:
        raise FieldError(f"Un numero intero di giorni, da 1 a {MOST_DAYS}.", "days")
    term = next((one for one in running.open_of(session, row.id) if one.id == term_id), None)
    if term is None:
        raise FieldError("Scegli un termine che corre ancora.", "term_id")
    at = clock.now(session)
    if term.due_at is not None and term.due_at <= at:
        raise ConflictError("Questo termine è già passato: non si può più prorogare.")
    if reason is not ExtensionReason.ASKED:
        running.told_longer(session, row, at)
    term.extended += days
    term.owner_told_at = term.supervisor_told_at = None
    session.flush()
    running.recount(session, row)
    message = citizens.extended(session, by, row, reason)
    row.version += 1
    told.step(session, by, row, Deed.EXTEND, at, words=reason.value, message_id=message, days=days)
