"""Hanging the board in a room: a link that opens it for whoever has it, until it is revoked."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock, links
from crm.core.errors import FieldError, InvalidError, NotFoundError
from crm.enti.queries import enti_of
from telephony.queues import queries as queues
from telephony.walls.models import Wall, WallLook, WallPage

SECONDS = range(5, 601)
MOST_WALLS = 50  # of a contract


@dataclass(frozen=True, slots=True)
class Setting:
    """What a room's screen shows. Without queues or enti, all of the contract's."""

    name: str
    queue_ids: frozenset[int]
    ente_ids: frozenset[int]
    pages: tuple[WallPage, ...]
    seconds: int
    language: str
    look: WallLook


def hang(session: Session, by: Principal, *, contract_id: int, setting: Setting) -> str:
    """A screen in a room; the token of its link, which is told this once."""
    by.require(Permission.BOARD_MANAGE, contract_id=contract_id)
    name = " ".join(setting.name.split())
    if not 0 < len(name) <= 60:
        raise FieldError("Scrivi in quale stanza è, in 60 caratteri al massimo.", field="name")
    if not setting.pages:
        raise FieldError("Scegli almeno una pagina.", field="pages")
    if setting.seconds not in SECONDS:
        raise FieldError("I secondi vanno da 5 a 600.", field="seconds")
    if not setting.queue_ids <= queues.open_ids(session, contract_id) or not setting.ente_ids <= enti_of(
        session, contract_id
    ):
        raise InvalidError("Una coda o un ente non è più di questo contratto: ricarica la pagina.")
    here = Wall.contract_id == contract_id, Wall.revoked_at.is_(None)
    if len(session.scalars(select(Wall.id).where(*here).limit(MOST_WALLS)).all()) == MOST_WALLS:
        raise InvalidError("Ci sono già 50 schermi: revocane uno prima.")
    token = links.new_token()
    row = Wall(
        contract_id=contract_id, name=name, queue_ids=sorted(setting.queue_ids), ente_ids=sorted(setting.ente_ids),
        pages=[one.value for one in setting.pages], seconds=setting.seconds, language=setting.language,
        look=setting.look, token_hash=links.hashed(token), made_by=by.user_id, made_at=clock.now(session),
    )  # fmt: skip
    session.add(row)
    session.flush()
    for ente_id in sorted(enti_of(session, contract_id)):
        audit.note(session, by, kind="wall.hung", ente_id=ente_id, subject=name)
    return token


def revoke(session: Session, by: Principal, *, wall_id: int) -> None:
    """The link opens nothing any more; screens that show it go dark within seconds. Twice is once."""
    row = session.get(Wall, wall_id, with_for_update=True, populate_existing=True)
    if row is None or not by.can(Permission.BOARD_MANAGE, contract_id=row.contract_id):
        raise NotFoundError("Questo schermo non esiste.")
    if row.revoked_at is not None:
        return
    row.revoked_at = clock.now(session)
    session.flush()
    for ente_id in sorted(enti_of(session, row.contract_id)):
        audit.note(session, by, kind="wall.revoked", ente_id=ente_id, subject=row.name)


def still_there(session: Session, wall_ids: Collection[int]) -> set[int]:
    """These screens are on: write it down. Those among them whose links still hold."""
    seen = update(Wall).where(Wall.id.in_(wall_ids), Wall.revoked_at.is_(None)).values(seen_at=clock.now(session))
    return set(session.scalars(seen.returning(Wall.id)))
