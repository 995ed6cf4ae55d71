"""Whose a case is: given by hand, or shared out among those who know its topic and have room."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, func, not_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.cases import having, rights, told
from crm.cases.lifecycle import Deed, State, Topic, Who
from crm.cases.models import Case, CaseTeam, CaseWorker
from crm.cases.service import locked
from crm.cases.sharing import Hand, Left, Shared, Waiting, share
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import FieldError, InvalidError
from crm.enti import queries as enti

USUAL, MOST = 30, 500  # cases at once
AT_ONCE = 500
NO_TEAM = "Questa squadra non c'è più: ricarica la pagina."
_C, _W = table_of(Case), table_of(CaseWorker)


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody who may work on a contract's cases; without topics nothing is shared out to him."""

    id: int
    name: str
    topics: frozenset[Topic]
    most: int
    load: int


@dataclass(frozen=True, slots=True)
class Line:
    """A case in a plan."""

    id: int
    label: str
    topic: Topic
    team: str  # empty: of none
    owner_id: int | None
    owner: str
    left: Left | None


def assign(
    session: Session, by: Principal, *, case_id: int, version: int, user_id: int | None, team_id: int | None = None
) -> None:
    """It is somebody's, a team's until one of it takes it up, or (none) nobody's again. Who works on cases may take one
    himself that nobody has, or a team that he is of; others' are given by whoever manages them.

    Raises `InvalidError` for somebody who may not work for the ente, or a team of which nobody may.
    """
    team = _team(session, team_id) if team_id is not None else None
    row = locked(session, case_id, version)
    taking = user_id == by.user_id and (row.owner_id == user_id or having.may_take(session, row, by.user_id))
    rights.require(session, by, Who.OPERATOR if taking else Who.SUPERVISOR, row.ente_id)
    if user_id is not None and user_id not in access.able_on(session, Permission.CASE_WORK, ente_id=row.ente_id):
        raise FieldError("Questa persona non lavora, o non più, per questo ente: scegline un'altra.", "owner")
    if team is not None and (
        team.contract_id != row.contract_id or not by.can(Permission.CASE_MANAGE, contract_id=team.contract_id)
    ):
        raise FieldError(NO_TEAM, "owner")
    if team is not None and not having.members_for(session, team.id, row.ente_id):
        raise FieldError("In questa squadra nessuno lavora per questo ente: scegline un'altra.", "owner")
    if row.owner_id == user_id and (user_id is not None or row.team_id == team_id):
        return
    _give(session, by, row, user_id, team)


def workers(session: Session, contract_id: int) -> list[Worker]:
    """Whoever may work on the cases of a contract, by name."""
    able = access.able(session, Permission.CASE_WORK, contract_id=contract_id)
    known = {one.user_id: one for one in session.scalars(select(CaseWorker).where(_W.c.contract_id == contract_id))}
    rows = session.execute(
        select(_C.c.owner_id, func.count())
        .where(_C.c.owner_id.in_(list(able)), _C.c.state != State.CLOSED)
        .group_by(_C.c.owner_id)
    )
    load = {owner_id: n for owner_id, n in rows}  # noqa: C416  # rows are no pairs to mypy
    return [
        Worker(
            user_id, name, frozenset(Topic(one) for one in known[user_id].topics) if user_id in known else frozenset(),
            known[user_id].most if user_id in known else USUAL, load.get(user_id, 0),
        )
        for user_id, name in able.items()
    ]  # fmt: skip


def set_worker(
    session: Session, by: Principal, *, contract_id: int, user_id: int, topics: Collection[Topic], most: int
) -> None:  # fmt: skip
    """On which topics somebody works, and how many cases at once; without topics on none. Raises `InvalidError`."""
    by.require(Permission.CASE_MANAGE, contract_id=contract_id)
    if user_id not in access.able(session, Permission.CASE_WORK, contract_id=contract_id):
        raise InvalidError("Questa persona non lavora, o non più, per questo contratto.")
    if not 1 <= most <= MOST:
        raise FieldError(f"Un numero intero, da 1 a {MOST}.", "most")
    if not topics:
        session.execute(delete(CaseWorker).where(_W.c.contract_id == contract_id, _W.c.user_id == user_id))
        return
    said = {"topics": sorted(topics), "most": most}
    session.execute(
        insert(_W).values(contract_id=contract_id, user_id=user_id, **said)
        .on_conflict_do_update(index_elements=["contract_id", "user_id"], set_=said)
    )  # fmt: skip


def plan(session: Session, by: Principal, *, contract_id: int) -> tuple[list[Line], dict[str, int]]:
    """Who would get which of the cases that nobody has taken up, a team's only who is of it; and how many each would
    have then, by name. Changes nothing.
    """
    by.require(Permission.CASE_MANAGE, contract_id=contract_id)
    rows, _, shared, names = _plan(session, contract_id)
    held = select(CaseTeam).where(CaseTeam.id.in_({one.team_id for one in rows if one.team_id is not None}))
    teams = {one.id: one.name for one in session.scalars(held)}
    lines = [
        Line(
            one.id, told.label(one), one.topic, teams.get(one.team_id or 0, ""), shared.given.get(one.id),
            names.get(shared.given.get(one.id, 0), ""), shared.left.get(one.id),
        )
        for one in rows
    ]  # fmt: skip
    gets = Counter(shared.given.values())
    return lines, {names[one]: shared.load[one] for one in sorted(gets, key=lambda each: names[each])}


def apply(session: Session, by: Principal, *, contract_id: int, wanted: Mapping[int, int]) -> int:
    """Give the cases as they were looked at, those that nobody has taken up meanwhile; how many were."""
    by.require(Permission.CASE_MANAGE, contract_id=contract_id)
    rows, waiting, _, _ = _plan(session, contract_id, lock=True)
    given = 0
    for row, one in zip(rows, waiting, strict=True):
        user_id = wanted.get(row.id)
        if user_id in one.may:
            _give(session, by, row, user_id)
            given += 1
    return given


def _plan(
    session: Session, contract_id: int, *, lock: bool = False
) -> tuple[list[Case], list[Waiting], Shared, dict[int, str]]:
    free = (
        select(Case)
        .where(
            _C.c.contract_id == contract_id, not_(having.taken(session)), _C.c.state != State.CLOSED,
            _C.c.ente_id.in_(enti.enti_of(session, contract_id)),
        )
        .order_by(_C.c.due_at.asc().nulls_last(), _C.c.id).limit(AT_ONCE)
    )  # fmt: skip
    rows = list(session.scalars(free.with_for_update() if lock else free))
    people = workers(session, contract_id)
    ids = frozenset(one.id for one in people)
    may = {
        (ente_id, team_id): ids & (
            (having.members_for(session, team_id, ente_id) if team_id is not None else None)
            or access.able_on(session, Permission.CASE_WORK, ente_id=ente_id).keys()
        )
        for ente_id, team_id in {(one.ente_id, one.team_id) for one in rows}
    }  # fmt: skip
    waiting = [Waiting(one.id, one.topic, one.due_at, may[one.ente_id, one.team_id]) for one in rows]
    shared = share(waiting, [Hand(one.id, one.topics, one.load, one.most) for one in people])
    return rows, waiting, shared, {one.id: one.name for one in people}


def _team(session: Session, team_id: int) -> CaseTeam:
    """Locked, before any case is: it is not closed meanwhile."""
    row = session.get(CaseTeam, team_id, with_for_update={"read": True}, populate_existing=True)
    if row is None or not row.active:
        raise FieldError(NO_TEAM, "owner")
    return row


def _give(session: Session, by: Principal, row: Case, user_id: int | None, team: CaseTeam | None = None) -> None:
    having.give(session, row, user_id, team.id if team is not None else None)
    row.version += 1
    name = access.named(session, [user_id])[user_id] if user_id is not None else team.name if team is not None else ""
    told.step(session, by, row, Deed.ASSIGN, clock.now(session), words=name)
