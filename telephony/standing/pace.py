"""How many calls a second leave, whatever number of processes place them.

A carrier allows an account so many new calls a second (Twilio: one, unless agreed otherwise; what exceeds it waits in
a queue of its own, where it can be neither seen nor taken back). A token bucket of one second's calls, as one instant
in the database: when it will be full again (the generic cell rate algorithm, ITU-T I.371).
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import table_of
from telephony.standing.models import CarrierStanding

NOTHING = timedelta()
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(seconds=8)

_STANDING = table_of(CarrierStanding)
_THIS = _STANDING.c.account == bindparam("account_")
_LOCK = select(_STANDING.c.next_call_at).where(_THIS).with_for_update()
_ADD = insert(_STANDING).on_conflict_do_nothing()
_WRITE = update(_STANDING).where(_THIS)


@dataclass(frozen=True, slots=True)
class Pace:
    """An account, and how many calls a second it may place; without a number, as many as there are."""

    account: str = "none"
    per_second: float | None = None


UNPACED = Pace()


def take(full_at: datetime | None, now: datetime, per_second: float) -> tuple[timedelta, datetime]:
    """Take a token, waiting for it if need be: how long to wait, and when the bucket is full after that.

    In any stretch of `s` seconds at most `s * per_second` calls leave, and a bucket of one second's calls (of one at
    least) beside them.
    """
    token = timedelta(seconds=1 / per_second)
    bucket = max(token, timedelta(seconds=1))
    full = max(full_at or now, now) + token
    return max(full - bucket - now, NOTHING), full


def back_off(attempt: int, dice: random.Random) -> timedelta:
    """How long to wait before trying again for the `attempt`-th time (from 1): doubled each time, and never the same
    for two who failed together.
    """
    doubled: timedelta = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
    return doubled * dice.uniform(0.5, 1)


def reserve(session: Session, pace: Pace) -> timedelta:
    """Take a token for one call: how long it has to wait before it may leave."""
    if pace.per_second is None:
        return NOTHING
    wait, full_at = take(_locked(session, pace), clock.now(session), pace.per_second)
    session.execute(_WRITE, {"account_": pace.account, "next_call_at": full_at})
    return wait


def allowance(session: Session, pace: Pace, most: int) -> int:
    """Take as many tokens as there are now, at most so many: how many may leave at once."""
    if pace.per_second is None:
        return most
    now, token = clock.now(session), timedelta(seconds=1 / pace.per_second)
    full_at = max(_locked(session, pace) or now, now)
    bucket = max(token, timedelta(seconds=1))
    some = min(most, max(0, (now + bucket - full_at) // token))
    session.execute(_WRITE, {"account_": pace.account, "next_call_at": full_at + some * token})
    return some


def hold(session: Session, pace: Pace, wait: timedelta) -> None:
    """The carrier asked us to wait: no call of any process leaves before that."""
    if pace.per_second is None:
        return
    held = clock.now(session) + wait + max(timedelta(seconds=1 / pace.per_second), timedelta(seconds=1))
    full_at = _locked(session, pace)
    session.execute(_WRITE, {"account_": pace.account, "next_call_at": max(full_at or held, held)})


def _locked(session: Session, pace: Pace) -> datetime | None:
    found = session.execute(_LOCK, {"account_": pace.account}).one_or_none()
    if found is None:
        session.execute(_ADD, {"account": pace.account, "next_call_at": None, "failing_since": None})
        found = session.execute(_LOCK, {"account_": pace.account}).one()
    full_at: datetime | None = found.next_call_at
    return full_at
