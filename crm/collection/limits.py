"""How much a full feed may withdraw without a person's word: each ente has its own bounds."""

from collections.abc import Collection
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.collection import presence
from crm.collection.models import FeedState
from crm.collection.presence import HELD_PERCENT, HELD_ROWS
from crm.collection.service import entitled
from crm.core.errors import InvalidError

MOST_PERCENT, MOST_ROWS = 100, 10_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond both, what a full feed does not name waits: a share of what there is, in percent, and so many rows."""

    percent: int = HELD_PERCENT
    rows: int = HELD_ROWS


def limits(session: Session, ente_ids: Collection[int]) -> dict[int, Limits]:
    """The bounds of each of these enti."""
    rows = session.execute(
        select(FeedState.ente_id, FeedState.held_percent, FeedState.held_rows).where(FeedState.ente_id.in_(ente_ids))
    )
    return dict.fromkeys(ente_ids, Limits()) | {row.ente_id: Limits(row.held_percent, row.held_rows) for row in rows}


def parse(percent: str, rows: str) -> Limits:
    """The bounds as somebody wrote them. Raises `InvalidError` at the fields `percent` and `rows`."""
    share, count = _number(percent, MOST_PERCENT), _number(rows, MOST_ROWS)
    wrong = []
    if share is None:
        wrong.append(InvalidError("Scrivi una percentuale intera, da 0 a 100.", field="percent"))
    if count is None:
        wrong.append(InvalidError("Scrivi quante righe con un numero intero, da 0 a dieci milioni.", field="rows"))
    if share is None or count is None:
        raise InvalidError("Ricontrolla i campi indicati.", parts=wrong)
    return Limits(share, count)


def save(session: Session, by: Principal, *, ente_id: int, chosen: Limits) -> None:
    """Set an ente's bounds. A feed that waits already goes on waiting; the next one is measured by these."""
    entitled(session, by, ente_id)
    state = presence.policy(session, ente_id=ente_id)
    before = Limits(state.held_percent, state.held_rows)
    state.held_percent, state.held_rows = chosen.percent, chosen.rows
    session.flush()
    audit.note(session, by, kind="feed.limits_changed", ente_id=ente_id, before=asdict(before), after=asdict(chosen))


def _number(text: str, most: int) -> int | None:
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        return None
    return int(text) if int(text) <= most else None
