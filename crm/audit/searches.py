"""Searches for persons: boxes search while people type, so a minute of somebody's searches is one entry.

Until the minute is over it is added up in a row. The entry says how many searches there were and how many persons of
the ente they showed; not what he looked for nor whom he found: whose data he opens has an entry of its own.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import service
from crm.audit.models import SearchTally
from crm.core import clock
from crm.core.db import Database, Scope
from crm.enti import queries as enti

SEARCHED = "file.searched"
MINUTE = timedelta(minutes=1)


def note(session: Session, by: Principal, found: Iterable[int]) -> None:
    """Somebody looked for a person and was shown these: `found` is the ente of each."""
    for ente_id, shown in sorted(Counter(found).items()):
        first = {"since": clock.now(session), "place": by.place, "searches": 1, "shown": shown}
        add = insert(SearchTally).values(user_id=by.user_id, ente_id=ente_id, **first)
        more = {"searches": SearchTally.searches + 1, "shown": SearchTally.shown + shown, "place": by.place}
        session.execute(add.on_conflict_do_update(index_elements=["user_id", "ente_id"], set_=more))


def close(database: Database) -> int:
    """Write the entries of the minutes that are over; how many."""
    with database.begin(Scope.nothing()) as session:
        everybody = Scope.of_enti(enti.badges(session))
    return database.transact(everybody, _close)


def _close(session: Session) -> int:
    over = SearchTally.since <= clock.now(session) - MINUTE
    one = SearchTally
    mine = (one.user_id, one.ente_id)
    session.execute(select(*mine).where(over).order_by(*mine).with_for_update())
    rows = session.execute(
        delete(one).where(over).returning(one.user_id, one.ente_id, one.place, one.searches, one.shown)
    ).all()
    for user_id, ente_id, place, searches, shown in rows:
        by = Principal(user_id, "", "it", frozenset(), place=place)
        service.note(session, by, kind=SEARCHED, ente_id=ente_id, after={"searches": searches, "found": shown})
    return len(rows)
