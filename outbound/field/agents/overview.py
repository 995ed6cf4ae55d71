"""What pages show of agents: to whoever looks after them, to an ente, to the agent himself."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.contacts.names import full_name
from crm.core import clock
from crm.core.errors import ForbiddenError, NotFoundError
from outbound.field.agents import queries, register, unfit
from outbound.field.agents.deadlines import Ending, endings
from outbound.field.agents.models import Accreditation, FieldAgent
from outbound.field.agents.standing import STANDS, Decision, Obstacle


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent as a list has him: what runs out, and before each ente what keeps him from acting (nothing: he may)."""

    agent: FieldAgent
    name: str
    ending: tuple[Ending, ...]
    before: Mapping[int, tuple[Obstacle, ...]]

    @property
    def acts_for(self) -> int:
        """For how many enti he may act."""
        return sum(not why for why in self.before.values())


@dataclass(frozen=True, slots=True)
class BeforeEnte:
    """A proposal, whose it is, and what keeps him from acting for that ente today."""

    row: Accreditation
    agent: FieldAgent
    name: str
    why: tuple[Obstacle, ...]


@dataclass(frozen=True, slots=True)
class News:
    """What waits for somebody: proposals to decide, terms that end today or are past, papers that run out within a week
    or have.
    """

    proposals: int = 0
    terms: int = 0
    papers: int = 0

    @property
    def waiting(self) -> int:
        """All of it."""
        return self.proposals + self.terms + self.papers


def of_manager(session: Session, by: Principal) -> list[AgentView]:
    """The agents whom `by` looks after, before the enti that the session sees and that have to do with them."""
    return _views(session, register.of_manager(session, by), _enti(session, by, Permission.FIELD_MANAGE))


def one_of_manager(session: Session, by: Principal, agent_id: int) -> AgentView:
    """One of them. Raises `NotFoundError`."""
    (found,) = _views(
        session, [register.managed(session, by, agent_id)], _enti(session, by, Permission.FIELD_MANAGE)
    )  # fmt: skip
    return found


def of_himself(session: Session, agent: FieldAgent, ente_ids: Collection[int]) -> AgentView:
    """An agent as his own page has him."""
    (found,) = _views(session, [agent], ente_ids)
    return found


def before_enti(session: Session, ente_ids: Collection[int]) -> list[BeforeEnte]:
    """Whoever was proposed to these enti and what became of it: those who wait first, then by name."""
    rows = session.execute(
        select(Accreditation, FieldAgent)
        .join(FieldAgent, FieldAgent.id == Accreditation.agent_id)
        .where(Accreditation.ente_id.in_(ente_ids))
        .order_by(
            Accreditation.decision != Decision.PROPOSED, FieldAgent.surname, FieldAgent.given_name,
            Accreditation.id.desc(),
        )
    ).all()  # fmt: skip
    kept = queries.keeps(session, list({agent.id: agent for _, agent in rows}.values()), ente_ids, _today(session))
    found: dict[tuple[int, int], BeforeEnte] = {}
    for row, agent in rows:
        key = agent.id, row.ente_id
        stands = row.decision in STANDS
        if key not in found or stands:
            found[key] = BeforeEnte(row, agent, full_name(agent.surname, agent.given_name), kept[key])
    return list(found.values())


def of_accreditation(session: Session, by: Principal, accreditation_id: int) -> BeforeEnte:
    """One of them, for the ente's approver or whoever manages visits for it. Raises `NotFoundError`."""
    row = session.get(Accreditation, accreditation_id)
    mine = {one for which in _DECIDING if by.can(which) for one in _enti(session, by, which)}
    if row is None or row.ente_id not in mine:
        raise NotFoundError("Questa proposta non c'è.")
    agent = session.get_one(FieldAgent, row.agent_id)
    why = queries.keeps(session, [agent], {row.ente_id}, _today(session))[agent.id, row.ente_id]
    return BeforeEnte(row, agent, full_name(agent.surname, agent.given_name), why)


def seen(session: Session, by: Principal, agent_id: int) -> FieldAgent:
    """An agent whose photo and papers `by` may look at: he looks after him, decides about him, or is he.

    Raises `NotFoundError`.
    """
    agent = session.get(FieldAgent, agent_id)
    if agent is not None and agent.user_id == by.user_id and by.can(Permission.FIELD_VISIT):
        return agent
    if agent is not None and by.can(Permission.FIELD_APPROVE):
        mine = _enti(session, by, Permission.FIELD_APPROVE)
        if queries.decisions(session, [agent_id], mine):
            return agent
    try:
        return register.managed(session, by, agent_id)
    except ForbiddenError:
        raise NotFoundError("Questo agente non c'è.") from None


def news(session: Session, by: Principal) -> News:
    """What waits for `by`, to be told beside his name."""
    proposals = terms = papers = 0
    deciding = _enti(session, by, Permission.FIELD_APPROVE) if by.can(Permission.FIELD_APPROVE) else frozenset()
    managing = _enti(session, by, Permission.FIELD_MANAGE) if by.can(Permission.FIELD_MANAGE) else frozenset()
    if deciding:
        proposals = waiting(session, deciding)
    if deciding or managing:
        terms = sum(one.urgent for one in unfit.findings(session, deciding | managing, owed=True))
    if managing:
        papers = sum(
            any(one.left.presses for one in view.ending)
            for view in of_manager(session, by)
            if view.agent.ended_on is None
        )
    return News(proposals, terms, papers)


def waiting(session: Session, ente_ids: Collection[int]) -> int:
    """How many agents these enti have to decide about."""
    its = Accreditation.ente_id.in_(ente_ids), Accreditation.decision == Decision.PROPOSED
    return session.scalar(select(func.count()).select_from(Accreditation).where(*its)) or 0


_DECIDING = (Permission.FIELD_APPROVE, Permission.FIELD_MANAGE)


def _views(session: Session, agents: list[FieldAgent], ente_ids: Collection[int]) -> list[AgentView]:
    today, ids = _today(session), [one.id for one in agents]
    kept = queries.keeps(session, agents, ente_ids, today)
    stand = queries.accredited(session, ids, ente_ids)
    found = []
    for agent in agents:
        worker = queries.worker_of(session, agent)
        found.append(
            AgentView(
                agent, full_name(agent.surname, agent.given_name), endings(worker.papers, worker.badge_until, today),
                {ente: why for (one, ente), why in kept.items() if one == agent.id and (one, ente) in stand},
            )
        )  # fmt: skip
    return found


def _enti(session: Session, by: Principal, permission: Permission) -> frozenset[int]:
    return frozenset(scope_for(session, by, permission).enti or ())


def _today(session: Session) -> date:
    return clock.business_day(clock.now(session))
