"""Telling each ente that the people who serve it changed, in the transaction of the change.

An ente is told of its contractor's staff, not of its own people or of whoever supervises the contract for it. It is
told of a change on a contract when it is covered by it.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import Role, RoleGrant, User
from crm.access.permissions import Principal
from crm.core import clock, topics
from crm.core.clock import business_day
from crm.core.db import touch
from crm.enti import queries as enti
from crm.staff.models import StaffChange, StaffNotice

STAFF = frozenset(
    {Role.AGENT, Role.SUPERVISOR, Role.CAMPAIGN_MANAGER, Role.FIELD_AGENT, Role.DESK_CLERK, Role.ADMINISTRATOR}
)


def tell(
    session: Session, by: Principal | None, *, user: User, grant: RoleGrant, change: StaffChange,
) -> None:  # fmt: skip
    """Every ente that a grant is about is told of a change in it."""
    if grant.role not in STAFF:
        return
    last = last_day(grant.valid_to) if change is not StaffChange.LEFT else business_day(clock.now(session))
    for ente_id in _enti_of(session, grant):
        add(
            session, by, ente_id=ente_id, user=user, change=change, role=grant.role,
            starts_on=business_day(grant.valid_from), ends_on=last,
        )  # fmt: skip


def tell_all(session: Session, by: Principal | None, *, user: User, change: StaffChange) -> None:
    """Every ente that somebody serves now, or will, is told of a change in him."""
    at = clock.now(session)
    grants = session.execute(
        select(RoleGrant).where(
            RoleGrant.user_id == user.id, RoleGrant.role.in_(STAFF),
            (RoleGrant.valid_to.is_(None)) | (RoleGrant.valid_to > at),
        )
    ).scalars()  # fmt: skip
    roles: dict[int, Role] = {}
    for grant in grants:
        for ente_id in _enti_of(session, grant):
            roles.setdefault(ente_id, grant.role)
    for ente_id, role in roles.items():
        add(session, by, ente_id=ente_id, user=user, change=change, role=role)


def add(
    session: Session, by: Principal | None, *, ente_id: int, user: User, change: StaffChange,
    role: Role | None = None, starts_on: date | None = None, ends_on: date | None = None,
) -> None:  # fmt: skip
    """One ente is told of one change. Without its row-level security's leave the transaction fails."""
    session.add(
        StaffNotice(
            ente_id=ente_id, user_id=user.id, change=change, name=user.name, qualification=user.qualification,
            role=role, starts_on=starts_on, ends_on=ends_on, made_at=clock.now(session),
            made_by=by.user_id if by else None,
        )
    )  # fmt: skip
    session.flush()
    touch(session, topics.staff(ente_id))


def last_day(valid_to: datetime | None) -> date | None:
    """The last day, in Rome, of a grant that ends at this instant."""
    return None if valid_to is None else business_day(valid_to - timedelta(microseconds=1))


def _enti_of(session: Session, grant: RoleGrant) -> Iterable[int]:
    if grant.contract_id is not None:
        return sorted(enti.enti_of(session, grant.contract_id))
    return [] if grant.ente_id is None else [grant.ente_id]
