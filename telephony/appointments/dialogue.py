"""The conversation in which a caller books an appointment, or hears and cancels one that he has. Pure.

It asks for nothing that cannot be keyed: who calls is told by his number. What is free, held or booked is for
`service`: it answers a `Request`, then `answered`. Whatever he chooses from has a number that he keys, or says; the
star goes back. Its state is kept with the caller's place in his flow, so that a turn delivered twice is recognised
there; a time that he chose is his own until he says yes, goes on to something else, or hangs up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from crm.core.clock import business_day, start_of_day
from telephony.appointments.offers import EnteOffered, OfficeOffered, ServiceOffered
from telephony.appointments.state import (
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

YES, NO, BACK, REST = "1", "2", "*", "9"
BOOKS, MANAGES = "1", "2"
LATER, OTHER_DAY = "4", "5"
ON_A_PAGE = 8  # enti, services or offices that are read together, where there are more than there are keys
CODE_LENGTH = 8
DAY = timedelta(days=1)


# -- what a turn leads to ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class On:
    """He stands here now, and hears these before what is asked there."""

    state: State
    says: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """It counts as an attempt; he is asked again, where he stands or at `state`."""

    why: Line
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Asks:
    """Somebody has to answer first; then `answered`."""

    request: Request


class Leaves(StrEnum):
    """He leaves the conversation."""

    DONE = "done"  # for something else
    NOTHING = "nothing"  # nothing is free
    CANNOT = "cannot"  # it is not for him
    ENDS = "ends"  # he has what he wanted, and says nothing more


@dataclass(frozen=True, slots=True)
class Left:
    """How, and what he hears of it."""

    how: Leaves
    says: tuple[Line, ...] = ()


Outcome = On | Failed | Asks | Left


# -- the conversation -------------------------------------------------------------------------------------------


def heard(state: State, keys: str, offered: Sequence[EnteOffered], *, has_number: bool) -> Outcome:
    """The caller keyed something; nothing is silence. `has_number`: he calls from a number that is shown."""
    match state.stage:
        case _ if not keys:
            has_all = state.stage in {Stage.BOOKED, Stage.FOUND}
            return Left(Leaves.ENDS) if has_all else Failed(Line.NOTHING_HEARD)
        case Stage.BEGIN:
            return _begun(keys, offered, has_number=has_number)
        case Stage.ENTE | Stage.SERVICE | Stage.OFFICE:
            return _chosen(state, keys, offered)
        case Stage.TIMES:
            return _at_times(state, keys, offered)
        case Stage.CONFIRM:
            return _at_confirm(state, keys)
        case Stage.CODE | Stage.NUMBER:
            return _keyed_in(state, keys)
        case Stage.BOOKED | Stage.FOUND | Stage.CANCEL:
            return _of_his(state, keys)
        case _:
            assert_never(state.stage)


def answered(state: State, request: Request, answer: Answer, offered: Sequence[EnteOffered]) -> Outcome:
    """What came of a request; `state` is where he stood as it was made."""
    asked = request.state
    match answer:
        case Times():
            return _read_out(state, asked, answer, offered)
        case Held():
            starts_at = answer.starts_at.isoformat()
            return On(replace(asked, stage=Stage.CONFIRM, held=answer.id, starts_at=starts_at))
        case Booked():
            at = answer.starts_at.isoformat()
            return On(replace(asked, stage=Stage.BOOKED, held="", starts_at=at, code=answer.code))
        case Found():
            told = f"{answer.what}, {answer.where}"
            return On(
                State(
                    Stage.FOUND, ente=answer.ente_id, starts_at=answer.starts_at.isoformat(), found=answer.id, told=told
                )
            )
        case Cancelled():
            return On(State(), (Line.CANCELLED,))
        case Refused(Line.UNKNOWN) if asked.stage is Stage.CODE:
            return On(replace(asked, stage=Stage.NUMBER))  # he may have left another number than the one he calls from
        case Refused(Line.UNKNOWN):
            return Failed(Line.UNKNOWN, State(Stage.CODE))
        case Refused():
            return On(State(), (answer.why,))
        case _:
            assert_never(answer)


def on_page(
    state: State, offered: Sequence[EnteOffered]
) -> tuple[Sequence[EnteOffered | ServiceOffered | OfficeOffered], bool]:
    """What he chooses from where he stands, by keys from 1 on; and whether `REST` reads him others."""
    every = _choices(state, offered)
    if len(every) <= int(REST):
        return every, False
    pages = -(-len(every) // ON_A_PAGE)
    first = state.page % pages * ON_A_PAGE
    return every[first : first + ON_A_PAGE], True


def ente_of(state: State, offered: Sequence[EnteOffered]) -> EnteOffered | None:
    """The ente he has chosen, while it is offered."""
    return next((one for one in offered if one.id == state.ente), None)


def service_of(state: State, offered: Sequence[EnteOffered]) -> ServiceOffered | None:
    """The service he has chosen, while it is offered."""
    ente = ente_of(state, offered)
    return next((one for one in ente.services if one.id == state.service), None) if ente else None


def office_of(state: State, offered: Sequence[EnteOffered]) -> OfficeOffered | None:
    """The office he has chosen, while it is offered."""
    service = service_of(state, offered)
    return next((one for one in service.offices if one.id == state.office), None) if service else None


# -- parts ------------------------------------------------------------------------------------------------------


def _begun(keys: str, offered: Sequence[EnteOffered], *, has_number: bool) -> Outcome:
    if keys == BACK:
        return Left(Leaves.DONE)
    if keys == MANAGES:
        return On(State(Stage.CODE))
    if keys != BOOKS:
        return Failed(Line.NOT_A_CHOICE)
    return _down(State(Stage.ENTE), offered) if has_number else Left(Leaves.CANNOT, (Line.NO_NUMBER,))


def _choices(state: State, offered: Sequence[EnteOffered]) -> Sequence[EnteOffered | ServiceOffered | OfficeOffered]:
    if state.stage is Stage.ENTE:
        return offered
    if state.stage is Stage.SERVICE:
        ente = ente_of(state, offered)
        return ente.services if ente else ()
    service = service_of(state, offered)
    return service.offices if service else ()


def _chosen(state: State, keys: str, offered: Sequence[EnteOffered]) -> Outcome:
    """An ente, a service or an office."""
    page, more = on_page(state, offered)
    if not page:
        return On(State(), (Line.NOT_OFFERED,))
    if keys == BACK:
        return _up(state, offered)
    if keys == REST and more:
        return On(replace(state, page=state.page + 1))
    if not (len(keys) == 1 and keys.isascii() and keys.isdigit() and 1 <= int(keys) <= len(page)):
        return Failed(Line.NOT_A_CHOICE)
    return _with(state, page[int(keys) - 1].id, offered)


def _with(state: State, chosen: int, offered: Sequence[EnteOffered]) -> Outcome:
    """He has chosen one; what is asked next."""
    match state.stage:
        case Stage.ENTE:
            return _down(replace(state, stage=Stage.SERVICE, page=0, ente=chosen), offered)
        case Stage.SERVICE:
            return _down(replace(state, stage=Stage.OFFICE, page=0, service=chosen), offered)
        case _:
            return Asks(Request(Want.TIMES, replace(state, office=chosen, since=NOW, trail=(), times=())))


def _down(state: State, offered: Sequence[EnteOffered]) -> Outcome:
    """To a choice; past it, where there is but one."""
    every = _choices(state, offered)
    if not every:
        return Left(Leaves.CANNOT, (Line.NOT_OFFERED,))
    return On(state) if len(every) > 1 else _with(state, every[0].id, offered)


def _up(state: State, offered: Sequence[EnteOffered]) -> Outcome:
    """Back to the last choice that was one."""
    before = {
        Stage.TIMES: Stage.OFFICE,
        Stage.OFFICE: Stage.SERVICE,
        Stage.SERVICE: Stage.ENTE,
        Stage.ENTE: Stage.BEGIN,
    }
    stage = before[state.stage]
    if stage is Stage.BEGIN:
        return On(State())
    there = State(
        stage, ente=0 if stage is Stage.ENTE else state.ente, service=state.service if stage is Stage.OFFICE else 0
    )
    return On(there) if len(_choices(there, offered)) > 1 else _up(there, offered)


def _at_times(state: State, keys: str, offered: Sequence[EnteOffered]) -> Outcome:
    read = [datetime.fromisoformat(one) for one in state.times]
    if keys in {"1", "2", "3"} and int(keys) <= len(read):
        return Asks(Request(Want.HOLD, replace(state, starts_at=state.times[int(keys) - 1])))
    if keys == BACK and state.trail:
        return Asks(Request(Want.TIMES, replace(state, since=state.trail[-1], trail=state.trail[:-1])))
    if keys == BACK:
        return _up(state, offered)
    if keys not in {LATER, OTHER_DAY}:
        return Failed(Line.NOT_A_CHOICE)
    later = read[-1] + timedelta(minutes=1) if keys == LATER else start_of_day(business_day(read[0]) + DAY)
    onward = replace(state, since=later.isoformat(), trail=(*state.trail, state.since))
    return Asks(Request(Want.TIMES, onward))


def _at_confirm(state: State, keys: str) -> Outcome:
    if keys == YES:
        return Asks(Request(Want.BOOK, state))
    if keys in {NO, BACK}:
        return Asks(Request(Want.TIMES, state))
    return Failed(Line.NOT_A_CHOICE)


def _read_out(state: State, asked: State, answer: Times, offered: Sequence[EnteOffered]) -> Outcome:
    """Times to choose from; without any, where he goes on."""
    if answer.starts:
        times = tuple(one.isoformat() for one in answer.starts)
        there = replace(asked, stage=Stage.TIMES, times=times, held="", starts_at="")
        return On(there, (Line.JUST_TAKEN,) if answer.gone else ())
    if state.stage is Stage.TIMES and asked.trail and not answer.gone:
        return On(state, (Line.NO_LATER,))
    up = _up(replace(asked, stage=Stage.TIMES), offered)
    if isinstance(up, On) and up.state.stage is Stage.OFFICE:
        return On(up.state, (Line.NOTHING_HERE,))
    return Left(Leaves.NOTHING, (Line.NOTHING_FREE,))


def _keyed_in(state: State, keys: str) -> Outcome:
    if keys == BACK:
        return On(State())
    if not (keys.isascii() and keys.isdigit()):
        return Failed(Line.NOT_A_CHOICE)
    if state.stage is Stage.CODE:
        if len(keys) != CODE_LENGTH:
            return Failed(Line.UNKNOWN)
        return Asks(Request(Want.FIND, replace(state, code=keys)))
    return Asks(Request(Want.FIND, replace(state, number=keys)))


def _of_his(state: State, keys: str) -> Outcome:
    """About the appointment that he has."""
    ways: dict[Stage, dict[str, Outcome]] = {
        Stage.BOOKED: {YES: On(state), BACK: Left(Leaves.DONE)},
        Stage.FOUND: {YES: On(replace(state, stage=Stage.CANCEL)), NO: On(state), BACK: On(State())},
        Stage.CANCEL: {YES: Asks(Request(Want.CANCEL, state)), NO: On(replace(state, stage=Stage.FOUND))},
    }
    return ways[state.stage].get(keys, Failed(Line.NOT_A_CHOICE))
