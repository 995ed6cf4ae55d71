"""Asking a gestionale about one taxpayer just before he is called: whether it is to be asked, and taking in its answer.

The answer goes through the importer's own code, so that file, promises and campaigns see what a feed would have said.
No transaction is open while it is asked. Whatever goes wrong changes nothing but when he was last asked about.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import httpx
import structlog
from sqlalchemy import BigInteger, ColumnElement, bindparam, case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from crm.collection.models import CollectionSource, ContactLookup
from crm.collection.sources import endpoints, one, service
from crm.collection.sources.breaker import Breaker, Circuit
from crm.collection.sources.one import Question, UnknownTaxpayerError
from crm.collection.sources.pages import OfOne
from crm.collection.sources.port import Lookup, NotAllowedError, SourceError
from crm.collection.store import take_in
from crm.collection.values import CLOCK_TOLERANCE
from crm.contacts.calling import persons
from crm.contacts.models import Contact
from crm.core import clock, topics
from crm.core.db import Database, Scope, table_of, touch
from crm.enti import queries as enti
from crm.positions.models import Position

log = structlog.get_logger(__name__)
_L, _SOURCE, _CONTACT, _POSITION = (
    table_of(each) for each in (ContactLookup, CollectionSource, Contact, Position)
)  # fmt: skip


def _asked_of(ente_id: ColumnElement[int] | int) -> tuple[ColumnElement[bool], ...]:
    return _SOURCE.c.ente_id == ente_id, _SOURCE.c.answers_one, _SOURCE.c.active


OFFERED = select(_SOURCE.c.answer_minutes, _SOURCE.c.one_failures, _SOURCE.c.one_open_until).where(
    *_asked_of(bindparam("ente", type_=BigInteger))
)


@dataclass(frozen=True, slots=True)
class Offer:
    """An ente's gestionale answers about one taxpayer. `within`: for how long an answer will do; none: it did not
    answer before, and is let alone for now.
    """

    within: timedelta | None


@dataclass(frozen=True, slots=True)
class Last:
    """The last time somebody was asked about. `as_of`: up to when what an answer said of him is known."""

    asked_at: datetime
    outcome: Lookup
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class _Asked:
    contact_id: int
    source_id: int
    endpoint: str | None
    ente: str
    codice_fiscale: str
    mark: str | None


def offer(session: Session, ente_id: int) -> Offer | None:
    """What the ente's gestionale offers; none: nothing of the kind."""
    row = session.execute(OFFERED, {"ente": ente_id}).one_or_none()
    return None if row is None else offered(*row, now=clock.now(session))


def offered(answer_minutes: int, failures: int, open_until: datetime | None, *, now: datetime) -> Offer:
    """The same, of what `OFFERED` selects. Pure."""
    is_open = Breaker(failures, open_until).circuit(now) is Circuit.OPEN
    return Offer(None if is_open else timedelta(minutes=answer_minutes))


def last(session: Session, contact_ids: Collection[int]) -> dict[int, Last]:
    """When each of these was last asked about; whoever never was is not there."""
    rows = session.execute(select(_L).where(_L.c.contact_id.in_(contact_ids)))
    return {row.contact_id: Last(row.asked_at, row.outcome, row.as_of) for row in rows}


def unasked(session: Session, *, ente_id: int, contact_ids: Collection[int], ahead: bool = False) -> list[int]:
    """Those of these whom the gestionale is to be asked about before they are called, in their order.

    `ahead`: also those of whom half the time is over for which an answer will do.
    """
    offered = offer(session, ente_id)
    if offered is None or offered.within is None or not contact_ids:
        return []
    joined = persons(session, contact_ids)
    known = last(session, {row for rows in joined.values() for row in rows})
    since = clock.now(session) - (offered.within / 2 if ahead else offered.within)
    return [
        each for each in contact_ids
        if any(row not in known or known[row].asked_at < since for row in joined[each])
    ]  # fmt: skip


class Lookups:
    """Asks about people, one by one, and takes in what is answered. It may be used from any thread."""

    def __init__(self, database: Database, *, transport: httpx.BaseTransport | None = None) -> None:
        self._database, self._http = database, one.client(transport)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def ask(self, *, ente_id: int, contact_id: int) -> Lookup | None:
        """Ask about somebody, under each of his rows of the ente; what came of it, the worst first. None: not offered.

        A few seconds at the most for each of his rows; nothing is raised for a gestionale that does not answer.
        """
        scope = Scope.of_enti([ente_id])
        asked = self._database.transact(scope, partial(_begun, ente_id=ente_id, contact_id=contact_id))
        if isinstance(asked, Lookup) or asked is None:
            return asked
        came = [self._one(scope, ente_id, each) for each in asked]
        return max(came, key=list(Lookup).index, default=None)

    def _one(self, scope: Scope, ente_id: int, asked: _Asked) -> Lookup:
        try:
            answer = one.ask(
                self._http,
                Question(endpoints.endpoint(asked.endpoint), asked.ente, asked.codice_fiscale, asked.mark),
            )
            self._database.transact(scope, partial(_taken, ente_id=ente_id, asked=asked, answer=answer))
        except (SourceError, DataError, IntegrityError) as caught:  # what the database refuses cannot be read, either
            refused = SourceError(one.UNREADABLE.format(reason=type(caught).__name__), permanent=True)
            error = caught if isinstance(caught, SourceError) else refused
            came = _outcome(error)
            log.warning("lookup_failed", source=asked.source_id, outcome=came.value)
            self._database.transact(
                scope, partial(_failed, ente_id=ente_id, asked=asked, error=error, outcome=came)
            )  # fmt: skip
            return came
        return Lookup.ANSWERED


def _outcome(error: SourceError) -> Lookup:
    if isinstance(error, UnknownTaxpayerError):
        return Lookup.UNKNOWN
    return Lookup.UNREADABLE if error.permanent and not isinstance(error, NotAllowedError) else Lookup.SILENT


def _begun(session: Session, *, ente_id: int, contact_id: int) -> list[_Asked] | Lookup | None:
    offered = offer(session, ente_id)
    if offered is None or offered.within is None:
        return None if offered is None else Lookup.LET_ALONE
    source = session.execute(select(_SOURCE.c.id, _SOURCE.c.endpoint).where(*_asked_of(ente_id))).one()
    code = enti.cadastral_code(session, ente_id)
    debts = select(func.max(func.greatest(_POSITION.c.as_of, _POSITION.c.withdrawn_as_of))).where(
        _POSITION.c.ente_id == ente_id, _POSITION.c.contact_id == _CONTACT.c.id
    )
    told = func.greatest(_CONTACT.c.as_of, _CONTACT.c.withdrawn_as_of, debts.scalar_subquery())
    found = session.execute(
        select(_CONTACT.c.id, _CONTACT.c.codice_fiscale, case((told <= _L.c.as_of, _L.c.mark)).label("mark"))
        .outerjoin(_L, _L.c.contact_id == _CONTACT.c.id)
        .where(_CONTACT.c.ente_id == ente_id, _CONTACT.c.id.in_(persons(session, [contact_id])[contact_id]))
        .order_by(_CONTACT.c.id)
    )
    return [_Asked(row.id, source.id, source.endpoint, code, row.codice_fiscale, row.mark) for row in found]


def _taken(session: Session, *, ente_id: int, asked: _Asked, answer: OfOne) -> None:
    """Raises `SourceError` for an answer that cannot be taken, which then changes nothing."""
    now = clock.now(session)
    if not (answer.unchanged and asked.mark):
        stored = session.scalars(
            select(_POSITION.c.reference).where(
                _POSITION.c.ente_id == ente_id, _POSITION.c.contact_id == asked.contact_id,
                _POSITION.c.withdrawn_as_of.is_(None),
            )
        ).all()  # fmt: skip
        items = one.understood(answer, asked.codice_fiscale, stored=stored, latest=now + CLOCK_TOLERANCE)
        take_in(session, ente_id=ente_id, items=items)
    as_of = min(answer.as_of, now)
    _write(session, ente_id, asked, Lookup.ANSWERED, as_of=as_of, mark=answer.mark or None)
    source = service.locked(session, asked.source_id)
    source.one_failures, source.one_open_until = 0, None
    session.flush()


def _failed(session: Session, *, ente_id: int, asked: _Asked, error: SourceError, outcome: Lookup) -> None:
    """He was asked about in vain. What concerns him alone says nothing of the gestionale."""
    _write(session, ente_id, asked, outcome)
    if outcome is Lookup.UNKNOWN:
        return
    source = service.locked(session, asked.source_id)
    breaker = Breaker(source.one_failures, source.one_open_until).failed(
        clock.now(session), permanent=isinstance(error, NotAllowedError), retry_after=error.retry_after
    )
    source.one_failures, source.one_open_until = min(breaker.failures, 1000), breaker.open_until
    session.flush()


def _write(session: Session, ente_id: int, asked: _Asked, outcome: Lookup, **more: object) -> None:
    row = {"asked_at": clock.now(session), "outcome": outcome, **more}
    session.execute(
        insert(_L)
        .values(contact_id=asked.contact_id, ente_id=ente_id, **row)
        .on_conflict_do_update(index_elements=[_L.c.contact_id], set_=row)
    )
    touch(session, topics.contact(asked.contact_id))
