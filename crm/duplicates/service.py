"""Asking for a search, and deciding about what it found. Merging is `crm.contacts.merging`."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, jobs, topics
from crm.core.db import touch
from crm.core.errors import NotFoundError
from crm.duplicates import search
from crm.duplicates.models import DuplicateCandidate, DuplicateSearch

SEARCH = "duplicates.search"  # the kind of the jobs


def ask(session: Session, by: Principal | None, *, ente_id: int) -> bool:
    """Owe a search of an ente's contacts; by nobody, the nightly one. False: one is owed or under way already."""
    if by is not None:
        require_on(session, by, Permission.CONTACT_MERGE, ente_id=ente_id)
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"duplicates:{ente_id}", 0))))
    row = session.get(DuplicateSearch, ente_id, populate_existing=True)
    if row is not None and row.ended_at is None:
        return False
    row = row or DuplicateSearch(ente_id=ente_id)
    row.job_id = jobs.enqueue(session, ente_id=ente_id, kind=SEARCH, argument={})
    row.asked_by, row.asked_at = by.user_id if by else None, clock.now(session)
    row.step, row.found, row.ended_at, row.failed = 0, 0, None, False
    session.add(row)
    session.flush()
    touch(session, topics.duplicates(ente_id))
    return True


def moved(session: Session, *, ente_id: int, step: int) -> None:
    """A step is done; after the last one the search is over, and what it did not find any more goes."""
    row = session.get_one(DuplicateSearch, ente_id)
    row.step = step
    if step == len(search.STEPS):
        search.forget_others(session, ente_id=ente_id, at=row.asked_at)
        row.ended_at = clock.now(session)
    found = (DuplicateCandidate.ente_id == ente_id, DuplicateCandidate.found_at == row.asked_at)
    row.found = session.execute(select(func.count()).select_from(DuplicateCandidate).where(*found)).scalar_one()
    session.flush()
    touch(session, topics.duplicates(ente_id))


def give_up(session: Session, *, ente_id: int, job_id: int) -> None:
    """The search failed for good, until somebody asks again or the night comes."""
    row = session.get(DuplicateSearch, ente_id, populate_existing=True)
    if row is not None and row.job_id == job_id:
        row.failed, row.ended_at = True, clock.now(session)
        session.flush()
        touch(session, topics.duplicates(ente_id))


def dismiss(session: Session, by: Principal, *, candidate_id: int) -> None:
    """They are two persons: never propose them again. Said twice, it is no error."""
    row = _locked(session, by, candidate_id)
    if row.dismissed_at is None:
        row.dismissed_at, row.dismissed_by = clock.now(session), by.user_id
        _tell(session, by, row, "contact.kept_apart")


def propose_again(session: Session, by: Principal, *, candidate_id: int) -> None:
    """It is not sure, after all, that they are two."""
    row = _locked(session, by, candidate_id)
    if row.dismissed_at is not None:
        row.dismissed_at, row.dismissed_by = None, None
        _tell(session, by, row, "contact.not_kept_apart")


def _locked(session: Session, by: Principal, candidate_id: int) -> DuplicateCandidate:
    by.require(Permission.CONTACT_MERGE)
    row = session.get(DuplicateCandidate, candidate_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questo possibile doppione non c'è più: una ricerca più recente non l'ha trovato.")
    require_on(session, by, Permission.CONTACT_MERGE, ente_id=row.ente_id)
    return row


def _tell(session: Session, by: Principal, row: DuplicateCandidate, kind: str) -> None:
    session.flush()
    for contact_id, other in ((row.one_id, row.other_id), (row.other_id, row.one_id)):
        audit.note(session, by, kind=kind, ente_id=row.ente_id, contact_id=contact_id, after={"other": other})
    touch(session, topics.duplicates(row.ente_id))
