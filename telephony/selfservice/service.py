"""Answering the self-service: whose notice it is, whether the factor is right, what may be told; and writing it down.

Whoever is refused is refused alike: no notice, no taxpayer, the wrong PIN, too many failures. Whatever is told is in
the audit, with the factor that opened it.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.audit import service as audit
from crm.contacts import merging
from crm.contacts import queries as contacts
from crm.core import clock, secrecy
from crm.enti import details
from crm.files import queries as files
from crm.messages import service as messages
from crm.messages.models import MessageChannel
from crm.messages.rules import Go, fit
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate
from crm.positions import queries as positions
from crm.positions.views import PositionView
from telephony.ivr.languages import Language
from telephony.selfservice import guesses, limits, prompts, queries, telling
from telephony.selfservice.dialogue import FACTORS, Answer, Request, Want
from telephony.selfservice.models import CallerCode, CallerPin
from telephony.selfservice.prompts import Line

CODE_DIGITS, CODE_LIVES = 6, timedelta(minutes=10)
REFUSED = Answer(granted=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, in which call. `ente_id` is the line's; none where it serves many."""

    call_id: UUID
    contract_id: int
    ente_id: int | None
    number: str | None
    language: Language
    info_url: str  # where an ente's payment page is; its id follows


@dataclass(frozen=True, slots=True)
class Found:
    """Whose notice it is: a contact, those who are the same person, and the debts."""

    ente_id: int
    contact_id: int
    same: tuple[int, ...]
    positions: tuple[PositionView, ...]


@dataclass(frozen=True, slots=True)
class Consulted:
    """An answer, and about whom it is, where it was granted."""

    answer: Answer
    about: Found | None = None


def consult(session: Session, caller: Caller, request: Request, *, factor: str) -> Consulted:
    """Answer a request about a notice. `factor` is what has opened the conversation: nothing, or a member of `Want`."""
    found = _find(session, caller, request.notice)
    if request.want in FACTORS | {Want.SEND_CODE, Want.PAPER}:
        about = guesses.about(
            session, contract_id=caller.contract_id, caller=caller.number, kind="self-service notice",
            what=request.notice,
        )  # fmt: skip
        if guesses.stopped(session, about, ente_id=found.ente_id if found else None):
            return Consulted(REFUSED)
        if request.want is Want.SEND_CODE:
            if found is not None:
                _send_code(session, caller, found, about.what)
            return Consulted(REFUSED)  # nobody is told
        if found is None or not _proved(session, caller, found, request):
            guesses.failed(session, about, ente_id=found.ente_id if found else caller.ente_id)
            if found is not None:
                _note(session, caller, found, "self_service.refused", {"factor": request.want.value})
            return Consulted(REFUSED)
    if found is None:
        return Consulted(REFUSED)
    says = _says(session, caller, found, request)
    told_by = request.want.value if request.want in FACTORS else factor
    _note(session, caller, found, "self_service.told", {"told": request.want.value, "factor": told_by})
    return Consulted(Answer(granted=True, says=says), found)


# -- whose, and whether ------------------------------------------------------------------------------------------


def _find(session: Session, caller: Caller, notice: str) -> Found | None:
    """The debts of a notice, when they are one person's and his ente offers self-service. Merged contacts are one."""
    found = [one for one in positions.by_notice(session, notice) if caller.ente_id in {None, one.ente_id}]
    if not found or len({one.ente_id for one in found}) != 1:
        return None
    ente_id, owners = found[0].ente_id, sorted({one.contact_id for one in found})
    standing = merging.standing(session, owners)
    if len({standing.get(one, one) for one in owners}) != 1:
        return None
    setting = queries.setting(session, ente_id)
    if not setting.is_on:
        return None
    everywhere = contacts.same_person(session, owners[0])
    same = tuple(one.id for one in contacts.of_ente(everywhere, ente_id))
    return Found(ente_id, owners[0], same, tuple(found))


def _proved(session: Session, caller: Caller, found: Found, request: Request) -> bool:
    """Whether the factor is right; for what is printed none is wanted."""
    setting = queries.setting(session, found.ente_id)
    match request.want:
        case Want.PIN:
            return setting.pins and _pin_is_right(session, found, request.keyed)
        case Want.CODE:
            return setting.codes and _code_is_right(session, caller, found, request.keyed)
        case _:
            return True


def _pin_is_right(session: Session, found: Found, keyed: str) -> bool:
    rows = session.execute(
        select(CallerPin.contact_id, CallerPin.mark).where(
            CallerPin.ente_id == found.ente_id, CallerPin.contact_id.in_(found.same)
        )
    ).all()
    right = [hmac.compare_digest(mark, pin_mark(session, found.ente_id, contact, keyed)) for contact, mark in rows]
    return any(right)


def _code_is_right(session: Session, caller: Caller, found: Found, keyed: str) -> bool:
    """Used, it is spent: the same code opens nothing again."""
    mark = _code_mark(session, caller, found, keyed)
    spent = session.execute(
        update(CallerCode)
        .where(
            CallerCode.ente_id == found.ente_id, CallerCode.call_id == caller.call_id, CallerCode.mark == mark,
            CallerCode.used_at.is_(None), CallerCode.expires_at > clock.now(session),
        )
        .values(used_at=clock.now(session))
        .returning(CallerCode.id)
    )  # fmt: skip
    return spent.first() is not None


def pin_mark(session: Session, ente_id: int, contact_id: int, pin: str) -> bytes:
    """What is kept of a PIN: bound to its taxpayer, and of no use without the installation's key."""
    return secrecy.of(session).mark("self-service pin", f"{ente_id}:{contact_id}:{pin}".encode())


def _code_mark(session: Session, caller: Caller, found: Found, code: str) -> bytes:
    said = f"{caller.call_id}:{found.ente_id}:{min(found.same)}:{code}"
    return secrecy.of(session).mark("self-service code", said.encode())


def _forget(session: Session, column: InstrumentedAttribute[datetime], until: datetime) -> None:
    """What is too old to count goes, as far as this transaction sees it."""
    session.execute(delete(column.class_).where(column <= until))


# -- what is said and sent -----------------------------------------------------------------------------------------


def _says(session: Session, caller: Caller, found: Found, request: Request) -> tuple[str, ...]:
    language, today = caller.language, clock.business_day(clock.now(session))
    match request.want:
        case Want.PAPER:
            return telling.printed(found.positions, request.notice, language)
        case Want.WAYS:
            return telling.ways(request.notice, details.payment_ways(session, found.ente_id), language)
        case Want.LINK:
            return (prompts.line(_send_link(session, caller, found), language),)
        case Want.DUE:
            said = telling.due(found.positions, today, language)
        case Want.INSTALMENTS:
            said = telling.instalments(found.positions, today, language)
        case Want.NOTIFICATION:
            said = telling.notification(found.positions, language)
        case _:
            return ()
    promised = files.promises(session, [found.ente_id])[found.ente_id]
    oldest = clock.now(session) - promised
    return (*said, telling.fresh(found.positions, stale=lambda one: one.as_of < oldest, language=language))


def _send_code(session: Session, caller: Caller, found: Found, notice_mark: bytes) -> None:
    """Send a code to a number that somebody verified as his; nothing happens where there is none, or it was sent."""
    if not queries.setting(session, found.ente_id).codes:
        return
    at = clock.now(session)
    _forget(session, CallerCode.sent_at, at - limits.LONGEST)
    sent = session.scalars(select(CallerCode.sent_at).where(CallerCode.notice_mark == notice_mark))
    if limits.reached(sent, limits.CODES, at) or _has_code(session, caller, found, at):
        return
    address = _verified_mobile(session, found)
    if address is None:
        return
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    row = CallerCode(
        ente_id=found.ente_id, contact_id=found.contact_id, call_id=caller.call_id, notice_mark=notice_mark,
        mark=_code_mark(session, caller, found, code), sent_at=at, expires_at=at + CODE_LIVES, used_at=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    minutes = str(int(CODE_LIVES.total_seconds() // 60))
    order = Order(
        found.ente_id, MessageTemplate.ONE_TIME_CODE.value, {"code": code, "minutes": minutes},
        contact_id=found.contact_id, channel=MessageChannel.SMS, address=address, language=caller.language.value,
    )  # fmt: skip
    messages.owe(session, None, order, cause=f"self-service:code:{row.id}", call_id=caller.call_id)


def _has_code(session: Session, caller: Caller, found: Found, at: datetime) -> bool:
    """Whether a code of this call is still good: asked for twice it is sent once."""
    good = select(CallerCode.id).where(
        CallerCode.call_id == caller.call_id, CallerCode.contact_id.in_(found.same), CallerCode.used_at.is_(None),
        CallerCode.expires_at > at,
    )  # fmt: skip
    return session.execute(good.limit(1)).first() is not None


def _verified_mobile(session: Session, found: Found) -> str | None:
    reaches = [reach for one in found.same for reach in contacts.get(session, one).reaches]
    good = (one for one in fit(reaches) if one.channel is MessageChannel.SMS and one.verified)
    return next((one.value for one in good), None)


def _send_link(session: Session, caller: Caller, found: Found) -> Line:
    """The ente's payment page by SMS, to the taxpayer's own mobile; nothing in it says that he owes anything."""
    order = Order(
        found.ente_id, MessageTemplate.HOW_TO_PAY.value, {"link": f"{caller.info_url}/{found.ente_id}"},
        contact_id=found.contact_id, channel=MessageChannel.SMS, language=caller.language.value,
    )  # fmt: skip
    if not isinstance(messages.prepare(session, order).decision, Go):
        return Line.NO_MOBILE
    messages.owe(session, None, order, cause=f"self-service:link:{caller.call_id}", call_id=caller.call_id)
    return Line.LINK_SENT


def _note(session: Session, caller: Caller, found: Found, kind: str, after: dict[str, str]) -> None:
    audit.note(
        session, None, kind=kind, ente_id=found.ente_id, contact_id=found.contact_id, call_id=caller.call_id,
        after=after,
    )  # fmt: skip
