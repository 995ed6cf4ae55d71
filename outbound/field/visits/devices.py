"""Agents' telephones: registered once, in touch now and then, and gone when their agent may act no more.

A telephone proves itself by a token that it was told once, so that what it has to tell arrives even when nobody is
signed in on it any more. Packets are given only to whoever is signed in as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Held, Permission, Principal
from crm.access.queries import grants
from crm.access.service import scope_for
from crm.audit import service as audit
from crm.core import clock, links, topics
from crm.core.db import Scope, new_id, touch
from crm.core.errors import ConflictError, FieldError, ForbiddenError, NotFoundError
from outbound.field.agents.models import FieldAgent
from outbound.field.visits.models import FieldDevice
from outbound.field.visits.timing import Touch

MOST = 4  # telephones of an agent in use
LONGEST_NAME = 60
GONE = "Questo telefono non è più abilitato: registralo di nuovo quando sei in linea."


@dataclass(frozen=True, slots=True)
class Registered:
    """A telephone as it is told of itself, this once."""

    id: UUID
    token: str


def register(session: Session, by: Principal, *, name: str) -> Registered:
    """A telephone more of an agent's. Raises `ForbiddenError` for whoever is no field agent."""
    by.require(Permission.FIELD_VISIT)
    agent = session.scalar(select(FieldAgent).where(FieldAgent.user_id == by.user_id).with_for_update(key_share=True))
    if agent is None:
        raise ForbiddenError("Non c'è una scheda di incaricato a tuo nome: chiedila a chi gestisce le visite.")
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise FieldError(f"Scrivi come chiami questo telefono, in {LONGEST_NAME} caratteri al massimo.", field="name")
    if len(in_use(session, agent.id)) >= MOST:
        raise ConflictError(f"Hai già {MOST} telefoni: fanne togliere uno da chi ti segue.")
    at, token = clock.now(session), links.new_token()
    row = FieldDevice(
        id=new_id(session), user_id=by.user_id, agent_id=agent.id, name=name, token_hash=links.hashed(token), enti=[],
        registered_at=at, contacted_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note(session, by, kind="field_device.registered", ente_id=None, subject=name)
    return Registered(row.id, token)


def of_token(session: Session, token: str, *, lock: bool = False) -> FieldDevice:
    """The telephone that has this token, revoked or not. Raises `NotFoundError`."""
    try:
        digest = links.hashed(token)
    except ValueError:
        raise NotFoundError(GONE) from None
    statement = select(FieldDevice).where(FieldDevice.token_hash == digest)
    statement = statement.with_for_update() if lock else statement
    row = session.scalar(statement.execution_options(populate_existing=True))
    if row is None:
        raise NotFoundError(GONE)
    return row


def known(session: Session, token: str) -> bool:
    """Whether some telephone has this token."""
    try:
        of_token(session, token)
    except NotFoundError:
        return False
    return True


def scope_of(session: Session, device: FieldDevice) -> Scope:
    """The enti of whom it was ever given something, as what it tells is about those; and those for which its agent
    goes now, as an alarm is about him.
    """
    held = (one for one in grants(session, [device.user_id]) if one.in_force)
    by = Principal(
        device.user_id, "", "it", frozenset(Held(one.role, one.ente_id, one.contract_id) for one in held)
    )  # fmt: skip
    now = scope_for(session, by, Permission.FIELD_VISIT).enti or frozenset()
    return Scope.of_enti({*device.enti, *now})


def must_wipe(session: Session, device_id: UUID) -> bool:
    """Whether what is on a telephone has to go: it was revoked, its user is, or nobody knows it."""
    row = session.get(FieldDevice, device_id)
    return row is None or row.revoked_at is not None or not session.get_one(User, row.user_id).active


def touched(session: Session, device: FieldDevice, touch: Touch) -> None:
    """It was in touch."""
    device.contacted_at, device.off_s = touch.at, round(touch.off.total_seconds())
    session.flush()


def wiped(session: Session, *, token: str) -> None:
    """It says that it knows nothing any more. Said twice, it is no error."""
    row = of_token(session, token, lock=True)
    if row.wiped_at is None:
        row.wiped_at = clock.now(session)
        row.revoked_at = row.revoked_at or row.wiped_at  # its token went with the rest
        session.flush()


def in_use(session: Session, agent_id: int) -> Sequence[FieldDevice]:
    """An agent's telephones that were not revoked, the oldest first."""
    mine = FieldDevice.agent_id == agent_id, FieldDevice.revoked_at.is_(None)
    return session.scalars(select(FieldDevice).where(*mine).order_by(FieldDevice.registered_at)).all()


def revoke(session: Session, by: Principal, *, device_id: UUID) -> None:
    """A telephone was lost, or is no longer used: it is given nothing more, and wipes itself at its next contact."""
    by.require(Permission.FIELD_MANAGE)
    row = session.get(FieldDevice, device_id, with_for_update=True, populate_existing=True)
    if row is None or not _overseen(session, by, row):
        raise NotFoundError("Questo telefono non esiste.")
    if row.revoked_at is None:
        _revoke(session, row, clock.now(session), by)


def revoke_of(session: Session, *, agent_id: int, at: datetime) -> int:
    """An agent may act no more from an instant on; how many of his telephones that concerns."""
    rows = session.scalars(
        select(FieldDevice)
        .where(FieldDevice.agent_id == agent_id, FieldDevice.revoked_at.is_(None))
        .with_for_update().execution_options(populate_existing=True)
    ).all()  # fmt: skip
    for row in rows:
        _revoke(session, row, at, None)
    return len(rows)


def overseen(session: Session, by: Principal) -> list[tuple[FieldDevice, str]]:
    """The telephones of agents that `by` looks after, with the agents' names; those in use first."""
    by.require(Permission.FIELD_MANAGE)
    rows = session.execute(
        select(FieldDevice, User.name)
        .join(User, User.id == FieldDevice.user_id)
        .order_by(FieldDevice.revoked_at.is_not(None), User.name, FieldDevice.registered_at)
        .limit(200)
    )  # fmt: skip
    return [(row, name) for row, name in rows if _overseen(session, by, row)]


def _overseen(session: Session, by: Principal, row: FieldDevice) -> bool:
    """Whether it has something of an ente's for which `by` manages the visits, or nothing yet of anybody's."""
    mine = scope_for(session, by, Permission.FIELD_MANAGE).enti or frozenset()
    return not row.enti or not mine.isdisjoint(row.enti)


def _revoke(session: Session, row: FieldDevice, at: datetime, by: Principal | None) -> None:
    row.revoked_at, row.revoked_by = at, by.user_id if by else None
    session.flush()
    audit.note(session, by, kind="field_device.revoked", ente_id=None, subject=row.name)
    touch(session, *(topics.field(ente_id) for ente_id in row.enti))
