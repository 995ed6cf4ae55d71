"""A finding that an agent is unfit: out at once, his practices frozen; removed and replaced within working days (F1).

The ente's approver or whoever manages visits for it finds it, with grounds. Only the ente says that it was not so.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access import users
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts.names import full_name
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, FieldError, ForbiddenError, NotFoundError
from crm.core.reasons import reason_given, words_given
from outbound.field.agents import queries, warning
from outbound.field.agents.deadlines import Countdown, countdown
from outbound.field.agents.models import FieldAgent, UnfitnessFinding
from outbound.field.agents.queries import patron_of
from outbound.field.agents.standing import terms
from outbound.field.agents.warning import LinkTo
from outbound.field.practices import handing_over
from outbound.field.practices.handing_over import HandedOver
from outbound.field.visits import devices

LONGEST_GROUNDS = 600
SHORTEST_GROUNDS = 10
FROZEN = "L'agente non può più agire per l'ente."


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding, how its two terms stand, and how many of his practices wait for somebody."""

    id: int
    ente_id: int
    agent_id: int
    name: str
    grounds: str
    found_at: datetime
    removal: Countdown
    substitution: Countdown
    substitute: str | None
    frozen: int
    withdrawn_at: datetime | None
    withdrawn_why: str

    @property
    def is_open(self) -> bool:
        """Whether something is still owed."""
        return self.withdrawn_at is None and (self.removal.done is None or self.substitution.done is None)

    @property
    def urgent(self) -> bool:
        """Whether a term ends today, or is past and still to be kept."""
        return self.withdrawn_at is None and (self.removal.urgent or self.substitution.urgent)


def find(
    session: Session, by: Principal, *, agent_id: int, ente_id: int, grounds: str, link_to: LinkTo
) -> int:  # fmt: skip
    """He is out from this instant; in the same transaction his practices are frozen, and whoever manages the ente's
    visits is written to. The finding's id. `link_to`: the address of an agent's page.

    Raises `NotFoundError` for whoever is not before this ente, `ConflictError` where he was found unfit already.
    """
    _require_either(session, by, ente_id)
    grounds = reason_given(
        "Scrivi che cosa è successo: lo legge chi deve decidere.", grounds, "grounds", shortest=SHORTEST_GROUNDS,
        most=LONGEST_GROUNDS,
    )  # fmt: skip
    agent = session.get(FieldAgent, agent_id, with_for_update=True)
    if agent is None or not queries.decisions(session, [agent_id], {ente_id}):
        raise NotFoundError("Questo agente non c'è.")
    at = clock.now(session)
    owed = terms(clock.business_day(at), patron_of(session, ente_id))
    row = UnfitnessFinding(
        ente_id=ente_id, agent_id=agent_id, found_at=at, found_by=by.user_id, grounds=grounds,
        removal_due=owed.removal, substitute_due=owed.substitute, practices=[],
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        raise ConflictError("È già stato trovato non idoneo per questo ente.") from None
    row.practices = handing_over.freeze_of(session, agent_id=agent_id, ente_id=ente_id, why=FROZEN, at=at)
    # Whoever another ente still wants signs in again, and registers his telephone anew.
    devices.revoke_of(session, agent_id=agent_id, at=at)
    users.end_all_sessions(session, by, user_id=agent.user_id, reason=FROZEN)
    _note(session, by, "field_agent.unfit", row, reason=grounds, practices=len(row.practices))
    warning.found(session, row, agent, link_to)
    return row.id


def withdraw(session: Session, by: Principal, *, finding_id: int, reason: str) -> None:
    """The ente says that it was not so: he may act again. What is still frozen is nobody's, and can be offered."""
    row = _locked(session, finding_id)
    require_on(session, by, Permission.FIELD_APPROVE, ente_id=row.ente_id)
    row.withdrawn_why = words_given(reason, "reason")
    row.withdrawn_at, row.withdrawn_by = clock.now(session), by.user_id
    released = handing_over.release(session, by, practice_ids=row.practices)
    _note(session, by, "field_agent.fit_again", row, reason=row.withdrawn_why, practices=len(released))


def remove(session: Session, by: Principal, *, finding_id: int) -> None:
    """Badge, mandates and papers of this ente are back with the company: he is removed."""
    row = _locked(session, finding_id)
    require_on(session, by, Permission.FIELD_MANAGE, ente_id=row.ente_id)
    if row.removed_at is not None:
        raise ConflictError("L'allontanamento è già segnato.")
    row.removed_at, row.removed_by = clock.now(session), by.user_id
    _note(session, by, "field_agent.removed", row)


def undo_removal(session: Session, by: Principal, *, finding_id: int) -> None:
    """It was marked by mistake."""
    row = _locked(session, finding_id)
    require_on(session, by, Permission.FIELD_MANAGE, ente_id=row.ente_id)
    if row.removed_at is not None:
        row.removed_at = row.removed_by = None
        _note(session, by, "field_agent.removal_undone", row)


def replace(session: Session, by: Principal, *, finding_id: int, substitute_id: int) -> HandedOver:
    """Somebody who may act for the ente takes his place: he is offered the practices that were frozen."""
    row = _locked(session, finding_id)
    require_on(session, by, Permission.FIELD_MANAGE, ente_id=row.ente_id)
    if row.substitute_id is not None:
        raise ConflictError("Il sostituto c'è già.")
    at = clock.now(session)
    if substitute_id not in {one.id for one in possible(session, row.ente_id, at)} - {row.agent_id}:
        raise FieldError("Scegli un agente che può agire per questo ente.", "substitute")
    row.substitute_id, row.replaced_at = substitute_id, at
    handed = handing_over.offer(
        session, by, practice_ids=row.practices, to=substitute_id, at=at
    )  # fmt: skip
    _note(
        session, by, "field_agent.replaced", row, substitute=substitute_id, offered=len(handed.offered),
        left=len(handed.left),
    )  # fmt: skip
    return handed


def undo_replacement(session: Session, by: Principal, *, finding_id: int) -> int:
    """He is no substitute after all: what he has not accepted yet is frozen again; how many."""
    row = _locked(session, finding_id)
    require_on(session, by, Permission.FIELD_MANAGE, ente_id=row.ente_id)
    if row.substitute_id is None:
        return 0
    back = handing_over.take_back(
        session, practice_ids=row.practices, of=row.substitute_id, why=FROZEN, at=clock.now(session)
    )
    row.substitute_id = row.replaced_at = None
    _note(session, by, "field_agent.replacement_undone", row, practices=len(back))
    return len(back)


# -- reading ----------------------------------------------------------------------------------------------------------


def possible(session: Session, ente_id: int, at: datetime) -> list[queries.ActiveAgent]:
    """Who may take somebody's place for an ente."""
    return queries.active(session, ente_id=ente_id, day=clock.business_day(at))


def findings(
    session: Session, ente_ids: Collection[int], *, agent_id: int | None = None, owed: bool = False
) -> list[FindingView]:  # fmt: skip
    """The findings for these enti, the latest first; of one agent, or those alone of which something is owed."""
    its = select(UnfitnessFinding).where(UnfitnessFinding.ente_id.in_(ente_ids))
    if agent_id is not None:
        its = its.where(UnfitnessFinding.agent_id == agent_id)
    today = clock.business_day(clock.now(session))
    rows = session.scalars(its.order_by(UnfitnessFinding.found_at.desc(), UnfitnessFinding.id.desc())).all()
    found = [_view(session, row, today) for row in rows]
    return [one for one in found if one.is_open] if owed else found


def _view(session: Session, row: UnfitnessFinding, today: date) -> FindingView:
    agent = session.get_one(FieldAgent, row.agent_id)
    other = session.get(FieldAgent, row.substitute_id) if row.substitute_id else None
    patron = patron_of(session, row.ente_id)
    return FindingView(
        row.id, row.ente_id, row.agent_id, full_name(agent.surname, agent.given_name), row.grounds, row.found_at,
        countdown(row.removal_due, _day(row.removed_at), today, patron),
        countdown(row.substitute_due, _day(row.replaced_at), today, patron),
        full_name(other.surname, other.given_name) if other else None,
        handing_over.still_frozen(session, row.practices), row.withdrawn_at, row.withdrawn_why,
    )  # fmt: skip


def _day(at: datetime | None) -> date | None:
    return None if at is None else clock.business_day(at)


# -- parts ------------------------------------------------------------------------------------------------------------


def _require_either(session: Session, by: Principal, ente_id: int) -> None:
    for permission in (Permission.FIELD_APPROVE, Permission.FIELD_MANAGE):
        if by.can(permission):
            try:
                require_on(session, by, permission, ente_id=ente_id)
            except ForbiddenError:
                continue
            return
    raise ForbiddenError("Non hai il permesso di fare questa operazione per questo ente.")


def _locked(session: Session, finding_id: int) -> UnfitnessFinding:
    found = session.get(UnfitnessFinding, finding_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("Questa segnalazione non c'è.")
    if found.withdrawn_at is not None:
        raise ConflictError("La segnalazione è stata ritirata.")
    return found


def _note(
    session: Session, by: Principal, kind: str, row: UnfitnessFinding, *, reason: str = "", **what: object
) -> None:  # fmt: skip
    session.flush()
    agent = session.get_one(FieldAgent, row.agent_id)
    audit.note(
        session, by, kind=kind, ente_id=row.ente_id, subject=full_name(agent.surname, agent.given_name),
        reason=reason, after={"agent": agent.id, **what},
    )  # fmt: skip
    touch(session, topics.ente(row.ente_id))
