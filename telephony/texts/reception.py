"""Receiving what a citizen writes: from the carrier's word to the queue, and what is answered at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from crm.contacts import queries as contacts
from crm.contacts.phone import takes_sms
from crm.core import clock, topics
from crm.core.db import new_id, touch
from crm.enti import queries as enti
from crm.enti.calendar import Opening, is_metered, opening
from crm.messages import service as messages
from crm.messages.models import MessageChannel
from telephony.calls.models import ProposedBy
from telephony.floor.current import floor
from telephony.lines.queries import LineView
from telephony.queues import queries as queues
from telephony.queues.acquainted import who_knows
from telephony.queues.routing import ITALIAN
from telephony.texts import prompts, service, settings
from telephony.texts.lifecycle import Ended, LiveThread, Wrote
from telephony.texts.models import Closed, ThreadState
from telephony.texts.prompts import Auto
from telephony.texts.settings import Wanted

log = structlog.get_logger(__name__)
LONGEST = 1600
REFUSED_FOR = timedelta(hours=1)  # for so long whoever was not taken is told so once


@dataclass(frozen=True, slots=True)
class Received:
    """An SMS as the carrier tells it: its parts are one already. `media`: how many pictures and the like it had."""

    sid: str
    citizen: str  # E.164
    body: str
    media: int = 0


def readable(body: str) -> str:
    """What can be kept and shown of what somebody wrote: no control characters; any space is one, so that words stay
    apart.
    """
    spaced = ("\n" if one == "\n" else " " if one.isspace() else one for one in body.replace("\r\n", "\n"))
    return "".join(one for one in spaced if one.isprintable() or one == "\n").strip()


def opt(session: Session, *, contract_id: int, citizen: str, stops: bool) -> None:
    """He wrote the opt-out word, or the one that takes it back. It counts for every ente of the line's contract: he
    cannot know which of them a shared number stands for. Written again it is no error.
    """
    change = messages.stop if stops else messages.restart
    for ente_id in sorted(enti.enti_of(session, contract_id)):
        change(session, ente_id=ente_id, channel=MessageChannel.SMS, address=citizen)


def receive(session: Session, text: Received, line: LineView) -> bool:
    """A citizen wrote to one of our numbers. The scope must be the line's contract. Told twice, it is one.

    False: the contract reads no SMS, or whoever wrote cannot be answered.
    """
    wanted = settings.of_contract(session, line.contract_id)
    if wanted is None or not takes_sms(text.citizen):
        return False
    at = clock.now(session)
    live, is_new = _thread(session, text, line, wanted, at)
    with structlog.contextvars.bound_contextvars(thread=str(live.id)):
        if not _keep(session, live, text, at):
            return True
        hours = _hours(session, live)
        if not is_new and live.thread.closed is not Closed.FULL:
            live = _goes_on(session, live, text, hours, at)
        _answer(session, live, text, hours, at)
        touch(session, topics.board(live.contract_id))
        if live.thread.agent_id is not None:
            touch(session, topics.agent(live.thread.agent_id))
        log.info("text_received", contract=line.contract_id, state=live.thread.state.value)
    return True


def stopped(session: Session, text: Received, line: LineView) -> None:
    """He wrote the opt-out word: it stands in his thread, and nobody answers him who has not begun to."""
    thread_id = floor(session).last_thread(line=line.number, citizen=text.citizen)
    live = floor(session).lock_thread(thread_id) if thread_id is not None else None
    if live is None or live.thread.closed_at is not None or not _keep(session, live, text, clock.now(session)):
        return
    at = clock.now(session)
    if live.thread.agent_id is None:
        service.apply(session, live.id, Ended(at, Closed.STOPPED), key=f"stopped:{text.sid}")
    else:
        service.apply(session, live.id, Wrote(at), key=f"wrote:{text.sid}")
        touch(session, topics.agent(live.thread.agent_id))


def _thread(
    session: Session, text: Received, line: LineView, wanted: Wanted, at: datetime
) -> tuple[LiveThread, bool]:  # fmt: skip
    """The thread to which this belongs, locked, and whether it is new; one that goes on comes first."""
    last = _last(session, text, line)
    full = wanted.most_waiting is not None and floor(session).threads_waiting(line.contract_id) >= wanted.most_waiting
    if last is not None and (service.goes_on(last, at) or (full and _just_refused(last, at))):
        return last, False
    known = [one for one in floor(session).reached_at(text.citizen) if line.ente_id in {None, one.ente_id}]
    only = known[0] if len(known) == 1 else None
    ente_id = line.ente_id or (only.ente_id if only else None)
    queue = queues.queue(session, line.queue_id or wanted.queue_id)
    if queue.closed_at is not None:
        queue = queues.queue(session, wanted.queue_id)
    table = enti.timetable(session, line.contract_id, ente_id)
    hours = opening(table, at)
    opens_at = None if hours.is_open else hours.opens_at
    knows = last.thread.knows if last else None
    if knows is None and only is not None:
        knows = who_knows(session, only.contact_id, at)
    thread_id = new_id(session)
    added = service.begin(
        session, thread_id, contract_id=line.contract_id, ente_id=ente_id, line=line.number, citizen=text.citizen,
        queue_id=queue.id, domain=queue.domain, priority=queue.priority, metered=is_metered(table, at), begun_at=at,
        language=contacts.get(session, only.contact_id).language if only else ITALIAN,
        state=ThreadState.CLOSED if full else ThreadState.WAITING, entered_at=at, not_before=opens_at,
        waiting_since=None if full else opens_at or at, wrote_at=at, knows=knows, closed_at=at if full else None,
        closed=Closed.FULL if full else None, contact_id=only.contact_id if only else None,
        proposed_by=ProposedBy.CALLER_NUMBER if only else None,
    )  # fmt: skip
    live = floor(session).lock_thread(thread_id) if added else _last(session, text, line)
    assert live is not None
    return live, added


def _just_refused(last: LiveThread, at: datetime) -> bool:
    closed_at = last.thread.closed_at
    return last.thread.closed is Closed.FULL and closed_at is not None and at - closed_at < REFUSED_FOR


def _last(session: Session, text: Received, line: LineView) -> LiveThread | None:
    thread_id = floor(session).last_thread(line=line.number, citizen=text.citizen)
    return None if thread_id is None else floor(session).lock_thread(thread_id)


def _keep(session: Session, live: LiveThread, text: Received, at: datetime) -> bool:
    """Keep what was written; false when it is there already."""
    return floor(session).keep_text(live, sid=text.sid, body=text.body[:LONGEST], media=text.media, at=at)


def _goes_on(session: Session, live: LiveThread, text: Received, hours: Opening, at: datetime) -> LiveThread:
    agent_id = live.thread.agent_id
    back = agent_id is not None and agent_id in floor(session).in_service([agent_id], at)
    event = Wrote(at, None if hours.is_open else hours.opens_at, back)
    after = service.apply(session, live.id, event, key=f"wrote:{text.sid}")
    assert after is not None
    return after


def _answer(session: Session, live: LiveThread, text: Received, hours: Opening, at: datetime) -> None:
    """What is answered by itself: each thing once while the thread waits for the same; so no two machines talk."""
    now = live.thread
    said: Auto | None = None
    if now.closed is Closed.FULL:
        said = Auto.FULL
    elif now.state is ThreadState.WAITING and not hours.is_open:
        said = Auto.CLOSED
    elif now.state is ThreadState.WAITING:
        said = Auto.RECEIVED if floor(session).somebody_there(live.thread.domain, live.contract_id, at) else Auto.NOBODY
    name = enti.badges(session)[live.ente_id].name if live.ente_id else enti.contract_name(session, live.contract_id)
    stretch = now.entered_at.isoformat()
    for one in (Auto.MEDIA if text.media else None, said):
        if one is not None:
            cause = f"{live.thread.reopened if one is Auto.MEDIA else stretch}:{one.value}"
            words = prompts.words(one, live.language, ente=name, opens_at=hours.opens_at)
            floor(session).say(live, words, cause=cause)


def _hours(session: Session, live: LiveThread) -> Opening:
    return opening(enti.timetable(session, live.contract_id, live.ente_id), clock.now(session))
