"""What is done with a practice: offered, accepted, declined, taken back, frozen, released, closed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.core import clock
from crm.core.db import new_id, table_of
from crm.core.errors import ConflictError, FieldError, ForbiddenError, NotFoundError
from outbound.campaigns import running, sequence
from outbound.field.agents import queries as of_agents
from outbound.field.agents.models import DeclaredTie
from outbound.field.agents.ties import Tie, excluded
from outbound.field.closing import register, reports
from outbound.field.practices import judging, told
from outbound.field.practices.lifecycle import (
    ENDS_THE_MATTER,
    Closed,
    Deed,
    Limits,
    MandateState,
    Occasion,
    State,
    after,
)
from outbound.field.practices.limits import check_limits
from outbound.field.practices.models import FieldMandate, NoVisit, Practice
from outbound.field.practices.rights import require_deciding, require_managing

LONGEST_REASON = 400
LIVE = (MandateState.OFFERED, MandateState.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Declared:
    """A tie that an agent tells when he declines. `past`: it is over."""

    tie: Tie
    past: bool = False
    note: str = ""


def offer(
    session: Session, by: Principal, *, practice_id: int, agent_id: int, limits: Limits, cents: int | None = None
) -> UUID:
    """Offer a practice to an agent, by a mandate with its limits; the mandate's id. `cents`: none is all that is due.

    Raises `InvalidError` by field, `ConflictError` when the agent may not act there or may know the taxpayer.
    """
    practice = locked(session, practice_id)
    require_managing(session, by, practice.ente_id)
    at = clock.now(session)
    day, cents = clock.business_day(at), practice.cents if cents is None else cents
    check_limits(limits, day=day, cents=cents, most=practice.cents)
    if of_agents.may_act(session, agent_id=agent_id, ente_id=practice.ente_id, day=max(day, limits.valid_from)):
        raise ConflictError("Questo agente ora non può agire per l'ente: guarda la sua scheda.")
    found = of_agents.signs_of(session, agent_id=agent_id, contact_ids=[practice.contact_id])[practice.contact_id]
    if excluded(found):
        raise ConflictError("Questo agente ha, o può avere, un legame con il contribuente: scegline un altro.")
    mandate_id = give(session, by, practice, agent_id=agent_id, limits=limits, cents=cents)
    judging.keep_all(session, [practice], Occasion.OFFERED, at, {practice.id: mandate_id})
    return mandate_id


def give(
    session: Session, by: Principal, practice: Practice, *, agent_id: int, limits: Limits, cents: int,
    assignment_id: int | None = None,
) -> UUID:  # fmt: skip
    """Write the mandate of an agent who may have this practice, which is locked; the mandate's id."""
    mandate = FieldMandate(
        id=new_id(session), ente_id=practice.ente_id, practice_id=practice.id, agent_id=agent_id,
        state=MandateState.OFFERED, valid_from=limits.valid_from, valid_to=limits.valid_to, cents=cents,
        most_visits=limits.most_visits, may_photograph=limits.may_photograph, given_at=clock.now(session),
        given_by=by.user_id, assignment_id=assignment_id,
    )  # fmt: skip
    practice.state, practice.agent_id = after(practice.state, Deed.OFFER), agent_id
    session.add(mandate)
    session.flush()
    told.tell(session, practice, by)
    told.note(
        session, by, practice, "field_mandate.offered", agent=agent_id, valid_from=limits.valid_from.isoformat(),
        valid_to=limits.valid_to.isoformat(), cents=mandate.cents, most_visits=limits.most_visits,
    )  # fmt: skip
    register.mandate_given(session, mandate_id=mandate.id)
    return mandate.id


def accept(session: Session, by: Principal, *, mandate_id: UUID, no_ties: bool) -> None:
    """The agent accepts, having declared that nothing ties him to this taxpayer, now or in the past.

    Raises `FieldError` without the declaration, `ConflictError` when it is too late, or he may not act any more.
    """
    practice, mandate, agent_id = _his(session, by, mandate_id)
    if not no_ties:
        raise FieldError("Prima di accettare dichiara che non hai legami con questa persona.", "no_ties")
    at = clock.now(session)
    day = clock.business_day(at)
    if mandate.valid_to < day:
        raise ConflictError("Questo incarico è scaduto.")
    if of_agents.may_act(session, agent_id=agent_id, ente_id=practice.ente_id, day=day):
        raise ConflictError("Ora non puoi agire per questo ente: chiedi a chi gestisce le visite.")
    if excluded(of_agents.signs_of(session, agent_id=agent_id, contact_ids=[practice.contact_id])[practice.contact_id]):
        raise ConflictError("Dalle schede risulta un legame con questa persona: rifiuta l'incarico.")
    practice.state = after(practice.state, Deed.ACCEPT)
    mandate.state, mandate.accepted_at, mandate.no_ties_at = MandateState.ACCEPTED, at, at
    session.flush()
    judging.keep_all(session, [practice], Occasion.ACCEPTED, at, {practice.id: mandate.id})
    told.tell(session, practice, by)
    told.note(session, by, practice, "field_mandate.accepted", agent=agent_id)
    register.mandate_accepted(session, mandate_id=mandate.id)


def decline(
    session: Session, by: Principal, *, mandate_id: UUID, tie: Declared | None = None, reason: str = ""
) -> None:
    """The agent declines, or gives back what he had accepted. With a tie he is never offered this taxpayer again.

    Raises `FieldError` when he says neither a tie nor a reason.
    """
    practice, mandate, agent_id = _his(session, by, mandate_id)
    reason = " ".join(reason.split())
    if tie is None and not reason:
        raise FieldError("Scrivi perché non accetti.", "reason")
    if len(reason) > LONGEST_REASON:
        raise FieldError(f"Al massimo {LONGEST_REASON} caratteri.", "reason")
    at = clock.now(session)
    if tie is not None:
        told_tie = insert(table_of(DeclaredTie)).values(
            id=new_id(session), ente_id=practice.ente_id, agent_id=agent_id, contact_id=practice.contact_id,
            tie=tie.tie, past=tie.past, note=" ".join(tie.note.split())[:200], declared_at=at,
        )  # fmt: skip
        session.execute(told_tie.on_conflict_do_nothing(index_elements=["ente_id", "agent_id", "contact_id"]))
    _end(session, practice, mandate, MandateState.DECLINED, Deed.DECLINE, at, reason)
    told.tell(session, practice, by)
    told.note(session, by, practice, "field_mandate.declined", agent=agent_id, tie=tie is not None)


def revoke(session: Session, by: Principal, *, practice_id: int, reason: str) -> None:
    """The mandate in force ends before its time, with the reason; the practice is free again."""
    practice = locked(session, practice_id)
    require_deciding(session, by, practice.ente_id)
    reason = _reason(reason)
    mandate = _live(session, practice.id)
    if mandate is None:
        raise ConflictError("Nessuno ha questa pratica: non c'è un incarico da revocare.")
    _end(session, practice, mandate, MandateState.REVOKED, Deed.REVOKE, clock.now(session), reason)
    told.tell(session, practice, by)
    told.note(session, by, practice, "field_mandate.revoked", agent=mandate.agent_id, why=reason)


def freeze(session: Session, by: Principal, *, practice_id: int, why: str) -> None:
    """Nobody goes until it is released; whoever had it has it no more."""
    practice = locked(session, practice_id)
    require_deciding(session, by, practice.ente_id)
    _freeze(session, practice, _reason(why), clock.now(session), MandateState.REVOKED)
    told.tell(session, practice, by)
    told.note(session, by, practice, "field_practice.frozen", why=practice.frozen_why)


def hold(
    session: Session, practice: Practice, *, why: str, at: datetime, mandate: MandateState = MandateState.ENDED
) -> None:
    """Nobody goes until the office has answered what was told at the door; the practice is locked. Its mandate has
    done what it was for: what is paid within its days earns.
    """
    _freeze(session, practice, why[:LONGEST_REASON], at, mandate)
    told.tell(session, practice, None)
    told.note(session, None, practice, "field_practice.frozen", why=practice.frozen_why)


def release(session: Session, by: Principal, *, practice_id: int) -> None:
    """It may be offered again."""
    practice = locked(session, practice_id)
    require_deciding(session, by, practice.ente_id)
    let_go(session, by, practice)


def let_go(session: Session, by: Principal, practice: Practice) -> None:
    """A frozen practice, which is locked, is nobody's: it may be offered again."""
    practice.state, practice.frozen_why = after(practice.state, Deed.RELEASE), ""
    session.flush()
    told.tell(session, practice, by)
    told.note(session, by, practice, "field_practice.released")


def recall(session: Session, by: Principal, *, practice_id: int) -> None:
    """The ente, or the company, calls it off: nobody goes any more."""
    practice = locked(session, practice_id)
    require_deciding(session, by, practice.ente_id)
    close(session, practice_id=practice_id, closed=Closed.RECALLED, at=clock.now(session), by=by)


def no_more_visits(session: Session, by: Principal, *, practice_id: int, why: str) -> None:
    """He said that he wants nobody at his door: the practice ends, and no other is opened while that holds."""
    practice = locked(session, practice_id)
    require_deciding(session, by, practice.ente_id)
    why, at = _reason(why)[:200], clock.now(session)
    session.execute(
        insert(table_of(NoVisit))
        .values(ente_id=practice.ente_id, contact_id=practice.contact_id, why=why, since=at, written_by=by.user_id)
        .on_conflict_do_nothing()
    )
    told.note(session, by, practice, "field_practice.no_visits", why=why)
    if practice.state is not State.CLOSED:
        close(session, practice_id=practice_id, closed=Closed.FORBIDDEN, at=at, by=by)


def visits_again(session: Session, by: Principal, *, practice_id: int) -> None:
    """He may be visited after all: it was a mistake, or he has changed his mind."""
    practice = locked(session, practice_id)
    require_deciding(session, by, practice.ente_id)
    row = session.scalars(
        select(NoVisit).where(NoVisit.contact_id == practice.contact_id, NoVisit.withdrawn_at.is_(None))
    ).one_or_none()
    if row is not None:
        row.withdrawn_at, row.withdrawn_by = clock.now(session), by.user_id
        session.flush()
        told.note(session, by, practice, "field_practice.visits_again")


def close(session: Session, *, practice_id: int, closed: Closed, at: datetime, by: Principal | None) -> None:
    """It is over: its mandate ends, and its campaign goes on, or is done with him. Once only."""
    practice = locked(session, practice_id)
    if practice.state is State.CLOSED:
        return
    if (mandate := _live(session, practice.id)) is not None:
        mandate.state, mandate.ended_at = MandateState.ENDED, at
    practice.state, practice.closed, practice.closed_at = after(practice.state, Deed.CLOSE), closed, at
    session.flush()
    told.tell(session, practice, by)
    told.note(session, by, practice, "field_practice.closed", closed=closed.value)
    reports.make(session, practice_id=practice.id, at=at)
    if practice.campaign_id is not None:
        _go_on(session, practice.campaign_id, practice.contact_id, closed, at)


def expire(session: Session, mandate: FieldMandate, at: datetime) -> None:
    """Its days are over: the practice is free again. It was locked."""
    practice = locked(session, mandate.practice_id)
    _end(session, practice, mandate, MandateState.ENDED, Deed.EXPIRE, at, "")
    told.tell(session, practice, None)
    told.note(session, None, practice, "field_mandate.expired", agent=mandate.agent_id)


def locked(session: Session, practice_id: int) -> Practice:
    """A practice of the scope, until the transaction ends. Raises `NotFoundError`."""
    found = session.get(Practice, practice_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("Questa pratica non c'è.")
    return found


def _his(session: Session, by: Principal, mandate_id: UUID) -> tuple[Practice, FieldMandate, int]:
    found = session.get(FieldMandate, mandate_id)
    if found is None:
        raise NotFoundError("Questo incarico non c'è.")
    require_on(session, by, Permission.FIELD_VISIT, ente_id=found.ente_id)
    agent = of_agents.required(session, by.user_id)
    if found.agent_id != agent.id:
        raise ForbiddenError("Questo incarico è di un altro agente.")
    practice = locked(session, found.practice_id)
    mandate = session.get_one(FieldMandate, mandate_id, with_for_update=True, populate_existing=True)
    if mandate.state not in LIVE:
        raise ConflictError("Questo incarico non è più in vigore: ricarica la pagina.")
    return practice, mandate, agent.id


def _live(session: Session, practice_id: int) -> FieldMandate | None:
    return session.scalars(
        select(FieldMandate).where(FieldMandate.practice_id == practice_id, FieldMandate.state.in_(LIVE))
        .with_for_update().execution_options(populate_existing=True)
    ).one_or_none()  # fmt: skip


def _end(
    session: Session, practice: Practice, mandate: FieldMandate, state: MandateState, deed: Deed, at: datetime,
    reason: str,
) -> None:  # fmt: skip
    if practice.state in (State.OFFERED, State.ACCEPTED):
        practice.state, practice.agent_id = after(practice.state, deed), None
    mandate.state, mandate.ended_at, mandate.reason = state, at, reason
    session.flush()


def _freeze(session: Session, practice: Practice, why: str, at: datetime, ends: MandateState) -> None:
    practice.state, practice.frozen_why = after(practice.state, Deed.FREEZE), why
    if (mandate := _live(session, practice.id)) is not None:
        mandate.state, mandate.ended_at, mandate.reason = ends, at, why
    practice.agent_id = None
    session.flush()


def _go_on(session: Session, campaign_id: int, contact_id: int, closed: Closed, at: datetime) -> None:
    if closed in ENDS_THE_MATTER:
        sequence.done(session, campaign_id=campaign_id, contact_ids=[contact_id], now=at)
    else:
        campaign = running.get(session, campaign_id)
        sequence.passed(session, campaign=campaign, contact_ids=[contact_id], now=at)


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not reason or len(reason) > LONGEST_REASON:
        raise FieldError(f"Scrivi perché, in al massimo {LONGEST_REASON} caratteri.", "reason")
    return reason
