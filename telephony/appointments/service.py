"""Answering whoever books by himself: what is free, the hold, the booking, and what he has already.

He is whoever calls from his number: on the file of the one contact whose verified number it is, else nobody but the
number. What he is told names nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from crm.agendas import booking, codes, finding, holding, people, queries, sites
from crm.agendas.codes import Use
from crm.agendas.errors import HoldGoneError, SlotGoneError, TooManyError
from crm.agendas.rules import Channel
from crm.contacts.phone import typed_number
from crm.core import clock
from crm.core.errors import ConflictError, NotFoundError
from telephony.appointments.offers import EnteOffered
from telephony.appointments.prompts import where
from telephony.appointments.state import (
    AT_ONCE,
    NOW,
    Answer,
    Booked,
    Cancelled,
    Found,
    Held,
    Line,
    Refused,
    Request,
    Stage,
    State,
    Times,
    Want,
)  # fmt: skip
from telephony.ivr.languages import Language
from telephony.selfservice import guesses

SOON = timedelta(days=13)  # looked through first: most who call find a time within them


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: in which call of which contract, from which number (E.164; none is withheld), and where he manages
    what he books.
    """

    call_id: UUID
    contract_id: int
    number: str | None
    language: Language
    public_url: str


def arrange(session: Session, caller: Caller, request: Request, offered: Sequence[EnteOffered]) -> Answer:
    """Do what a caller asks for. Whatever stands against it is an answer, too."""
    state = request.state
    match request.want:
        case Want.FIND:
            return _find(session, caller, state, offered)
        case Want.CANCEL:
            return _cancel(session, caller, state)
        case _:
            pass
    try:
        if request.want is Want.TIMES:
            let_go(session, state)
            return times(session, state)
        return _hold(session, caller, state) if request.want is Want.HOLD else _book(session, caller, state)
    except NotFoundError:  # no longer offered
        return Refused(Line.NOT_OFFERED)
    except SlotGoneError as gone:
        near = sorted(one.starts_at for one in gone.alternatives if one.office_id == state.office)
        starts = tuple(near[:AT_ONCE])
        return Times(starts, gone=True) if starts else replace(times(session, replace(state, since=NOW)), gone=True)
    except HoldGoneError:
        return replace(times(session, replace(state, since=NOW)), gone=True)


def let_go(session: Session, state: State) -> None:
    """The time that he holds, if he does, is free again; what is booked stays."""
    if state.held:
        holding.release(session, ente_id=state.ente, token=_token(session, state))


def times(session: Session, state: State) -> Times:
    """The next free times of what he has chosen. Raises `NotFoundError`."""
    now = clock.now(session)
    since = now if state.since == NOW else max(now, datetime.fromisoformat(state.since))
    first = clock.business_day(since)
    horizon = queries.service(session, state.ente, state.service).limits.horizon_days
    farthest = clock.business_day(now) + timedelta(days=horizon)
    found: list[datetime] = []
    for begins, ends in ((first, first + SOON), (first + SOON + timedelta(days=1), farthest)):
        free = finding.free_times(
            session, ente_id=state.ente, service_id=state.service, channel=Channel.PHONE, first=begins, last=ends,
            office_id=state.office,
        )  # fmt: skip
        found += [one.starts_at for one in free if one.starts_at >= since]
        if len(found) >= AT_ONCE:
            break
    return Times(tuple(found[:AT_ONCE]))


def _hold(session: Session, caller: Caller, state: State) -> Held:
    held = holding.hold(
        session, None, ente_id=state.ente, service_id=state.service, office_id=state.office,
        starts_at=datetime.fromisoformat(state.starts_at), channel=Channel.PHONE, holder=str(caller.call_id),
    )  # fmt: skip
    return Held(str(held.appointment_id), held.starts_at)


def _book(session: Session, caller: Caller, state: State) -> Booked | Refused:
    if caller.number is None:
        return Refused(Line.NO_NUMBER)
    who = replace(people.who_calls(session, state.ente, caller.number), language=caller.language.value)
    manage_at = sites.manage_at(session, state.ente, caller.public_url)
    try:
        done = booking.book(
            session, None, ente_id=state.ente, hold=_token(session, state), person=who, manage_at=manage_at
        )
    except TooManyError:
        return Refused(Line.TOO_MANY)
    return Booked(done.code, done.starts_at)


def _find(session: Session, caller: Caller, state: State, offered: Sequence[EnteOffered]) -> Found | Refused:
    """An appointment of an ente that this line serves, by its code and the number that was left for it.

    Too many codes that are none of that number's, or of this caller's, and no more are looked at: he hears the same.
    """
    keyed = state.stage is Stage.NUMBER
    number = typed_number(state.number) if keyed else caller.number
    if number is None:
        return Refused(Line.UNKNOWN)
    ente_id = offered[0].id if len(offered) == 1 else None
    guess = guesses.about(
        session, contract_id=caller.contract_id, caller=caller.number, kind="appointment number", what=number
    )
    if guesses.stopped(session, guess, ente_id=ente_id):
        return Refused(Line.UNKNOWN)
    his = queries.of_phone(session, [one.id for one in offered], number)
    one = next((one for one in his if codes.on_keys(one.code) == state.code), None)
    if one is None:
        if his or keyed:  # who calls from another telephone than the one he left has guessed nothing yet
            guesses.failed(session, guess, ente_id=ente_id)
        return Refused(Line.UNKNOWN)
    what = queries.service(session, one.ente_id, one.service_id).called(caller.language)
    return Found(str(one.id), one.ente_id, one.starts_at, what, where(queries.office(session, one.office_id)))


def _cancel(session: Session, caller: Caller, state: State) -> Cancelled | Refused:
    try:
        booking.cancel(
            session, None, ente_id=state.ente, appointment_id=UUID(state.found), channel=Channel.PHONE,
            manage_at=sites.manage_at(session, state.ente, caller.public_url),
        )  # fmt: skip
    except NotFoundError:
        return Refused(Line.UNKNOWN)
    except ConflictError:
        return Refused(Line.TOO_LATE)
    return Cancelled()


def _token(session: Session, state: State) -> str:
    return codes.token(session, Use.HOLD, state.ente, UUID(state.held))
