"""Giving an outcome of a conversation, and taking it back while the call is being written up."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, tuple_
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts import calling
from crm.core import clock, topics
from crm.core.db import Database, Scope, new_id, table_of, touch
from crm.core.each import total_of_each
from crm.core.errors import ConflictError, FieldError, InvalidError
from crm.enti import queries as enti
from outbound.campaigns import running, sequence
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Attempt, Campaign, CampaignContact, ContactState
from outbound.compliance import facts
from outbound.compliance.rules import Reason
from outbound.outcomes import deeds, moving, queries, telling
from outbound.outcomes.catalogue import CATALOGUE, Said, Whom, called_again
from outbound.outcomes.deeds import About, Heard
from outbound.outcomes.models import OutcomeGiven
from telephony.calls import service as calls
from telephony.calls.models import Call, Phase

NOTHING = Heard()
MOST_NOTE = 200
AT_ONCE = 1_000
_CC = table_of(CampaignContact)


def give(session: Session, by: Principal, *, call_id: UUID, said: Said, heard: Heard = NOTHING) -> UUID:
    """Say what came of one's own call for a campaign, and do what follows from it; the outcome's id.

    Raises `ConflictError` where another outcome stands already, `InvalidError` for what has to be told with it, or
    when it presupposes that the right party was identified, and `ForbiddenError`.
    """
    call, attempt = _own(session, by, call_id)
    stands = queries.standing(session, attempt.id)
    if stands is not None:
        if stands.said is said and stands.given_by == by.user_id:  # pressed twice
            return stands.id
        raise ConflictError("L'esito c'è già: per cambiarlo, prima toglilo.")
    campaign = running.get(session, attempt.campaign_id)
    rules, now = campaign.plan.outcomes, clock.now(session)
    if said not in rules.offered(about_debt=campaign.plan.about_debt):
        raise ConflictError("Questo esito non è previsto dalla campagna: ricarica la pagina.")
    if CATALOGUE[said].whom is Whom.RIGHT_PARTY and not queries.reached(session, call, attempt.contact_id):
        raise InvalidError("Prima accerta con chi parli: questo esito vale solo per la persona cercata.")
    if len(heard.note) > MOST_NOTE or not heard.note.isprintable():
        raise FieldError(f"Al massimo {MOST_NOTE} caratteri, su una riga.", "note")
    if heard.call_after is not None:
        called_again(said, rules, at=now, wish=heard.call_after)
    elif said is Said.CALL_AGAIN:
        raise FieldError("Scegli quando vuole essere chiamato.", "call_day")
    row_id = new_id(session)
    about = About(
        row_id, campaign.ente_id, campaign.contract_id, campaign.id, attempt.contact_id, call_id, attempt.number,
        rules.promise_days, rules.grace_days,
    )  # fmt: skip
    row = OutcomeGiven(
        id=row_id, ente_id=campaign.ente_id, campaign_id=campaign.id, contact_id=attempt.contact_id,
        attempt_id=attempt.id, call_id=call_id, said=said, given_at=now, given_by=by.user_id,
        call_after=heard.call_after, note=heard.note, deeds={"step": _step(session, attempt)}, undone_at=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    row.deeds = {**row.deeds, **deeds.do(session, by, about, said, heard)}
    session.flush()
    audit.note(
        session, by, kind="outcome.given", ente_id=row.ente_id, contact_id=row.contact_id, call_id=call_id,
        after={"outcome": said.value, "note": heard.note},
    )  # fmt: skip
    telling.tell(session, row)
    if attempt.ended is not None:
        moving.move(session, campaign, row)
    touch(session, topics.agent(by.user_id), topics.campaigns(row.ente_id))
    return row.id


def undo(session: Session, by: Principal, *, call_id: UUID) -> None:
    """Take one's own outcome back, while the call is being written up. Taken back twice, it is no error."""
    call, attempt = _own(session, by, call_id)
    row = queries.standing(session, attempt.id, lock=True)
    if row is None:
        return
    if row.given_by != by.user_id:
        raise ConflictError("Questo esito l'ha dato un collega.")
    if call.wrapped_up_at is not None:
        raise ConflictError("La chiamata è già stata conclusa: l'esito resta.")
    row.undone_at = clock.now(session)
    deeds.undo(session, by, row.deeds)
    moving.back(session, row)
    session.flush()
    audit.note(
        session, by, kind="outcome.undone", ente_id=row.ente_id, contact_id=row.contact_id, call_id=call_id,
        before={"outcome": row.said.value, "note": row.note},
    )  # fmt: skip
    telling.take_off(session, row)
    touch(session, topics.agent(by.user_id), topics.campaigns(row.ente_id))


def follow(session: Session, *, attempt_id: UUID) -> None:
    """The attempt is over: where an outcome was given meanwhile, the campaign does what follows from it."""
    row = queries.standing(session, attempt_id, lock=True)
    if row is not None:
        moving.move(session, running.get(session, row.campaign_id), row)


def require_none_owing(session: Session, agent_id: int) -> None:
    """Raise `ConflictError` while an agent has not said how his last conversation ended."""
    if queries.owing(session, agent_id) is not None:
        raise ConflictError("Prima scegli l'esito dell'ultima chiamata della campagna: lo trovi nella console.")


def let_go_all(database: Database) -> int:
    """Whoever was held because something of his was open, and is so no more, may be called again; how many."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(enti.coverage(session))
    return total_of_each(contracts, lambda one: database.transact(Scope.of_contract(one), let_go))


def let_go(session: Session) -> int:
    """The same, in the scope of the session, by the rules that held them (`facts.complaining`), some at a time; and who
    was left out for another row of his (`facts.twice`) of which it has turned out meanwhile that it is somebody else's.
    """
    runs = select(Campaign.id).where(Campaign.state == State.RUNNING)
    held = select(_CC.c.campaign_id, _CC.c.contact_id, _CC.c.why).where(
        _CC.c.state == ContactState.OUT, _CC.c.why.in_([Reason.COMPLAINT, Reason.SAME_PERSON]),
        _CC.c.campaign_id.in_(runs),
    )  # fmt: skip
    now, count, after, at = clock.now(session), 0, (0, 0), tuple_(_CC.c.contact_id, _CC.c.campaign_id)
    while rows := session.execute(
        held.where(at > after).order_by(_CC.c.contact_id, _CC.c.campaign_id).limit(AT_ONCE)
    ).all():
        persons = calling.persons(session, {row.contact_id for row in rows})
        complaining, twice = facts.complaining(session, persons), _twice(session, rows, persons)
        free = [
            (campaign_id, contact_id)
            for campaign_id, contact_id, why in rows
            if (contact_id not in complaining if why is Reason.COMPLAINT else (campaign_id, contact_id) not in twice)
        ]
        count += sequence.again(session, tuple_(_CC.c.campaign_id, _CC.c.contact_id).in_(free), now=now)
        after = (rows[-1].contact_id, rows[-1].campaign_id)
    return count


def _twice(
    session: Session, rows: Sequence[Row[*tuple[Any, ...]]], persons: Mapping[int, Collection[int]]
) -> set[tuple[int, int]]:
    """Those of these rows of campaigns that still are there under another row too, by which they count."""
    left_out: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        if row.why is Reason.SAME_PERSON:
            left_out[row.campaign_id].append(row.contact_id)
    return {
        (campaign_id, contact_id)
        for campaign_id, his in left_out.items()
        for contact_id in facts.twice(session, campaign_id, {one: persons[one] for one in his})
    }


def _own(session: Session, by: Principal, call_id: UUID) -> tuple[Call, Attempt]:
    """One's own call and the attempt it was placed for, both locked. Raises `ConflictError`."""
    calls.lock_call(session, call_id)
    call = session.get(Call, call_id, populate_existing=True)
    if call is None or call.agent_id != by.user_id or call.answered_at is None or call.phase is Phase.RINGING:
        raise ConflictError("Questa non è più la tua chiamata.")
    attempt = session.scalars(
        select(Attempt).where(Attempt.call_id == call_id).with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()  # fmt: skip
    if attempt is None:
        raise ConflictError("Questa chiamata non è di una campagna.")
    require_on(session, by, Permission.CALLS_ANSWER, ente_id=attempt.ente_id)
    return call, attempt


def _step(session: Session, attempt: Attempt) -> int:
    its = (_CC.c.campaign_id == attempt.campaign_id, _CC.c.contact_id == attempt.contact_id)
    return session.execute(select(_CC.c.step).where(*its)).scalar_one_or_none() or 0
