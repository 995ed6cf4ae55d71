"""Reading the register of the staff, its notices, and the replacements asked for. Within the scope of the session."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from crm.access.models import EnteExclusion, Role, RoleGrant, User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on, scope_for
from crm.core import clock
from crm.core.clock import business_day
from crm.enti import queries as enti
from crm.staff.models import ReplacementRequest, ReplacementState, StaffChange, StaffNotice
from crm.staff.notices import STAFF, last_day

_Grants = Select[int, str, str, Role, datetime, datetime | None, int | None, bool]


@dataclass(frozen=True, slots=True)
class Serving:
    """Somebody of the staff in a role for an ente. `starts_on` may be to come; `ends_on` is the last day."""

    ente_id: int
    user_id: int
    name: str
    qualification: str
    role: Role
    starts_on: date
    ends_on: date | None
    through_contract: bool
    active: bool

    @property
    def removable(self) -> bool:
        """Whether the ente may keep him away: whoever serves it, or watches over it for a contract. Of its own people
        no approver rids himself: an administrator takes their roles."""
        return self.role in STAFF or self.through_contract


@dataclass(frozen=True, slots=True)
class Removed:
    """Somebody whom an ente keeps away."""

    id: int
    ente_id: int
    user_id: int
    name: str
    reason: str
    made_at: datetime
    made_by: str
    asked_at: datetime | None
    readmission_reason: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    """What an ente was told; `seen_at` none: nobody of the ente has read it yet."""

    id: int
    ente_id: int
    user_id: int
    change: StaffChange
    name: str
    qualification: str
    role: Role | None
    starts_on: date | None
    ends_on: date | None
    made_at: datetime
    made_by: str | None
    seen_at: datetime | None
    seen_by: str | None


@dataclass(frozen=True, slots=True)
class Replacement:
    """A replacement asked for. `days_left` counts from today; below zero it is overdue."""

    id: int
    ente_id: int
    user_id: int
    name: str
    reason: str
    asked_at: datetime
    asked_by: str
    due_on: date
    state: ReplacementState
    replaced_by: str | None
    closed_at: datetime | None
    days_left: int

    @property
    def overdue(self) -> bool:
        """Whether it is still open past its last day, or was closed after it."""
        if self.closed_at is not None:
            return self.state is ReplacementState.DONE and business_day(self.closed_at) > self.due_on
        return self.days_left < 0


@dataclass(frozen=True, slots=True)
class News:
    """What waits for an ente's approver on its register: notices to read, and readmissions to decide."""

    ente_id: int
    notices: int
    readmissions: int

    @property
    def waiting(self) -> int:
        """Both."""
        return self.notices + self.readmissions


@dataclass(frozen=True, slots=True)
class Insider:
    """Somebody who may see an ente's data today, with all his roles on it."""

    name: str
    roles: tuple[Role, ...]


def news(session: Session, by: Principal) -> list[News]:
    """What waits for `by` to read or decide, in the enti of the scope that he decides for; those with nothing are not
    in it. His own readmission is for others to decide.
    """
    mine = scope_for(session, by, Permission.USER_REMOVE).enti or frozenset()
    unread = select(StaffNotice.ente_id, func.count()).where(
        StaffNotice.ente_id.in_(mine), StaffNotice.seen_at.is_(None)
    )  # fmt: skip
    asked = select(EnteExclusion.ente_id, func.count()).where(
        EnteExclusion.ente_id.in_(mine), EnteExclusion.lifted_at.is_(None), EnteExclusion.asked_at.is_not(None),
        EnteExclusion.user_id != by.user_id,
    )  # fmt: skip
    notices_of = {row[0]: row[1] for row in session.execute(unread.group_by(StaffNotice.ente_id))}
    asked_of = {row[0]: row[1] for row in session.execute(asked.group_by(EnteExclusion.ente_id))}
    return [
        News(one, notices_of.get(one, 0), asked_of.get(one, 0)) for one in sorted(notices_of.keys() | asked_of.keys())
    ]


def insiders(session: Session, by: Principal, ente_id: int) -> list[Insider]:
    """Who may see an ente's data today: its staff, its own people and whoever supervises its contract, by name.

    For whoever watches the ente: who has access is its business (X1). Raises `ForbiddenError` for others.
    """
    require_on(session, by, Permission.ENTE_WATCH, ente_id=ente_id)
    today = business_day(clock.now(session))
    found: dict[int, tuple[str, set[Role]]] = {}
    for one in _present(session, ente_id, _grants(session, ente_id, staff=None)):
        if one.active and one.starts_on <= today:
            found.setdefault(one.user_id, (one.name, set()))[1].add(one.role)
    return [Insider(name, tuple(role for role in Role if role in roles)) for name, roles in found.values()]


def register(session: Session, by: Principal, ente_id: int, *, on: date | None = None) -> list[Serving]:
    """Who serves an ente today and in days to come; or who did on a day, as the grants say now.

    Whoever the ente keeps away is not in it. Raises `ForbiddenError` for whoever does not read the ente's access log.
    """
    require_on(session, by, Permission.ACCESS_READ, ente_id=ente_id)
    if on is not None:
        found = _found(session, ente_id, _grants(session, ente_id))
        return [one for one in found if one.starts_on <= on and (one.ends_on is None or one.ends_on >= on)]
    return serving(session, ente_id)


def serving(session: Session, ente_id: int) -> list[Serving]:
    """The same, of today, for the ente's or the administrator's own changes: they asked for a permission themselves."""
    return _present(session, ente_id, _grants(session, ente_id))


def removable(session: Session, ente_id: int) -> frozenset[int]:
    """Whom the ente may keep away from now on (`Serving.removable`). For changes, as `serving`."""
    present = _present(session, ente_id, _grants(session, ente_id, staff=None))
    return frozenset(one.user_id for one in present if one.removable)


def of_the_ente(session: Session, by: Principal, ente_id: int) -> list[Serving]:
    """The ente's own people who have access, and whoever supervises its contract. Raises as `register`."""
    require_on(session, by, Permission.ACCESS_READ, ente_id=ente_id)
    return _present(session, ente_id, _grants(session, ente_id, staff=False))


def removed(session: Session, by: Principal, ente_id: int) -> list[Removed]:
    """Whom an ente keeps away, the latest first. Raises as `register`."""
    require_on(session, by, Permission.ACCESS_READ, ente_id=ente_id)
    maker = aliased(User)
    rows = session.execute(
        select(
            EnteExclusion.id, EnteExclusion.ente_id, EnteExclusion.user_id, User.name, EnteExclusion.reason,
            EnteExclusion.made_at, maker.name, EnteExclusion.asked_at, EnteExclusion.readmission_reason,
        )
        .join(User, User.id == EnteExclusion.user_id)
        .join(maker, maker.id == EnteExclusion.made_by)
        .where(EnteExclusion.ente_id == ente_id, EnteExclusion.lifted_at.is_(None))
        .order_by(EnteExclusion.made_at.desc())
    )  # fmt: skip
    return [Removed(*row) for row in rows]


def notices(session: Session, ente_ids: frozenset[int], *, limit: int, unseen_only: bool = False) -> list[Notice]:
    """What these enti were told, the latest first."""
    maker, reader = aliased(User), aliased(User)
    statement = (
        select(
            StaffNotice.id, StaffNotice.ente_id, StaffNotice.user_id, StaffNotice.change, StaffNotice.name,
            StaffNotice.qualification, StaffNotice.role, StaffNotice.starts_on, StaffNotice.ends_on,
            StaffNotice.made_at, maker.name, StaffNotice.seen_at, reader.name,
        )
        .outerjoin(maker, maker.id == StaffNotice.made_by)
        .outerjoin(reader, reader.id == StaffNotice.seen_by)
        .where(StaffNotice.ente_id.in_(ente_ids))
        .order_by(StaffNotice.made_at.desc(), StaffNotice.id.desc())
        .limit(limit)
    )  # fmt: skip
    if unseen_only:
        statement = statement.where(StaffNotice.seen_at.is_(None))
    return [Notice(*tuple(row)) for row in session.execute(statement)]


def replacements(session: Session, ente_ids: frozenset[int], *, open_only: bool = False) -> list[Replacement]:
    """The replacements that these enti asked for: the open ones first, by their last day."""
    asker, other = aliased(User), aliased(User)
    today = business_day(clock.now(session))
    statement = (
        select(
            ReplacementRequest.id, ReplacementRequest.ente_id, ReplacementRequest.user_id, User.name,
            ReplacementRequest.reason, ReplacementRequest.asked_at, asker.name, ReplacementRequest.due_on,
            ReplacementRequest.state, other.name, ReplacementRequest.closed_at,
        )
        .join(User, User.id == ReplacementRequest.user_id)
        .join(asker, asker.id == ReplacementRequest.asked_by)
        .outerjoin(other, other.id == ReplacementRequest.replaced_by)
        .where(ReplacementRequest.ente_id.in_(ente_ids))
        .order_by(ReplacementRequest.state != ReplacementState.ASKED, ReplacementRequest.due_on.desc())
    )  # fmt: skip
    if open_only:
        statement = statement.where(ReplacementRequest.state == ReplacementState.ASKED)
    return [Replacement(*row, (row.due_on - today).days) for row in session.execute(statement)]


def _kept_away(session: Session, ente_id: int) -> frozenset[int]:
    in_force = EnteExclusion.ente_id == ente_id, EnteExclusion.lifted_at.is_(None)
    return frozenset(session.scalars(select(EnteExclusion.user_id).where(*in_force)))


def _present(session: Session, ente_id: int, grants: _Grants) -> list[Serving]:
    """Of these grants those that are not over, of whoever is not kept away."""
    valid = or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > clock.now(session))
    gone = _kept_away(session, ente_id)
    return [one for one in _found(session, ente_id, grants.where(valid)) if one.user_id not in gone]


def _found(session: Session, ente_id: int, grants: _Grants) -> list[Serving]:
    return [
        Serving(
            ente_id, row.user_id, row.name, row.qualification, row.role, business_day(row.valid_from),
            last_day(row.valid_to), row.contract_id is not None, row.active,
        )
        for row in session.execute(grants)
    ]  # fmt: skip


def _on(session: Session, ente_id: int) -> ColumnElement[bool]:
    covering = [one for one, covered in enti.coverage(session).items() if ente_id in covered]
    return or_(RoleGrant.ente_id == ente_id, RoleGrant.contract_id.in_(covering))


def _grants(session: Session, ente_id: int, *, staff: bool | None = True) -> _Grants:
    """`staff` false: the ente's own and whoever supervises its contract; none: everybody."""
    kind = true() if staff is None else RoleGrant.role.in_(STAFF) == staff
    return (
        select(
            RoleGrant.user_id, User.name, User.qualification, RoleGrant.role, RoleGrant.valid_from,
            RoleGrant.valid_to, RoleGrant.contract_id, User.active,
        )
        .join(User, User.id == RoleGrant.user_id)
        .where(and_(_on(session, ente_id), kind))
        .order_by(User.name, RoleGrant.valid_from)
    )  # fmt: skip
