"""The teams of a contract: who is of them, which topics are theirs."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, func, not_, select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.cases import having, told
from crm.cases.lifecycle import Deed, State, Topic
from crm.cases.models import Case, CaseTeam, CaseTeamMember
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import FieldError, InvalidError, NotFoundError

MAX_NAME = 80
CHANGING = 0x7EA35  # the advisory locks of the contracts whose teams are being changed
_C, _M = table_of(Case), table_of(CaseTeamMember)


@dataclass(frozen=True, slots=True)
class TeamView:
    """A team. `members`: those of it who may still work on the contract's cases, by name; `cases`: its open ones;
    `free`: those of them that nobody has taken up.
    """

    id: int
    name: str
    topics: frozenset[Topic]
    members: dict[int, str]
    cases: int
    free: int


def of_contract(session: Session, contract_id: int) -> list[TeamView]:
    """The teams of a contract, by name."""
    teams = session.scalars(
        select(CaseTeam).where(CaseTeam.contract_id == contract_id, CaseTeam.active).order_by(CaseTeam.name)
    ).all()
    able = access.able(session, Permission.CASE_WORK, contract_id=contract_id)
    ids = [one.id for one in teams]
    its: dict[int, set[int]] = {}
    for row in session.execute(select(_M.c.team_id, _M.c.user_id).where(_M.c.team_id.in_(ids))):
        its.setdefault(row.team_id, set()).add(row.user_id)
    free = not_(having.taken(session))
    counted = session.execute(
        select(_C.c.team_id, func.count().label("cases"), func.count().filter(free).label("free"))
        .where(_C.c.team_id.in_(ids), _C.c.state != State.CLOSED)
        .group_by(_C.c.team_id)
    )
    left = {row.team_id: (row.cases, row.free) for row in counted}
    return [
        TeamView(
            one.id, one.name, frozenset(map(Topic, one.topics)),
            {user_id: name for user_id, name in able.items() if user_id in its.get(one.id, ())},
            *left.get(one.id, (0, 0)),
        )
        for one in teams
    ]  # fmt: skip


def names(session: Session, contract_ids: Collection[int]) -> dict[int, str]:
    """The teams of some contracts, by name."""
    rows = session.scalars(
        select(CaseTeam).where(CaseTeam.contract_id.in_(contract_ids), CaseTeam.active).order_by(CaseTeam.name)
    )
    return {one.id: one.name for one in rows}


def for_case(session: Session, by: Principal, *, contract_id: int, ente_id: int) -> dict[int, str]:
    """The teams to which somebody may give a case of a contract, those that have people for its ente, by name."""
    if not by.can(Permission.CASE_MANAGE, contract_id=contract_id):
        return {}
    its = names(session, [contract_id])
    return {team_id: name for team_id, name in its.items() if having.members_for(session, team_id, ente_id)}


def make(
    session: Session, by: Principal, *, contract_id: int, name: str, topics: Collection[Topic], members: Collection[int]
) -> int:
    """A new team, or again one that was closed; its id. Raises `InvalidError`, field by field."""
    by.require(Permission.CASE_MANAGE, contract_id=contract_id)
    _alone(session, contract_id)
    row = session.scalars(
        select(CaseTeam).where(CaseTeam.contract_id == contract_id, CaseTeam.name == _name(name), ~CaseTeam.active)
    ).one_or_none() or CaseTeam(contract_id=contract_id)
    _write(session, by, row, name, topics, members, kind="case_team.made")
    return row.id


def change(
    session: Session, by: Principal, *, team_id: int, name: str, topics: Collection[Topic], members: Collection[int]
) -> None:
    """Its name, its topics from now on, and who is of it. Whoever leaves it keeps the cases that he took up.

    Raises `InvalidError`, field by field.
    """
    _write(session, by, _managed(session, by, team_id), name, topics, members, kind="case_team.changed")


def close(session: Session, by: Principal, *, team_id: int) -> int:
    """There is no such team any more: its open cases are whose they are, or nobody's; how many it had."""
    row = _managed(session, by, team_id)
    row.active, row.topics = False, []
    session.execute(delete(_M).where(_M.c.team_id == team_id))
    at = clock.now(session)
    its = session.scalars(
        select(Case).where(Case.team_id == team_id, Case.state != State.CLOSED).order_by(Case.id).with_for_update()
    ).all()
    for case in its:
        left = case.owner_id
        having.give(session, case, left)
        case.version += 1
        told.step(
            session, by, case, Deed.ASSIGN, at, words=access.named(session, [left])[left] if left is not None else ""
        )
    _note(session, by, row, "case_team.closed")
    return len(its)


def _write(
    session: Session, by: Principal, row: CaseTeam, name: str, topics: Collection[Topic], members: Collection[int],
    *, kind: str,
) -> None:  # fmt: skip
    wrong: list[InvalidError] = []
    for other in session.scalars(select(CaseTeam).where(CaseTeam.contract_id == row.contract_id)):
        if other is row:
            continue
        if other.name == _name(name):
            wrong.append(InvalidError("C'è già, o c'era, una squadra con questo nome.", field="name"))
        if other.active and set(other.topics) & set(topics):
            wrong.append(InvalidError(f"Un argomento è già della squadra {other.name}.", field="topics"))
    if not set(members) <= access.able(session, Permission.CASE_WORK, contract_id=row.contract_id).keys():
        wrong.append(InvalidError("Qualcuno non lavora più per questo contratto: ricarica la pagina.", field="members"))
    if not members:
        wrong.append(InvalidError("Scegli almeno una persona.", field="members"))
    if wrong:
        raise InvalidError("Qualcosa non va: guarda i campi segnati.", parts=wrong)
    row.name, row.topics, row.active = _name(name), sorted(topics), True
    session.add(row)
    session.flush()
    session.execute(delete(_M).where(_M.c.team_id == row.id))
    session.add_all(CaseTeamMember(team_id=row.id, user_id=one) for one in sorted(set(members)))
    session.flush()
    _note(session, by, row, kind, topics=row.topics, people=len(set(members)))


def _managed(session: Session, by: Principal, team_id: int) -> CaseTeam:
    """Locked: a case that is given to it meanwhile would be lost with it."""
    by.require(Permission.CASE_MANAGE)
    row = session.get(CaseTeam, team_id)
    if row is None or not row.active or row.contract_id not in by.contracts_for(Permission.CASE_MANAGE):
        raise NotFoundError("Questa squadra non c'è.")
    _alone(session, row.contract_id)
    session.refresh(row, with_for_update=True)
    if not row.active:
        raise NotFoundError("Questa squadra non c'è.")
    return row


def _alone(session: Session, contract_id: int) -> None:
    """Nobody else changes the contract's teams meanwhile: a topic is of one."""
    session.execute(select(func.pg_advisory_xact_lock(CHANGING, contract_id)))


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > MAX_NAME:
        raise FieldError(f"Scrivi un nome, di al massimo {MAX_NAME} caratteri.", "name")
    return name


def _note(session: Session, by: Principal, row: CaseTeam, kind: str, **what: object) -> None:
    audit.note(
        session, by, kind=kind, ente_id=None, subject=f"contract:{row.contract_id}",
        after={"team": row.id, "name": row.name, **what},
    )  # fmt: skip
