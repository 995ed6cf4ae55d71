"""What practices ask about agents: who may act, and what speaks for a tie. The one place in which they ask it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.contacts import calling
from crm.contacts.addresses import Address
from crm.contacts.models import Contact, ContactAddress, ContactReach, ReachKind, Verification
from crm.core.clock import business_day
from crm.core.db import table_of
from crm.core.errors import ForbiddenError
from outbound.field.agents.models import Accreditation, DeclaredTie, FieldAgent, FieldPaper, UnfitnessFinding
from outbound.field.agents.standing import Accredited, Decision, Obstacle, Paper, Worker, obstacles
from outbound.field.agents.ties import Known, Sign, signs

_C, _A, _R, _T = (table_of(one) for one in (Contact, ContactAddress, ContactReach, DeclaredTie))


@dataclass(frozen=True, slots=True)
class ActiveAgent:
    """An agent who may act for an ente on a day."""

    id: int
    user_id: int
    name: str
    badge_number: int


def agent_of(session: Session, user_id: int) -> FieldAgent | None:
    """The agent whom a user is."""
    return session.scalars(select(FieldAgent).where(FieldAgent.user_id == user_id)).one_or_none()


def require_agent(session: Session, user_id: int) -> FieldAgent:
    """The same. Raises `ForbiddenError` when he is none."""
    found = agent_of(session, user_id)
    if found is None:
        raise ForbiddenError("Chi fa le visite deve essere fra gli agenti: chiedi a chi li gestisce.")
    return found


def active(session: Session, *, ente_id: int, day: date) -> list[ActiveAgent]:
    """Those who may act for an ente on a day, by name."""
    agents = session.execute(
        select(FieldAgent, User.name).join(User, User.id == FieldAgent.user_id)
        .where(FieldAgent.id.in_(select(Accreditation.agent_id).where(Accreditation.ente_id == ente_id)))
        .order_by(FieldAgent.surname, FieldAgent.given_name, FieldAgent.id)
    ).all()  # fmt: skip
    against = _obstacles(session, [agent for agent, _ in agents], ente_id, day)
    return [
        ActiveAgent(one.id, one.user_id, f"{one.surname} {one.given_name}", one.badge_number)
        for one, _ in agents
        if not against[one.id]
    ]


def may_act(session: Session, *, agent_id: int, ente_id: int, day: date) -> tuple[Obstacle, ...]:
    """Why an agent may not act for an ente on a day; nothing: he may."""
    agent = session.get_one(FieldAgent, agent_id)
    return _obstacles(session, [agent], ente_id, day)[agent_id]


def signs_of(session: Session, *, agent_id: int, contact_ids: Collection[int]) -> dict[int, tuple[Sign, ...]]:
    """What speaks for a tie between an agent and each of these contacts, under all of their rows."""
    return ties(session, agent_ids=[agent_id], contact_ids=contact_ids)[agent_id]


def ties(
    session: Session, *, agent_ids: Collection[int], contact_ids: Collection[int]
) -> dict[int, dict[int, tuple[Sign, ...]]]:
    """The same of several agents, a few statements for all of them."""
    persons = calling.persons(session, contact_ids)
    rows = {row for his in persons.values() for row in his}
    known = _known(session, rows)
    declared: dict[int, set[int]] = defaultdict(set)
    for agent_id, contact_id in session.execute(
        select(_T.c.agent_id, _T.c.contact_id).where(_T.c.contact_id.in_(rows), _T.c.agent_id.in_(list(agent_ids)))
    ):
        declared[agent_id].add(contact_id)
    agents = session.scalars(select(FieldAgent).where(FieldAgent.id.in_(list(agent_ids)))).all()
    taxpayers = {one: _united(known[row] for row in his if row in known) for one, his in persons.items()}
    found: dict[int, dict[int, tuple[Sign, ...]]] = {}
    for agent in agents:
        him = _agent(agent)
        tied = {code for row in declared[agent.id] for code in _codes(known[row])}
        found[agent.id] = {one: signs(him, taxpayer, tied) for one, taxpayer in taxpayers.items()}
    return found


def _known(session: Session, rows: Collection[int]) -> dict[int, Known]:
    homes, phones = defaultdict(set), defaultdict(set)
    for contact_id, key in session.execute(
        select(_A.c.contact_id, _A.c.place_key).where(
            _A.c.contact_id.in_(rows), _A.c.verification != Verification.WRONG
        )
    ):
        homes[contact_id].add(key)
    for contact_id, value in session.execute(
        select(_R.c.contact_id, _R.c.value).where(_R.c.contact_id.in_(rows), _R.c.kind == ReachKind.PHONE)
    ):
        phones[contact_id].add(value)
    return {
        row.id: Known(row.codice_fiscale, frozenset({row.surname}), frozenset(homes[row.id]), frozenset(phones[row.id]))
        for row in session.execute(select(_C.c.id, _C.c.codice_fiscale, _C.c.surname).where(_C.c.id.in_(rows)))
    }


def _united(parts: Iterable[Known]) -> Known:
    some = list(parts)
    none: frozenset[str] = frozenset()
    return Known(
        some[0].codice_fiscale if some else "", none.union(*(one.surnames for one in some)),
        none.union(*(one.homes for one in some)), none.union(*(one.phones for one in some)),
        frozenset(one.codice_fiscale for one in some),
    )  # fmt: skip


def _codes(one: Known) -> frozenset[str]:
    return frozenset({one.codice_fiscale, *one.others})


def _agent(one: FieldAgent) -> Known:
    surnames = {one.surname, *(part.strip() for part in one.former_surnames.split(",") if part.strip())}
    home = Address(one.street, one.postcode, one.town, one.province).key
    return Known(one.codice_fiscale, frozenset(surnames), frozenset({home}), frozenset({one.phone}))


def _obstacles(
    session: Session, agents: Collection[FieldAgent], ente_id: int, day: date
) -> dict[int, tuple[Obstacle, ...]]:
    ids = [one.id for one in agents]
    papers: dict[int, dict[Paper, date | None]] = defaultdict(dict)
    for paper in session.scalars(
        select(FieldPaper).where(FieldPaper.agent_id.in_(ids), FieldPaper.withdrawn_at.is_(None))
    ):
        papers[paper.agent_id][paper.paper] = paper.expires_on
    unfit: Mapping[int, date] = {
        one.agent_id: business_day(one.found_at)
        for one in session.scalars(
            select(UnfitnessFinding).where(
                UnfitnessFinding.ente_id == ente_id, UnfitnessFinding.agent_id.in_(ids),
                UnfitnessFinding.withdrawn_at.is_(None),
            )
        )
    }  # fmt: skip
    standing: dict[int, Accredited] = {}
    rows = session.scalars(
        select(Accreditation).where(Accreditation.ente_id == ente_id, Accreditation.agent_id.in_(ids))
        .order_by(Accreditation.decision.in_([Decision.PROPOSED, Decision.APPROVED]), Accreditation.id)
    )  # fmt: skip
    for one in rows:  # the one that stands comes last
        standing[one.agent_id] = Accredited(
            one.decision, one.notified_on, one.proof is not None, unfit.get(one.agent_id)
        )
    return {
        one.id: obstacles(
            Worker(one.badge_until, one.photo is not None, papers[one.id], one.ended_on), standing.get(one.id), day
        )
        for one in agents
    }
