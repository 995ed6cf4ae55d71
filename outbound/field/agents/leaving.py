"""What the company keeps of an agent who left, and until when: papers, photo, what the Questura was told of him.

That he was an agent, under which badge and for whom stays: mandates, reports and the register of operations name him.
"""

from datetime import date, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from crm.audit import service as audit
from crm.contacts.names import full_name
from crm.core import clock
from crm.core.clock import business_day
from crm.core.db import Database, Scope
from crm.enti import queries as enti
from outbound.field.agents import company
from outbound.field.agents.models import Accreditation, AgentFile, FieldAgent, FieldPaper

AT_ONCE = 50


def goes_on(last: date, years: int) -> date:
    """The day on which they go: the one after so many years from his last day (Civil Code, article 2963).

    How many is the company's to say. The usual five are those for which similar registers of whoever works under a
    licence of public security are kept (R.D. 635/1940, articles 247 and 260): until then it may have to show by what
    right he went to a door.
    """
    try:
        ends = last.replace(year=last.year + years)
    except ValueError:
        ends = last.replace(year=last.year + years, day=28)
    return ends + timedelta(days=1)


def forget_all(database: Database) -> int:
    """Delete what is kept of those whose term is over; of how many agents."""
    with database.begin(Scope.nothing()) as session:
        served = enti.served(session)
    return database.transact(Scope.of_enti(served), forget)


def forget(session: Session) -> int:
    """The same; the session sees the enti that are served."""
    years, today = company.kept_years(session), business_day(clock.now(session))
    left = session.scalars(
        select(FieldAgent)
        .where(
            FieldAgent.ended_on < today,
            or_(FieldAgent.forgotten_on.is_(None), FieldAgent.forgotten_on <= FieldAgent.ended_on),
        )
        .order_by(FieldAgent.ended_on).limit(AT_ONCE).with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()  # fmt: skip
    due = [one for one in left if one.ended_on is not None and goes_on(one.ended_on, years) <= today]
    for agent in due:
        _forget(session, agent, today)
    return len(due)


def _forget(session: Session, agent: FieldAgent, today: date) -> None:
    his = session.scalars(select(FieldPaper).where(FieldPaper.agent_id == agent.id)).all()
    told = session.scalars(select(Accreditation).where(Accreditation.agent_id == agent.id)).all()
    digests = {agent.photo, *(one.sha256 for one in his), *(each for one in told for each in (one.letter, one.proof))}
    for paper in his:
        session.delete(paper)
    agent.photo, agent.forgotten_on = None, today
    session.flush()
    others = (  # a receipt may be about several agents
        select(FieldAgent.photo), select(FieldPaper.sha256),
        *(select(one).where(Accreditation.agent_id != agent.id) for one in (Accreditation.letter, Accreditation.proof)),
    )  # fmt: skip
    kept = {digest for each in others for digest in session.scalars(each.distinct()) if digest}
    session.execute(delete(AgentFile).where(AgentFile.sha256.in_(one for one in digests if one and one not in kept)))
    audit.note(
        session, None, kind="field_agent.papers_forgotten", ente_id=None,
        subject=full_name(agent.surname, agent.given_name), after={"agent": agent.id, "papers": len(his)},
    )  # fmt: skip
