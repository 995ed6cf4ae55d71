"""What follows from each thing that happens with an appointment: its story, the timeline, the audit, a message."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.agendas import calendars, codes, queries
from crm.agendas.codes import Use
from crm.agendas.models import Appointment, AppointmentDeed, AppointmentEvent
from crm.agendas.queries import AppointmentView
from crm.agendas.rules import Channel
from crm.audit import service as audit
from crm.contacts.phone import takes_sms
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.messages import queries as message_queries
from crm.messages import service as messages
from crm.messages.models import MessageChannel, MessageState
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate
from crm.messages.wording import tells_of_debt
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind

LONGEST_PLACE = 80
NOT_TOLD = frozenset({MessageState.WITHHELD, MessageState.FAILED, MessageState.EXPIRED})
_ABOUT_IT = (
    MessageTemplate.APPOINTMENT_BOOKED, MessageTemplate.APPOINTMENT_MOVED, MessageTemplate.APPOINTMENT_CANCELLED,
    MessageTemplate.APPOINTMENT_REMINDER,
)  # fmt: skip
_BOTH = ("", ":too")  # of two messages about one thing, the second


def tell(
    session: Session, by: Principal | None, row: Appointment, deed: AppointmentDeed, *, channel: Channel,
    detail: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """It happened, now: its story, the timeline of whom it concerns, the audit, and whoever watches the office."""
    at = clock.now(session)
    session.execute(
        insert(table_of(AppointmentEvent)).values(
            ente_id=row.ente_id, appointment_id=row.id, deed=deed, at=at, by=by.user_id if by else None,
            channel=channel, detail=detail or {},
        )
    )  # fmt: skip
    put_on_timeline(session, row)
    audit.note(
        session, by, kind=f"appointment.{deed.value}", ente_id=row.ente_id, contact_id=row.contact_id,
        subject=f"appointment:{row.id}",
        after={"starts_at": row.starts_at.isoformat(), "office": queries.office(session, row.office_id).name},
        before={name: value for name, value in (detail or {}).items() if name == "starts_at"},
    )  # fmt: skip
    touch(session, topics.office(row.office_id))


def put_on_timeline(session: Session, row: Appointment) -> None:
    """The appointment on the timeline of the contact, as it stands now."""
    if row.contact_id is None:
        return
    service = queries.service(session, row.ente_id, row.service_id)
    timeline.record(
        session, ente_id=row.ente_id, contact_id=row.contact_id, kind=EntryKind.APPOINTMENT, source=row.id,
        occurred_at=row.booked_at or row.made_at, author_id=row.made_by, status=row.state.value,
        detail={
            "service": service.called("it"), "office": queries.office(session, row.office_id).name,
            "starts_at": row.starts_at.isoformat(), "channel": row.channel.value, "code": row.code,
            "note": row.notes, "reason": row.reason,
        },
    )  # fmt: skip


def write(
    session: Session, row: Appointment, template: MessageTemplate, *, manage_at: str
) -> None:  # fmt: skip
    """Owe him the message, at the e-mail that he left and by SMS to his mobile. Nothing, where he left neither.

    `manage_at` is the address before the token, under which he sees, moves and cancels it. What was owed about it
    before, and has not left yet, is no longer true, and does not leave.
    """
    stale = [_cause(row.id, n, one) for n in range(row.sequence) for one in _ABOUT_IT]
    messages.withdraw(session, ente_id=row.ente_id, causes=[f"{one}{more}" for one in stale for more in _BOTH])
    link = f"{manage_at}/{codes.token(session, Use.MANAGE, row.ente_id, row.id)}"
    values: dict[str, Any] = {"at": row.starts_at, "code": row.code}
    if template is MessageTemplate.APPOINTMENT_CANCELLED:
        values["link"] = manage_at
    else:
        values["place"] = place_of(session, row.office_id, row.language)
        values["link"] = link
    cause = _cause(row.id, row.sequence, template)
    for (channel, address), more in zip(ways(row.email, row.phone), _BOTH, strict=False):
        entry = b""
        if channel is MessageChannel.EMAIL:
            entry = calendars.of(session, queries.get(session, row.id), link=link, to=address)
        order = Order(
            row.ente_id, template.value, values, channel=channel, address=address, language=row.language,
            calendar=entry.decode(),
        )  # fmt: skip
        messages.owe(
            session, None, order, cause=f"{cause}{more}",
            expires_at=max(row.starts_at, clock.now(session) + timedelta(hours=1)),
        )  # fmt: skip


def told(session: Session, ones: Collection[AppointmentView]) -> Mapping[UUID, bool]:
    """Of each of these of one ente, whether a message about how it stands now has left, or is about to."""
    of = {
        f"{_cause(one.id, one.sequence, about)}{more}": one.id for one in ones for about in _ABOUT_IT for more in _BOTH
        if about is not MessageTemplate.APPOINTMENT_REMINDER
    }  # fmt: skip
    found = dict.fromkeys((one.id for one in ones), False)
    for ente_id in {one.ente_id for one in ones}:
        for cause, state in message_queries.states(session, ente_id, list(of)).items():
            found[of[cause]] |= state not in NOT_TOLD
    return found


def remind(session: Session, row: Appointment) -> None:
    """Owe him a word that it is tomorrow, where he left an address that takes one."""
    goes_to = where(row.email, row.phone)
    if goes_to is None:
        return
    template = MessageTemplate.APPOINTMENT_REMINDER
    order = Order(
        row.ente_id, template.value,
        {"at": row.starts_at, "place": place_of(session, row.office_id, row.language)}, channel=goes_to[0],
        address=goes_to[1], language=row.language,
    )  # fmt: skip
    messages.owe(session, None, order, cause=_cause(row.id, row.sequence, template), expires_at=row.starts_at)


def tell_of_double(session: Session, row: Appointment, *, manage_at: str) -> int:
    """Owe him, once, a word that another was booked in his name, where he left an address; how many were owed."""
    goes_to = where(row.email, row.phone)
    cause = f"appointment:{row.id}:double"
    if goes_to is None or message_queries.states(session, row.ente_id, [cause]):
        return 0
    link = f"{manage_at}/{codes.token(session, Use.MANAGE, row.ente_id, row.id)}"
    order = Order(
        row.ente_id, MessageTemplate.APPOINTMENT_DOUBLE.value, {"at": row.starts_at, "link": link},
        channel=goes_to[0], address=goes_to[1], language=row.language,
    )  # fmt: skip
    messages.owe(session, None, order, cause=cause, expires_at=row.starts_at)
    return 1


def place_of(session: Session, office_id: int, language: str) -> str:
    """Where it is; whoever sees the screen learns nothing of what it is about. An address that is cut leads nowhere:
    where both are too long for an SMS, the office's name is left out.
    """
    office = queries.office(session, office_id)
    both = f"{office.name}, {office.address}"
    short = len(both) <= LONGEST_PLACE and not tells_of_debt(office.name, language)
    return both if short else office.address[:LONGEST_PLACE].strip()


def ways(email: str | None, phone: str | None) -> list[tuple[MessageChannel, str]]:
    """Where a confirmation goes, of what somebody left: by e-mail, and by SMS to a mobile. Pure."""
    found = [(MessageChannel.EMAIL, email)] if email else []
    return [*found, (MessageChannel.SMS, phone)] if phone and takes_sms(phone) else found


def where(email: str | None, phone: str | None) -> tuple[MessageChannel, str] | None:
    """Where somebody is written to who is written to once: by e-mail, else by SMS. Pure."""
    return next(iter(ways(email, phone)), None)


def _cause(appointment_id: UUID, sequence: int, about: MessageTemplate) -> str:
    return f"appointment:{appointment_id}:{sequence}:{about.value}"
