"""The ente's say over who serves it: notices seen, somebody removed or readmitted, somebody to be replaced (X1)."""

from datetime import date, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access import history
from crm.access.models import EnteExclusion, EventKind, RoleGrant, User
from crm.access.permissions import Permission, Principal
from crm.access.service import granted_scope, require_on
from crm.access.users import end_grant
from crm.core import clock, topics
from crm.core.clock import business_day
from crm.core.db import touch
from crm.core.errors import ConflictError, FieldError, ForbiddenError, NotFoundError
from crm.enti import queries as enti
from crm.enti.models import Contract
from crm.staff import notices, queries
from crm.staff.models import ReplacementRequest, ReplacementState, StaffChange, StaffNotice

REPLACEMENT_DAYS = 20  # calendar days, where the contract names no other number (requirements X1)
MAX_REASON = 400


def see_notices(session: Session, by: Principal, *, ente_id: int, up_to: int) -> int:
    """The ente's approver has read the notices up to this one. Returns how many were new."""
    require_on(session, by, Permission.USER_REMOVE, ente_id=ente_id)
    seen = session.execute(
        update(StaffNotice)
        .where(StaffNotice.ente_id == ente_id, StaffNotice.id <= up_to, StaffNotice.seen_at.is_(None))
        .values(seen_at=clock.now(session), seen_by=by.user_id)
        .returning(StaffNotice.id)
    ).all()
    if seen:
        touch(session, topics.staff(ente_id))
    return len(seen)


# -- removing somebody, and taking him back ---------------------------------------------------------------------------


def remove(session: Session, by: Principal, *, ente_id: int, user_id: int, reason: str) -> None:
    """The ente keeps somebody away from its taxpayers, from now on: his own roles on it end, and those that he has
    through a contract no longer reach it. His pages notice within seconds. Raises `NotFoundError` for whoever is not
    `queries.removable`, such as the ente's own people."""
    require_on(session, by, Permission.USER_REMOVE, ente_id=ente_id)
    reason = _reason(reason)
    if user_id == by.user_id:
        raise ConflictError("Non puoi allontanare te stesso: chiedi a un amministratore.")
    if user_id not in queries.removable(session, ente_id):
        raise NotFoundError("Questa persona non lavora per l'ente e non vigila sul suo contratto.")
    user = session.get_one(User, user_id)
    made = session.execute(
        insert(EnteExclusion)
        .values(user_id=user_id, ente_id=ente_id, reason=reason, made_by=by.user_id, made_at=clock.now(session))
        .on_conflict_do_nothing()
        .returning(EnteExclusion.id)
    ).scalar_one_or_none()
    if made is None:
        raise ConflictError("Questa persona è già stata allontanata.")
    at = clock.now(session)
    own = select(RoleGrant).where(
        RoleGrant.user_id == user_id, RoleGrant.ente_id == ente_id,
        (RoleGrant.valid_to.is_(None)) | (RoleGrant.valid_to > at),
    )  # fmt: skip
    for grant in session.execute(own.with_for_update()).scalars().all():
        end_grant(session, by, grant=grant, reason=reason)
    history.record(session, by, user_id=user_id, kind=EventKind.REMOVED, ente_id=ente_id, reason=reason)
    notices.add(session, by, ente_id=ente_id, user=user, change=StaffChange.REMOVED, starts_on=business_day(at))


def ask_readmission(session: Session, by: Principal, *, exclusion_id: int, reason: str) -> None:
    """An administrator asks the ente to let somebody back in."""
    found = _in_force(session, exclusion_id)
    _require_administrator(session, by, found.ente_id)
    if found.asked_at is not None:
        raise ConflictError("La riammissione è già stata chiesta: decide l'ente.")
    found.readmission_reason, found.asked_by, found.asked_at = _reason(reason), by.user_id, clock.now(session)
    session.flush()
    history.record(
        session, by, user_id=found.user_id, kind=EventKind.READMISSION_ASKED, ente_id=found.ente_id, reason=reason
    )
    touch(session, topics.staff(found.ente_id))


def answer_readmission(session: Session, by: Principal, *, exclusion_id: int, consents: bool) -> None:
    """The ente lets somebody back in, or does not. Roles of his own that ended are not given back by it."""
    found = _in_force(session, exclusion_id)
    require_on(session, by, Permission.USER_REMOVE, ente_id=found.ente_id)
    if found.asked_at is None or found.user_id == by.user_id:
        raise ConflictError("Nessun amministratore ha chiesto di riammettere questa persona.")
    if consents:
        found.lifted_by, found.lifted_at = by.user_id, clock.now(session)
    else:
        found.readmission_reason = found.asked_by = found.asked_at = None
    session.flush()
    kind = EventKind.READMITTED if consents else EventKind.READMISSION_REFUSED
    history.record(session, by, user_id=found.user_id, kind=kind, ente_id=found.ente_id)
    if consents:
        user = session.get_one(User, found.user_id)
        notices.add(
            session, by, ente_id=found.ente_id, user=user, change=StaffChange.READMITTED,
            starts_on=business_day(clock.now(session)),
        )  # fmt: skip
    touch(session, topics.staff(found.ente_id))


# -- replacements -----------------------------------------------------------------------------------------------------


def due_on(asked: date, days: int) -> date:
    """The last day for a replacement: calendar days, the day of asking not counted (Civil Code, article 2963)."""
    return asked + timedelta(days=days)


def ask_replacement(session: Session, by: Principal, *, ente_id: int, user_id: int, reason: str) -> int:
    """The ente wants somebody replaced; he serves it until he is. Returns the request's id."""
    require_on(session, by, Permission.USER_REMOVE, ente_id=ente_id)
    reason = _reason(reason)
    if not any(one.user_id == user_id for one in queries.serving(session, ente_id)):
        raise NotFoundError("Questa persona non lavora per l'ente.")
    asked = clock.now(session)
    made = session.execute(
        insert(ReplacementRequest)
        .values(
            ente_id=ente_id, user_id=user_id, reason=reason, asked_at=asked, asked_by=by.user_id,
            due_on=due_on(business_day(asked), replacement_days(session, ente_id)), state=ReplacementState.ASKED,
        )
        .on_conflict_do_nothing()
        .returning(ReplacementRequest.id)
    ).scalar_one_or_none()  # fmt: skip
    if made is None:
        raise ConflictError("La sostituzione di questa persona è già stata chiesta.")
    history.record(session, by, user_id=user_id, kind=EventKind.REPLACEMENT_ASKED, ente_id=ente_id, reason=reason)
    touch(session, topics.staff(ente_id))
    return made


def replacement_days(session: Session, ente_id: int) -> int:
    """The fewest days that a contract covering the ente allows."""
    covering = [one for one, covered in enti.coverage(session).items() if ente_id in covered]
    days = session.execute(select(Contract.replacement_days).where(Contract.id.in_(covering))).scalars()
    return min(days, default=REPLACEMENT_DAYS)


def withdraw_replacement(session: Session, by: Principal, *, request_id: int) -> None:
    """The ente no longer asks for it."""
    found = _open(session, request_id)
    require_on(session, by, Permission.USER_REMOVE, ente_id=found.ente_id)
    _close(session, by, found, ReplacementState.WITHDRAWN)
    history.record(session, by, user_id=found.user_id, kind=EventKind.REPLACEMENT_WITHDRAWN, ente_id=found.ente_id)


def replace(session: Session, by: Principal, *, request_id: int, replacement_id: int) -> None:
    """Somebody else serves the ente in his place: whoever is replaced is kept off it from now on.

    The replacement must have been given his role before: the register already tells the ente of him.
    """
    found = _open(session, request_id)
    _require_administrator(session, by, found.ente_id)
    serving = {one.user_id for one in queries.serving(session, found.ente_id)}
    if replacement_id == found.user_id or replacement_id not in serving:
        raise FieldError("Scegli una persona che lavora già per l'ente: prima le si dà il ruolo.", "replacement")
    user = session.get_one(User, found.user_id)
    session.execute(
        insert(EnteExclusion)
        .values(
            user_id=user.id, ente_id=found.ente_id, reason=found.reason, made_by=found.asked_by,
            made_at=clock.now(session),
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    own = select(RoleGrant).where(
        RoleGrant.user_id == user.id, RoleGrant.ente_id == found.ente_id,
        (RoleGrant.valid_to.is_(None)) | (RoleGrant.valid_to > clock.now(session)),
    )  # fmt: skip
    for grant in session.execute(own.with_for_update()).scalars().all():
        end_grant(session, by, grant=grant, reason=found.reason)
    found.replaced_by = replacement_id
    _close(session, by, found, ReplacementState.DONE)
    history.record(
        session, by, user_id=user.id, kind=EventKind.REPLACED, ente_id=found.ente_id, reason=found.reason,
        after={"replaced_by": replacement_id},
    )  # fmt: skip
    today = business_day(clock.now(session))
    notices.add(session, by, ente_id=found.ente_id, user=user, change=StaffChange.REPLACED, ends_on=today)


# -- parts ------------------------------------------------------------------------------------------------------------


def _require_administrator(session: Session, by: Principal, ente_id: int) -> None:
    by.require(Permission.USER_MANAGE)
    if ente_id not in (granted_scope(session, by, Permission.USER_MANAGE).enti or ()):
        raise ForbiddenError("Non sei amministratore di questo ente o contratto.")


def _in_force(session: Session, exclusion_id: int) -> EnteExclusion:
    found = session.get(EnteExclusion, exclusion_id, with_for_update=True, populate_existing=True)
    if found is None or found.lifted_at is not None:
        raise NotFoundError("Questo allontanamento non è più in vigore.")
    return found


def _open(session: Session, request_id: int) -> ReplacementRequest:
    found = session.get(ReplacementRequest, request_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("Questa richiesta di sostituzione non esiste.")
    if found.state is not ReplacementState.ASKED:
        raise ConflictError("Questa richiesta di sostituzione è già chiusa.")
    return found


def _close(session: Session, by: Principal, found: ReplacementRequest, state: ReplacementState) -> None:
    found.state, found.closed_at, found.closed_by = state, clock.now(session), by.user_id
    session.flush()
    touch(session, topics.staff(found.ente_id))


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not reason:
        raise FieldError("Scrivi il motivo.", "reason")
    if len(reason) > MAX_REASON:
        raise FieldError("Il motivo è troppo lungo: al massimo 400 caratteri.", "reason")
    return reason
