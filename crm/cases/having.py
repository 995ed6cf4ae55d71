"""Who has a case: a person, as long as he may work for its ente; a team, as long as one of its people may, until one of
them takes it up; or nobody. What somebody of the team took up stays the team's, too.
"""

from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, and_, not_, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from crm.access import queries as access
from crm.access.permissions import Permission
from crm.cases.lifecycle import Topic
from crm.cases.models import Case, CaseTeam, CaseTeamMember
from crm.core.db import table_of

Columns: TypeAlias = ReadOnlyColumnCollection[str, Any]
_C, _M = table_of(Case), table_of(CaseTeamMember)


def teams_of(user_id: int) -> Select[int]:
    """Selects the teams that somebody is of."""
    return select(CaseTeamMember.team_id).where(CaseTeamMember.user_id == user_id)


def taken(session: Session, of: Columns = _C.c) -> ColumnElement[bool]:
    """Of cases: those that somebody has who may still work for the ente. `of`: what has a case's columns."""
    return access.is_able(session, Permission.CASE_WORK, of.owner_id, of.ente_id)


def nobodys(session: Session, of: Columns = _C.c) -> ColumnElement[bool]:
    """Of cases: those that nobody has, nor any team that has people for the ente."""
    able = access.is_able(session, Permission.CASE_WORK, _M.c.user_id, of.ente_id)
    its = select(_M.c.user_id).where(_M.c.team_id == of.team_id, able).correlate_except(_M).exists()
    return and_(not_(taken(session, of)), not_(its))


def looked_after_by(session: Session, user_id: int) -> ColumnElement[bool]:
    """Of cases: his own, and those of his teams that nobody has taken up."""
    return or_(_C.c.owner_id == user_id, and_(_C.c.team_id.in_(teams_of(user_id)), not_(taken(session))))


def is_of(session: Session, team_id: int | None, user_id: int) -> bool:
    """Whether somebody is of a team."""
    return team_id is not None and session.get(CaseTeamMember, (team_id, user_id)) is not None


def has(session: Session, row: Case) -> bool:
    """Whether somebody in person has a case, who may still work for its ente."""
    return row.owner_id is not None and row.owner_id in _able(session, row.ente_id)


def may_take(session: Session, row: Case, user_id: int) -> bool:
    """Whether somebody may take a case up by himself: nobody has it, or a team that he is of."""
    if has(session, row):
        return False
    return is_of(session, row.team_id, user_id) or not followers(session, row)


def followers(session: Session, row: Case) -> frozenset[int]:
    """Who is told about a case: its owner, or those of its team who may work for its ente. Empty: nobody has it."""
    if row.owner_id is not None and has(session, row):
        return frozenset({row.owner_id})
    return members_for(session, row.team_id, row.ente_id) if row.team_id is not None else frozenset()


def members_for(session: Session, team_id: int, ente_id: int) -> frozenset[int]:
    """Those of a team who may work for an ente."""
    its = session.scalars(select(_M.c.user_id).where(_M.c.team_id == team_id))
    return frozenset(its) & _able(session, ente_id)


def give(session: Session, row: Case, user_id: int | None, team_id: int | None = None) -> None:
    """It is somebody's, and stays its team's if he is of it; or a team's; or nobody's."""
    if user_id is not None and is_of(session, row.team_id, user_id):
        team_id = row.team_id
    row.owner_id, row.team_id = user_id, team_id


def team_for(session: Session, contract_id: int, topic: Topic) -> CaseTeam | None:
    """The team whose a new case about a topic is; it may have nobody for the case's ente."""
    return session.scalars(
        select(CaseTeam)
        .where(CaseTeam.contract_id == contract_id, CaseTeam.active, CaseTeam.topics.contains([topic.value]))
        .with_for_update(read=True)
    ).one_or_none()


def _able(session: Session, ente_id: int) -> frozenset[int]:
    return frozenset(access.able_on(session, Permission.CASE_WORK, ente_id=ente_id))
