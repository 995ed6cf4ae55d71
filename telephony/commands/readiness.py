"""Reading commands for whoever carries them out, and taking a turn for those that place a call."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import replace_signals
from telephony.commands.events import CommandWritten, Ready
from telephony.commands.jobs import CREATES, Job
from telephony.commands.service import WRITER_LEASE
from telephony.floor.current import floor
from telephony.lines import queries as lines
from telephony.standing import pace
from telephony.standing.pace import Pace


def load(session: Session, command_id: int) -> Job | None:
    """An unsettled command with all that is needed to carry it out."""
    job = floor(session).load(command_id, clock.now(session))
    if job is None or job.kind not in CREATES:
        return job
    return replace(job, caller_id=lines.caller_id_of(session, job.contract_id, job.ente_id, job.line))


def make_ready(session: Session, command_id: int, paced: Pace) -> Ready | None:
    """Load a command; if it places a call, take its turn, and keep it leased for as long as it must wait."""
    job = load(session, command_id)
    if job is None:
        return None
    wait = pace.reserve(session, paced) if job.places_a_call else pace.NOTHING
    if wait:
        keep(session, job, wait)
    return Ready(job, wait)


def make_all_ready(session: Session, paced: Pace) -> None:
    """Make ready, in the transaction that wrote them, the commands that it leaves: they depart right after its commit.

    The turn's row is locked until then, so this comes last in its transaction.
    """

    def made(one: CommandWritten) -> CommandWritten:
        return replace(one, ready=make_ready(session, one.command_id, paced))

    replace_signals(session, CommandWritten, made)


def keep(session: Session, job: Job, wait: timedelta) -> None:
    """It stays with this process for that much longer, and its agent has that much longer to answer."""
    assert job.leg_id is not None
    floor(session).put_off(job.id, job.leg_id, by=wait, lease_until=clock.now(session) + wait + WRITER_LEASE)
