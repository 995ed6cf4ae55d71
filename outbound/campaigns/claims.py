"""Claims: whom somebody has to do with, and so nobody else; and the lock on a person, by whichever of his rows."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    any_,
    bindparam,
    exists,
    literal_column,
    text,
    update,
)
from sqlalchemy.orm import Session

from crm.contacts import calling
from crm.core.db import table_of
from outbound.campaigns.models import CampaignContact, ContactState

PERSON = 0x0B0E  # the advisory locks of people, by the least of each one's rows
_CC = table_of(CampaignContact)
_OTHER = _CC.alias("other")
_CLAIMED: ColumnElement[str] = literal_column(f"'{ContactState.CLAIMED}'")  # as the index of those says it
_LOCK = text("SELECT pg_advisory_xact_lock(:person, least) FROM unnest(CAST(:least AS integer[])) AS least")
_CLAIM = (
    update(_CC)
    .where(
        _CC.c.campaign_id == bindparam("campaign"), _CC.c.contact_id == bindparam("contact"),
        ~exists().where(
            _OTHER.c.contact_id == any_(bindparam("rows", type_=ARRAY(BigInteger))), _OTHER.c.state == _CLAIMED
        ),
    )
    .values(state=ContactState.CLAIMED, claimed_by=bindparam("agent"), due_at=bindparam("until"))
)  # fmt: skip


def lock(session: Session, persons: Iterable[Collection[int]]) -> None:
    """Nobody else claims these people, or writes to them, before this transaction ends: whoever wants to waits. Each
    is told by all of his rows. What was read of them before this may be old.
    """
    least = sorted({min(rows) % 2**31 for rows in persons})  # in one order, so that no two wait for each other
    session.execute(_LOCK, {"person": PERSON, "least": least})


def lock_all(session: Session, contact_ids: Collection[int]) -> None:
    """The same of whoever these contacts are."""
    lock(session, calling.persons(session, contact_ids).values())


def claim(
    session: Session, *, campaign_id: int, contact_id: int, rows: Collection[int], agent_id: int | None, until: datetime
) -> bool:  # fmt: skip
    """He is the agent's until then, unless somebody has to do with him, under whichever of his rows."""
    lock(session, [rows])
    about = {"campaign": campaign_id, "contact": contact_id, "rows": sorted(rows), "agent": agent_id, "until": until}
    done = session.execute(_CLAIM, about)
    return bool(done.rowcount)  # type: ignore[attr-defined]


def free(contact_id: ColumnElement[int]) -> ColumnElement[bool]:
    """That nobody has to do with a contact, as far as this row of his says."""
    return ~exists().where(_OTHER.c.contact_id == contact_id, _OTHER.c.state == _CLAIMED)
