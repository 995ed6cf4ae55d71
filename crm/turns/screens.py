"""Screens of offices: made and revoked by whoever prepares the agendas, opened by whoever has their link."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.agendas import queries as agendas
from crm.audit import service as audit
from crm.core import clock, links, topics
from crm.core.db import touch
from crm.core.errors import FieldError, InvalidError, NotFoundError
from crm.turns.models import OfficeScreen, ScreenKind

MOST = 20  # of an office


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen whose link holds."""

    id: int
    ente_id: int
    office_id: int
    kind: ScreenKind
    name: str
    language: str
    seen_at: datetime | None


def hang(
    session: Session, by: Principal, *, ente_id: int, office_id: int, kind: ScreenKind, name: str, language: str
) -> str:  # fmt: skip
    """A screen more; the token of its link, which is told this once."""
    require_on(session, by, Permission.AGENDA_MANAGE, ente_id=ente_id)
    if agendas.office(session, office_id).ente_id != ente_id:
        raise NotFoundError("Questo ufficio non esiste.")
    name = " ".join(name.split())
    if not 0 < len(name) <= 60 or not name.isprintable():
        raise FieldError("Scrivi dove sta, in 60 caratteri al massimo.", field="name")
    if len(of_office(session, office_id)) >= MOST:
        raise InvalidError("Ci sono già 20 schermi: revocane uno prima.")
    token = links.new_token()
    session.add(
        OfficeScreen(
            office_id=office_id, kind=kind, name=name, language=language, token_hash=links.hashed(token),
            made_by=by.user_id, made_at=clock.now(session),
        )
    )  # fmt: skip
    session.flush()
    audit.note(session, by, kind="screen.hung", ente_id=ente_id, subject=name)
    return token


def revoke(session: Session, by: Principal, *, screen_id: int) -> None:
    """The link opens nothing any more, and what it shows goes dark within seconds. Twice is once."""
    row = session.get(OfficeScreen, screen_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questo schermo non esiste.")
    ente_id = agendas.office(session, row.office_id).ente_id
    require_on(session, by, Permission.AGENDA_MANAGE, ente_id=ente_id)
    if row.revoked_at is not None:
        return
    row.revoked_at = clock.now(session)
    session.flush()
    audit.note(session, by, kind="screen.revoked", ente_id=ente_id, subject=row.name)
    touch(session, topics.screen(row.id))


def opened(session: Session, token: str, kind: ScreenKind) -> Screen | None:
    """The screen of a link; none for one that is wrong, of another kind, or was revoked."""
    try:
        digest = links.hashed(token)
    except ValueError:
        return None
    of = OfficeScreen.token_hash == digest, OfficeScreen.kind == kind, OfficeScreen.revoked_at.is_(None)
    row = session.scalar(select(OfficeScreen).where(*of))
    return None if row is None else _screen(session, row)


def of_office(session: Session, office_id: int) -> list[Screen]:
    """The screens of an office whose links hold."""
    of = (OfficeScreen.office_id == office_id, OfficeScreen.revoked_at.is_(None))
    rows = session.scalars(select(OfficeScreen).where(*of).order_by(OfficeScreen.name, OfficeScreen.id))
    return [_screen(session, row) for row in rows]


def still_there(session: Session, screen_ids: Collection[int]) -> set[int]:
    """These screens are on: write it down. Those among them whose links still hold."""
    of = (OfficeScreen.id.in_(screen_ids), OfficeScreen.revoked_at.is_(None))
    seen = update(OfficeScreen).where(*of).values(seen_at=clock.now(session))
    return set(session.scalars(seen.returning(OfficeScreen.id)))


def _screen(session: Session, row: OfficeScreen) -> Screen:
    ente_id = agendas.office(session, row.office_id).ente_id
    return Screen(row.id, ente_id, row.office_id, row.kind, row.name, row.language, row.seen_at)
