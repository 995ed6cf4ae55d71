"""Offering times to whoever waits, in order: each is held while he answers, so that nobody else is given it meanwhile.

What a citizen frees is offered in the transaction that frees it, and is never seen on the page in between; what is
freed otherwise (an agenda, an exception, a hold or an offer that ran out) is found by the engine's chore.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.agendas import codes, finding, holding, queries, sites, telling
from crm.agendas.codes import Use
from crm.agendas.errors import SlotGoneError
from crm.agendas.rules import Channel
from crm.agendas.slots import Free
from crm.agendas.wishes.models import BookingOffer, BookingWish, Outcome, WishState
from crm.agendas.wishes.order import MOST_MISSED, Waiting, answer_by, matched
from crm.core import clock
from crm.core.db import Database, Scope, new_id
from crm.core.each import total_of_each
from crm.enti import queries as enti
from crm.messages import queries as message_queries
from crm.messages import service as messages
from crm.messages.models import Message, MessageState
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate

GRACE = timedelta(minutes=2)  # for which it is still held, so that the next one is offered it and nobody comes between
AT_ONCE = 50
_WAITING = BookingWish.state == WishState.WAITING
_OPEN = BookingOffer.outcome == Outcome.OPEN


def offer_all(database: Database, manage_at: Callable[[Session, int], str]) -> int:
    """Do what is due, of every ente; how many times were offered."""
    with database.begin(Scope.nothing()) as session:
        served = enti.served(session)
    with database.begin(Scope.of_enti(served)) as session:
        waited = session.scalars(select(BookingWish.ente_id).where(_WAITING).distinct()).all()
    return total_of_each(
        waited,
        lambda one: database.transact(
            Scope.of_enti([one]), partial(_due, ente_id=one, manage_at=manage_at)
        ),
    )  # fmt: skip


def offer(
    session: Session, *, ente_id: int, manage_at: str, freed: datetime | None = None, office_id: int | None = None
) -> int:  # fmt: skip
    """Offer what is free, on the day on which something was `freed` at an office or (none) on any; how many times."""
    if session.scalar(select(BookingWish.id).where(BookingWish.ente_id == ente_id, _WAITING).limit(1)) is None:
        return 0
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"booking_wish:{ente_id}", 0))))
    wishes = _to_be_offered(session, ente_id)
    day = None if freed is None else clock.business_day(freed)
    times: dict[int, list[Free]] = {}
    for service_id in {one.service_id for one in wishes}:
        until = max(one.until for one in wishes if one.service_id == service_id)
        times[service_id] = _free(session, ente_id, service_id, day or clock.business_day(clock.now(session)),
                                  day or until, office_id)  # fmt: skip
    buffers = {one.id: one.measures.buffer for one in queries.services(session, ente_id)}
    return sum(_give(session, ente_id, *one, manage_at) for one in matched(wishes, times, buffers)[:AT_ONCE])


def withdraw(session: Session, wish: BookingWish, state: WishState) -> BookingOffer | None:
    """A wish has ended; the offer that was still open, whose time is free again."""
    wish.state, wish.ended_at = state, clock.now(session)
    found = session.scalars(select(BookingOffer).where(BookingOffer.wish_id == wish.id, _OPEN)).one_or_none()
    if found is not None:
        close(session, found, Outcome.WITHDRAWN)
    session.flush()
    return found


def close(session: Session, one: BookingOffer, outcome: Outcome) -> None:
    """An offer is answered, or nobody did; its time is no longer held."""
    one.outcome = outcome
    holding.release(session, ente_id=one.ente_id, token=codes.token(session, Use.HOLD, one.ente_id, one.hold_id))
    session.flush()


def booked_by(session: Session, *, ente_id: int, service_id: int, mark: bytes | None, hold_id: object) -> None:
    """Whoever has an appointment waits for none any more, and the time that he was offered is the next one's."""
    if mark is None:
        return
    own = (BookingWish.ente_id == ente_id, BookingWish.service_id == service_id, BookingWish.mark == mark, _WAITING)
    wish = session.scalars(select(BookingWish).where(*own).with_for_update()).one_or_none()
    if wish is None:
        return
    taken = session.scalars(
        select(BookingOffer).where(BookingOffer.wish_id == wish.id, _OPEN, BookingOffer.hold_id == hold_id)
    ).one_or_none()
    if taken is not None:
        taken.outcome = Outcome.TAKEN
        session.flush()
    withdraw(session, wish, WishState.SERVED)


def _due(session: Session, ente_id: int, manage_at: Callable[[Session, int], str]) -> int:
    _lapse(session, ente_id)
    return offer(session, ente_id=ente_id, manage_at=manage_at(session, ente_id))


def _lapse(session: Session, ente_id: int) -> None:
    """Offers that nobody answered, and wishes whose last day went by."""
    now = clock.now(session)
    late = (BookingOffer.ente_id == ente_id, _OPEN, BookingOffer.until <= now)
    for one in session.scalars(select(BookingOffer).where(*late).with_for_update()).all():
        close(session, one, Outcome.MISSED)
        wish = session.get_one(BookingWish, one.wish_id, with_for_update=True)
        if _missed(session, wish) >= MOST_MISSED and wish.state is WishState.WAITING:
            withdraw(session, wish, WishState.SILENT)
    over = (BookingWish.ente_id == ente_id, _WAITING, BookingWish.until < clock.business_day(now))
    for wish in session.scalars(select(BookingWish).where(*over).with_for_update()).all():
        withdraw(session, wish, WishState.OVER)


def _missed(session: Session, wish: BookingWish) -> int:
    """How many of the last offers nobody answered, one after the other."""
    told = session.scalars(
        select(BookingOffer.outcome).where(BookingOffer.wish_id == wish.id).order_by(BookingOffer.made_at.desc())
    ).all()
    return next((n for n, one in enumerate(told) if one is not Outcome.MISSED), len(told))


def _to_be_offered(session: Session, ente_id: int) -> list[Waiting]:
    """Those that wait and have no offer to answer."""
    own = (BookingWish.ente_id == ente_id, _WAITING)
    had: dict[object, set[tuple[int, datetime]]] = {}
    busy = set()
    for one in session.scalars(
        select(BookingOffer).join(BookingWish, BookingWish.id == BookingOffer.wish_id).where(*own)
    ):
        had.setdefault(one.wish_id, set()).add((one.office_id, one.starts_at))
        if one.outcome is Outcome.OPEN:
            busy.add(one.wish_id)
    rows = session.scalars(select(BookingWish).where(*own).order_by(BookingWish.made_at))
    return [
        Waiting(
            row.id, row.service_id, row.made_at, row.until, frozenset(row.offices), frozenset(row.weekdays), row.part,
            frozenset(had.get(row.id, ())),
        )
        for row in rows
        if row.id not in busy
    ]  # fmt: skip


def _free(
    session: Session, ente_id: int, service_id: int, first: date, last: date, office_id: int | None
) -> list[Free]:  # fmt: skip
    """The free times about which there is enough time to ask somebody."""
    notice = queries.service(session, ente_id, service_id).limits.notice
    now, quiet = clock.now(session), message_queries.quiet(session, ente_id)
    found = finding.free_times(
        session, ente_id=ente_id, service_id=service_id, channel=Channel.WEB, first=first, last=last,
        office_id=office_id,
    )  # fmt: skip
    return [one for one in found if answer_by(one.starts_at, notice, quiet, now=now) is not None]


def _give(session: Session, ente_id: int, one: Waiting, time: Free, manage_at: str) -> int:
    """Hold a time for somebody and tell him; 1, or 0 where another has it meanwhile, or he cannot be told."""
    service, now = queries.service(session, ente_id, one.service_id), clock.now(session)
    quiet = message_queries.quiet(session, ente_id)
    until = answer_by(time.starts_at, service.limits.notice, quiet, now=now)
    wish = session.get_one(BookingWish, one.id, with_for_update=True, populate_existing=True)
    if until is None or wish.state is not WishState.WAITING:
        return 0
    try:
        held = holding.hold(
            session, None, ente_id=ente_id, service_id=one.service_id, office_id=time.office_id,
            starts_at=time.starts_at, channel=Channel.WEB, until=until + GRACE,
        )  # fmt: skip
    except SlotGoneError:
        return 0
    row = BookingOffer(
        id=new_id(session), ente_id=ente_id, wish_id=wish.id, hold_id=held.appointment_id, office_id=time.office_id,
        starts_at=time.starts_at, outcome=Outcome.OPEN, made_at=now, until=until,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if not _told(session, wish, row, manage_at):
        withdraw(session, wish, WishState.SILENT)
        return 0
    return 1


def _told(session: Session, wish: BookingWish, row: BookingOffer, manage_at: str) -> bool:
    goes_to = telling.where(wish.email, wish.phone)
    if goes_to is None:
        return False
    token = codes.token(session, Use.OFFER, row.ente_id, row.id)
    values = {
        "at": row.starts_at, "place": telling.place_of(session, row.office_id, wish.language), "until": row.until,
        "link": f"{sites.beside(manage_at, sites.OFFER)}/{token}",
    }  # fmt: skip
    order = Order(
        row.ente_id, MessageTemplate.WAITING_OFFER.value, values, channel=goes_to[0], address=goes_to[1],
        language=wish.language,
    )  # fmt: skip
    owed = messages.owe(session, None, order, cause=f"wish:{wish.id}:{row.id}", expires_at=row.until)
    return session.get_one(Message, owed).state is not MessageState.WITHHELD
