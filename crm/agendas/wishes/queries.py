"""Reading the waiting list: for whoever waits, by his link, and for the staff."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.agendas import codes
from crm.agendas.codes import Use
from crm.agendas.wishes.models import BookingOffer, BookingWish, Outcome, Part, WishState
from crm.contacts.names import full_name
from crm.core import clock
from crm.core.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class OfferView:
    """A time that somebody was offered."""

    id: UUID
    hold_id: UUID
    office_id: int
    starts_at: datetime
    outcome: Outcome
    made_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class WishView:
    """Somebody who waits. `offers` in their order."""

    id: UUID
    ente_id: int
    service_id: int
    offices: frozenset[int]
    weekdays: tuple[int, ...]
    part: Part
    until: date
    state: WishState
    language: str
    given_name: str
    surname: str
    phone: str | None
    email: str | None
    contact_id: int | None
    made_at: datetime
    ended_at: datetime | None
    offers: tuple[OfferView, ...] = ()

    @property
    def name(self) -> str:
        """As people say it."""
        return full_name(self.surname, self.given_name) or "—"

    @property
    def waits(self) -> bool:
        """Whether he is on the list."""
        return self.state is WishState.WAITING

    @property
    def offered(self) -> OfferView | None:
        """What he is to answer."""
        return next((one for one in self.offers if one.outcome is Outcome.OPEN), None)


def by_token(session: Session, ente_id: int, token: str) -> WishView:
    """The wish of a link. Raises `NotFoundError`."""
    found = codes.read_token(session, Use.WISH, ente_id, token)
    if found is None:
        raise NotFoundError("Questa richiesta non esiste.")
    return get(session, found)


def by_offer(session: Session, ente_id: int, token: str) -> tuple[WishView, OfferView, bool]:
    """The wish and the offer of a link, and whether it can still be taken. Raises `NotFoundError`."""
    found = codes.read_token(session, Use.OFFER, ente_id, token)
    row = None if found is None else session.get(BookingOffer, found)
    if row is None:
        raise NotFoundError("Questo posto non esiste.")
    wish, one = get(session, row.wish_id), _offer(row)
    return wish, one, wish.waits and one.outcome is Outcome.OPEN and one.until > clock.now(session)


def managed_by(session: Session, ente_id: int, one: OfferView) -> str | None:
    """The token of the appointment that an offer has become; none where he has not taken it."""
    return codes.token(session, Use.MANAGE, ente_id, one.hold_id) if one.outcome is Outcome.TAKEN else None


def get(session: Session, wish_id: UUID) -> WishView:
    """A wish. Raises `NotFoundError`."""
    row = session.get(BookingWish, wish_id, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa richiesta non esiste.")
    return _views(session, [row])[0]


def of_ente(session: Session, ente_id: int) -> list[WishView]:
    """Who waits, in order."""
    own = (BookingWish.ente_id == ente_id, BookingWish.state == WishState.WAITING)
    return _views(session, list(session.scalars(select(BookingWish).where(*own).order_by(BookingWish.made_at))))


def ended(session: Session, ente_id: int, most: int = 50) -> list[WishView]:
    """Those that ended last."""
    own = (BookingWish.ente_id == ente_id, BookingWish.state != WishState.WAITING)
    rows = select(BookingWish).where(*own).order_by(BookingWish.ended_at.desc()).limit(most)
    return _views(session, list(session.scalars(rows)))


def before(session: Session, one: WishView) -> int:
    """How many wait for the same service and came earlier."""
    own = (BookingWish.ente_id == one.ente_id, BookingWish.service_id == one.service_id)
    earlier = (BookingWish.state == WishState.WAITING, BookingWish.made_at < one.made_at)
    return session.scalars(select(func.count()).select_from(BookingWish).where(*own, *earlier)).one()


def _views(session: Session, rows: list[BookingWish]) -> list[WishView]:
    offers: dict[UUID, list[OfferView]] = {}
    wanted = BookingOffer.wish_id.in_([row.id for row in rows])
    for one in session.scalars(select(BookingOffer).where(wanted).order_by(BookingOffer.made_at)):
        offers.setdefault(one.wish_id, []).append(_offer(one))
    return [
        WishView(
            row.id, row.ente_id, row.service_id, frozenset(row.offices), tuple(row.weekdays), row.part, row.until,
            row.state, row.language, row.given_name, row.surname, row.phone, row.email, row.contact_id, row.made_at,
            row.ended_at, tuple(offers.get(row.id, ())),
        )
        for row in rows
    ]  # fmt: skip


def _offer(row: BookingOffer) -> OfferView:
    return OfferView(row.id, row.hold_id, row.office_id, row.starts_at, row.outcome, row.made_at, row.until)
