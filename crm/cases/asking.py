"""Cases that nobody registers by hand: what is asked for in a call of a campaign, at a door or in an interview, in its
transaction; and follow-ups that were promises of a case.
"""

from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.cases import citizens, having, running, told
from crm.cases.lifecycle import Channel, Deed, Standing, State, after
from crm.cases.models import Case
from crm.cases.requests import ABOUT_DEBTS, ONE_EACH, TOPICS, Wanted, topic_of
from crm.cases.saying import EARLIEST, MAX_WORDS, Request
from crm.cases.service import locked, registered
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.enti import queries as enti
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUp, FollowUpKind, FollowUpState
from crm.positions import queries as positions
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind

AT_ONCE = 200
TAKEN_BACK = "Chi l'aveva registrata ha tolto l'esito da cui veniva."


@dataclass(frozen=True, slots=True)
class Heard:
    """What somebody asks for, where, and in whose words."""

    contact_id: int
    ente_id: int
    wanted: Wanted
    channel: Channel
    note: str
    call_id: UUID | None = None


def ask(session: Session, by: Principal | None, heard: Heard) -> int | None:
    """Register it, about all that he owes where it is about that, as whoever heard it may write it down (none: the
    system); the case's id.

    Where a case of this topic is open it is asked for again, and there is no second one: none. Raises `ConflictError`
    for an ente that nobody serves any more.
    """
    topic = TOPICS[heard.wanted]
    same = [Case.contact_id == heard.contact_id, Case.topic == topic, Case.state != State.CLOSED]
    if heard.wanted in ONE_EACH:
        same.append(Case.reasons == heard.note.strip())
    row = session.scalars(select(Case).where(*same).order_by(Case.id).limit(1).with_for_update()).one_or_none()
    if row is not None and heard.wanted in ONE_EACH:  # pressed twice
        return None
    if row is not None:
        row.version += 1
        told.step(session, by, row, Deed.REPEAT, clock.now(session), words=heard.note[:MAX_WORDS])
        return None
    his = [heard.contact_id] if heard.wanted in ABOUT_DEBTS else []
    debts = positions.of_contact(session, his, brief=True)
    owed = [one.reference for one in debts if one.residual_cents]
    request = Request(topic, heard.channel, heard.note, references=owed, call_id=heard.call_id)
    return registered(session, by, request=request, contact_id=heard.contact_id, ente_id=heard.ente_id).id


def take_back(session: Session, by: Principal, *, case_id: int) -> None:
    """What was heard was heard wrongly: a case with which nobody has begun is over, and he is not told of it if he was
    not yet. What somebody has gone on with stays.
    """
    row = session.get(Case, case_id, with_for_update=True, populate_existing=True)
    if row is None or row.state is not State.RECEIVED or row.version != 1:
        return
    at = clock.now(session)
    citizens.not_opened(session, row)
    standing = after(row.topic, Standing(row.state, row.outcome), Deed.WITHDRAW)
    row.state, row.outcome, row.closed_at = standing.state, standing.outcome, at
    running.done(session, row, Deed.WITHDRAW, at)
    row.version += 1
    told.step(session, by, row, Deed.WITHDRAW, at, words=TAKEN_BACK, outcome=row.outcome)


def adopt_all(database: Database) -> int:
    """Open follow-ups of every ente that promise a case become one; how many did."""
    with database.begin(Scope.nothing()) as session:
        served = sorted(enti.served(session))
    return total_of_each(
        served, lambda one: database.transact(Scope.of_enti([one]), partial(adopt, ente_id=one))
    )  # fmt: skip


def adopt(session: Session, *, ente_id: int) -> int:
    """The same of one ente. The follow-up is done by it, with its words, its day and whose it was; those that ask for
    nothing stay what they are. He is not told again of what he said perhaps long ago.
    """
    rows = session.scalars(
        select(FollowUp)
        .where(
            FollowUp.ente_id == ente_id, FollowUp.kind == FollowUpKind.CASE, FollowUp.state == FollowUpState.OPEN
        )
        .order_by(FollowUp.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    ).all()  # fmt: skip
    return sum(_adopted(session, one) for one in rows)


def _adopted(session: Session, promise: FollowUp) -> bool:
    topic = topic_of(promise.note)
    if topic is None:
        return False
    at = clock.now(session)
    request = Request(
        topic, Channel.PHONE, promise.note or "Da chiarire con chi ha chiesto", call_id=promise.call_id,
        received_at=max(promise.made_at, at - EARLIEST),
    )  # fmt: skip
    row = registered(
        session, None, request=request, contact_id=promise.contact_id, ente_id=promise.ente_id, quietly=True
    )  # fmt: skip
    row.opened_by = promise.made_by
    able = access.able_on(session, Permission.CASE_WORK, ente_id=promise.ente_id)
    if promise.owner_id in able:
        row = locked(session, row.id)
        having.give(session, row, promise.owner_id)
        told.step(session, None, row, Deed.ASSIGN, at, words=able[promise.owner_id])
    follow_ups.became_a_case(session, promise)
    timeline.withdraw(
        session, ente_id=promise.ente_id, contact_id=promise.contact_id, kind=EntryKind.FOLLOW_UP,
        source=uuid5(follow_ups.ON_TIMELINE, str(promise.id)),
    )  # fmt: skip
    return True
