"""What an ente's feeds have said to be there or gone, as far as the rows themselves do not tell."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.collection.models import FeedState, ImportNamed, Of, WaitingRecord, WithdrawnKey
from crm.core.db import table_of
from crm.core.stated import Silence

HELD_PERCENT, HELD_ROWS = 10, 100  # beyond both, a full feed's withdrawals wait for a person, unless the ente says else

_NAMED = table_of(ImportNamed)
_WITHDRAWN = table_of(WithdrawnKey)
_STATE = table_of(FeedState)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a batch must know of the feeds before it. `full_as_of` is of the newest full feed that ended."""

    full_as_of: datetime | None
    anything_buried: bool
    anybody_waits: bool


def begin(session: Session, *, ente_id: int) -> Standing:
    """One batch at a time for an ente, whatever the number of importing processes; then, what stands.

    Plans are made, and kept by the connection, while tables may still be empty: one that reads a whole table would
    make a first import quadratic (each foreign key is checked by such a kept plan). So indexes alone are used.
    """
    session.execute(select(func.set_config("enable_seqscan", "off", True)))
    one_at_a_time(session, ente_id=ente_id)
    row = session.execute(  # a statement of its own, which sees what was committed while this one waited
        select(
            select(_STATE.c.full_as_of).where(_STATE.c.ente_id == ente_id).scalar_subquery().label("full_as_of"),
            exists().where(_WITHDRAWN.c.ente_id == ente_id).label("buried"),
            exists().where(WaitingRecord.ente_id == ente_id).label("waits"),
        )
    ).one()
    return Standing(row.full_as_of, row.buried, row.waits)


def one_at_a_time(session: Session, *, ente_id: int) -> None:
    """Wait for a batch of the ente's that is being written, and let none begin before this transaction is over."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("collection.import", ente_id))))


def tombstones(
    session: Session, standing: Standing, *, ente_id: int, of: Of, keys: Collection[str]
) -> dict[str, datetime]:
    """Withdrawals of these keys that came before anything else about them."""
    if not standing.anything_buried or not keys:
        return {}
    rows = session.execute(
        select(_WITHDRAWN.c.key, _WITHDRAWN.c.as_of).where(
            _WITHDRAWN.c.ente_id == ente_id, _WITHDRAWN.c.of == of, _WITHDRAWN.c.key.in_(keys)
        )
    )
    return {row.key: row.as_of for row in rows}


def bury(session: Session, *, ente_id: int, of: Of, unknown: Mapping[str, datetime], told: Collection[str]) -> None:
    """Remember withdrawals of what was never told, and forget those that a row remembers from now on."""
    if told:
        session.execute(
            delete(_WITHDRAWN).where(_WITHDRAWN.c.ente_id == ente_id, _WITHDRAWN.c.of == of, _WITHDRAWN.c.key.in_(told))
        )
    if unknown:
        statement = insert(_WITHDRAWN)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=[_WITHDRAWN.c.ente_id, _WITHDRAWN.c.of, _WITHDRAWN.c.key],
                set_={"as_of": func.greatest(_WITHDRAWN.c.as_of, statement.excluded.as_of)},
            ),
            [{"ente_id": ente_id, "of": of, "key": key, "as_of": as_of} for key, as_of in unknown.items()],
        )


def silence(*, ente_id: int, run_id: int, as_of: datetime, of: Of) -> Silence:
    """What a full feed that was read to its end does not say."""
    named = _NAMED.alias()

    def is_named(key: ColumnElement[str]) -> ColumnElement[bool]:
        return exists().where(named.c.run_id == run_id, named.c.of == of, named.c.key == key)

    return Silence(ente_id, as_of, is_named)


def policy(session: Session, *, ente_id: int) -> FeedState:
    """The ente's row, made when it is first asked for."""
    session.execute(
        insert(_STATE).values(ente_id=ente_id, held_percent=HELD_PERCENT, held_rows=HELD_ROWS).on_conflict_do_nothing()
    )
    return session.get_one(FeedState, ente_id, populate_existing=True)


def forget(session: Session, *, ente_id: int, as_of: datetime) -> None:
    """A full feed has ended: what was said of before it, of things that nobody holds, it says as well."""
    session.execute(delete(_WITHDRAWN).where(_WITHDRAWN.c.ente_id == ente_id, _WITHDRAWN.c.as_of <= as_of))


def unname(session: Session, *, ente_id: int, run_id: int) -> None:
    """The run is over."""
    session.execute(delete(_NAMED).where(_NAMED.c.ente_id == ente_id, _NAMED.c.run_id == run_id))


def name(session: Session, *, ente_id: int, run_id: int, named: Iterable[tuple[Of, str]]) -> None:
    """A full feed names these keys, whatever its statements say."""
    rows = [{"ente_id": ente_id, "run_id": run_id, "of": of, "key": key[:60]} for of, key in sorted(named)]
    if rows:
        session.execute(insert(_NAMED).on_conflict_do_nothing(), rows)
