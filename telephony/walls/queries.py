"""Reading the rooms with a screen."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.core import links
from telephony.walls.models import Wall, WallLook, WallPage


@dataclass(frozen=True, slots=True)
class Room:
    """A screen as it was set up. Empty `queue_ids` and `ente_ids` mean all of the contract's."""

    id: int
    contract_id: int
    name: str
    queue_ids: frozenset[int]
    ente_ids: frozenset[int]
    pages: tuple[WallPage, ...]
    seconds: int
    language: str
    look: WallLook
    seen_at: datetime | None
    made_at: datetime


def opened(session: Session, token: str) -> Room | None:
    """The room of a link; none for a link that is wrong, or was revoked."""
    try:
        digest = links.hashed(token)
    except ValueError:
        return None
    row = session.scalar(select(Wall).where(Wall.token_hash == digest, Wall.revoked_at.is_(None)))
    return None if row is None else room(row)


def rooms(session: Session, contract_ids: frozenset[int]) -> list[Room]:
    """The rooms of these contracts whose links hold, by name."""
    rows = session.scalars(
        select(Wall)
        .where(Wall.contract_id.in_(contract_ids), Wall.revoked_at.is_(None))
        .order_by(Wall.name, Wall.id)
        .execution_options(populate_existing=True)
    )
    return [room(row) for row in rows]


def least_seen(session: Session, contract_id: int) -> datetime | None:
    """When that screen of a contract was last seen which was so the longest ago; those never opened do not count."""
    of = Wall.contract_id == contract_id, Wall.revoked_at.is_(None), Wall.seen_at.is_not(None)
    found: datetime | None = session.scalar(select(func.min(Wall.seen_at)).where(*of))
    return found


def room(row: Wall) -> Room:
    """A row as it is used."""
    return Room(
        row.id, row.contract_id, row.name, frozenset(row.queue_ids), frozenset(row.ente_ids),
        tuple(WallPage(one) for one in row.pages), row.seconds, row.language, row.look, row.seen_at, row.made_at,
    )  # fmt: skip
