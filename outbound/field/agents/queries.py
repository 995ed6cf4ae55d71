"""Reading agents: who may act for an ente, what keeps him from it, what speaks for a tie; in the session's scope."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.contacts import calling
from crm.contacts.addresses import Address
from crm.contacts.models import Contact, ContactAddress, ContactReach, PersonKind, ReachKind, Relation, Verification
from crm.contacts.names import full_name
from crm.core.clock import business_day
from crm.core.errors import ForbiddenError
from crm.enti.days import Patron
from crm.enti.models import Ente
from outbound.field.agents.models import Accreditation, DeclaredTie, FieldAgent, FieldPaper, UnfitnessFinding
from outbound.field.agents.standing import STANDS, Accredited, Decision, Obstacle, Worker, obstacles
from outbound.field.agents.ties import Known, Sign, signs


@dataclass(frozen=True, slots=True)
class ActiveAgent:
    """An agent who may act."""

    id: int
    user_id: int
    name: str
    badge_number: int


def agent_of(session: Session, user_id: int) -> FieldAgent | None:
    """The agent that a user is, if he is one."""
    return session.scalar(select(FieldAgent).where(FieldAgent.user_id == user_id))


def required(session: Session, user_id: int) -> FieldAgent:
    """The same. Raises `ForbiddenError` when he is none."""
    found = agent_of(session, user_id)
    if found is None:
        raise ForbiddenError("Chi fa le visite deve essere fra gli agenti: chiedi a chi li gestisce.")
    return found


def active(session: Session, *, ente_id: int, day: date) -> list[ActiveAgent]:
    """Who may act for an ente on a day, by name."""
    return list(acting(session, ente_ids={ente_id}, day=day))


def acting(session: Session, *, ente_ids: Collection[int], day: date) -> dict[ActiveAgent, frozenset[int]]:
    """Who may act for any of these enti on a day, by name; each with those for which he may."""
    rows = session.scalars(
        select(FieldAgent)
        .where(
            FieldAgent.id.in_(
                select(Accreditation.agent_id).where(
                    Accreditation.ente_id.in_(ente_ids), Accreditation.decision == Decision.APPROVED
                )
            )
        )
        .order_by(FieldAgent.surname, FieldAgent.given_name, FieldAgent.id)
    ).all()
    kept = keeps(session, rows, ente_ids, day)
    return {
        ActiveAgent(one.id, one.user_id, full_name(one.surname, one.given_name), one.badge_number): free
        for one in rows
        if (free := frozenset(ente_id for ente_id in ente_ids if not kept[one.id, ente_id]))
    }


def may_act(session: Session, *, agent_id: int, ente_id: int, day: date) -> tuple[Obstacle, ...]:
    """What keeps an agent from acting for an ente on a day; nothing: he may."""
    agent = session.get(FieldAgent, agent_id)
    if agent is None:
        return (Obstacle.NOT_PROPOSED,)
    return keeps(session, [agent], {ente_id}, day)[agent_id, ente_id]


def keeps(
    session: Session, agents: Collection[FieldAgent], ente_ids: Collection[int], day: date
) -> dict[tuple[int, int], tuple[Obstacle, ...]]:
    """The same of several agents and enti, by both. The enti must be in the session's scope."""
    ids = [one.id for one in agents]
    stand, papers = accredited(session, ids, ente_ids), _papers_of(session, ids)
    return {
        (one.id, ente_id): obstacles(_worker(one, papers.get(one.id, [])), stand.get((one.id, ente_id)), day)
        for one in agents
        for ente_id in ente_ids
    }


def accredited(
    session: Session, agent_ids: Collection[int], ente_ids: Collection[int]
) -> dict[tuple[int, int], Accredited]:
    """What each ente decided about each agent: what stands, else what was decided last."""
    found: dict[tuple[int, int], Accredited] = {}
    unfit = {
        (row.agent_id, row.ente_id): business_day(row.found_at)
        for row in session.execute(
            select(UnfitnessFinding.agent_id, UnfitnessFinding.ente_id, UnfitnessFinding.found_at).where(
                UnfitnessFinding.agent_id.in_(agent_ids),
                UnfitnessFinding.ente_id.in_(ente_ids),
                UnfitnessFinding.withdrawn_at.is_(None),
            )
        )
    }
    for row in decisions(session, agent_ids, ente_ids):
        key = row.agent_id, row.ente_id
        if key not in found:
            found[key] = Accredited(row.decision, row.notified_on, row.proof is not None, unfit.get(key))
    return found


def decisions(session: Session, agent_ids: Collection[int], ente_ids: Collection[int]) -> list[Accreditation]:
    """Every proposal of these agents to these enti: those that stand first, then the latest."""
    its = select(Accreditation).where(Accreditation.agent_id.in_(agent_ids), Accreditation.ente_id.in_(ente_ids))
    return list(session.scalars(its.order_by(Accreditation.decision.not_in(STANDS), Accreditation.id.desc())))


def papers(session: Session, agent_id: int) -> list[FieldPaper]:
    """The papers that an agent has."""
    return _papers_of(session, [agent_id]).get(agent_id, [])


def worker_of(session: Session, agent: FieldAgent) -> Worker:
    """What the company knows of an agent."""
    return _worker(agent, papers(session, agent.id))


def _papers_of(session: Session, agent_ids: Collection[int]) -> dict[int, list[FieldPaper]]:
    its = select(FieldPaper).where(FieldPaper.agent_id.in_(agent_ids), FieldPaper.withdrawn_at.is_(None))
    found: dict[int, list[FieldPaper]] = {}
    for one in session.scalars(its.order_by(FieldPaper.agent_id, FieldPaper.id)):
        found.setdefault(one.agent_id, []).append(one)
    return found


def _worker(agent: FieldAgent, his: Collection[FieldPaper]) -> Worker:
    return Worker(
        agent.badge_until, agent.photo is not None, {one.paper: one.expires_on for one in his}, agent.ended_on
    )


# -- ties -------------------------------------------------------------------------------------------------------------


def signs_of(session: Session, *, agent_id: int, contact_ids: Collection[int]) -> dict[int, tuple[Sign, ...]]:
    """What speaks for a tie between an agent and each of these taxpayers."""
    return ties(session, agent_ids=[agent_id], contact_ids=contact_ids)[agent_id]


def ties(
    session: Session, *, agent_ids: Collection[int], contact_ids: Collection[int]
) -> dict[int, dict[int, tuple[Sign, ...]]]:
    """The same of several agents, a few statements for all of them. Each taxpayer under all of his rows."""
    none: dict[int, tuple[Sign, ...]] = dict.fromkeys(contact_ids, ())
    agents = session.scalars(select(FieldAgent).where(FieldAgent.id.in_(agent_ids))).all() if contact_ids else ()
    found = dict.fromkeys(agent_ids, none)
    if not agents:
        return found
    persons = calling.persons(session, contact_ids)
    rows = _taxpayers(session, {row for his in persons.values() for row in his})
    them = {one: _united(rows[row] for row in his if row in rows) for one, his in persons.items() if one in rows}
    declared = _declared(session, agent_ids)
    for agent in agents:
        himself = _known(agent)
        found[agent.id] = {one: signs(himself, taxpayer, declared[agent.id]) for one, taxpayer in them.items()}
    return found


def _united(rows: Iterable[Known]) -> Known:
    """One person under several rows: what is known of any of them is known of him."""
    some = list(rows)
    none: frozenset[str] = frozenset()
    return Known(
        some[0].codice_fiscale, none.union(*(one.surnames for one in some)), none.union(*(one.homes for one in some)),
        none.union(*(one.phones for one in some)),
        none.union(*(one.others | {one.codice_fiscale} for one in some)),
    )  # fmt: skip


def _known(agent: FieldAgent) -> Known:
    surnames = (agent.surname, *agent.former_surnames.split(","))
    homes = (Address(agent.street, agent.postcode, agent.town, one) for one in (agent.province, None))
    return Known(
        agent.codice_fiscale, frozenset(one for one in surnames if one.strip()),
        frozenset(one.key for one in homes), frozenset({agent.phone}),
    )  # fmt: skip


def _declared(session: Session, agent_ids: Collection[int]) -> Mapping[int, set[str]]:
    """A tie declared before one ente is one with that person before all."""
    found: dict[int, set[str]] = defaultdict(set)
    for agent_id, code in session.execute(
        select(DeclaredTie.agent_id, Contact.codice_fiscale)
        .join(Contact, (DeclaredTie.ente_id == Contact.ente_id) & (DeclaredTie.contact_id == Contact.id))
        .where(DeclaredTie.agent_id.in_(agent_ids))
    ):
        found[agent_id].add(code)
    return found


def _taxpayers(session: Session, contact_ids: Collection[int]) -> Mapping[int, Known]:
    """As the records have them, without what was found wrong; whoever had to do with them once counts."""
    homes: dict[int, set[str]] = {}
    for contact_id, key in session.execute(
        select(ContactAddress.contact_id, ContactAddress.place_key).where(
            ContactAddress.contact_id.in_(contact_ids), ContactAddress.verification != Verification.WRONG
        )
    ):
        homes.setdefault(contact_id, set()).add(key)
    phones: dict[int, set[str]] = {}
    for contact_id, value in session.execute(
        select(ContactReach.contact_id, ContactReach.value).where(
            ContactReach.contact_id.in_(contact_ids), ContactReach.kind == ReachKind.PHONE,
            ContactReach.verification != Verification.WRONG,
        )
    ):  # fmt: skip
        phones.setdefault(contact_id, set()).add(value)
    others: dict[int, set[str]] = {}
    for contact_id, code in session.execute(
        select(Relation.contact_id, Relation.codice_fiscale).where(
            Relation.contact_id.in_(contact_ids), Relation.codice_fiscale.is_not(None)
        )
    ):
        others.setdefault(contact_id, set()).add(code or "")
    rows = session.execute(
        select(Contact.id, Contact.codice_fiscale, Contact.kind, Contact.surname).where(Contact.id.in_(contact_ids))
    )
    return {
        row.id: Known(
            row.codice_fiscale, frozenset({row.surname} if row.kind is PersonKind.NATURAL else ()),
            frozenset(homes.get(row.id, ())), frozenset(phones.get(row.id, ())), frozenset(others.get(row.id, ())),
        )
        for row in rows
    }  # fmt: skip


def patron_of(session: Session, ente_id: int) -> Patron:
    """The day of an ente's patron saint, on which its terms do not run."""
    ente = session.get_one(Ente, ente_id)
    return ente.patron_month, ente.patron_day
