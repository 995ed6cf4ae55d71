"""Whether a badge is good, told to whoever asks: a citizen on the web, by telephone, or an operator for him.

What is asked is answered alike and by the same reads whatever the badge: nobody learns from it which ones there were.
"""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.attempts import place_of
from crm.contacts.names import full_name
from crm.core import clock, secrecy
from crm.core.clock import business_day
from crm.core.db import Scope, table_of
from crm.enti import queries as enti
from outbound.field.agents import company, queries
from outbound.field.agents.badges import Valid, parse
from outbound.field.agents.models import BadgePace, FieldAgent
from outbound.field.agents.standing import valid_until
from telephony.ivr.turns import Bearer

MOST_IN_STRETCH = 20  # questions from one place; who stands at a door asks once or twice
STRETCH = timedelta(minutes=10)
_PACE = table_of(BadgePace)
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def scope(session: Session) -> Scope:
    """In which a badge is looked at: every ente that is served. It needs a transaction that may see the enti alone."""
    return Scope.of_enti(enti.served(session))


def by_code(session: Session, typed: str, day: date) -> Valid | None:
    """What is said of the badge with this code on a day; none: it is not valid."""
    code = parse(typed) or ""
    return _told(session, session.scalar(select(FieldAgent).where(FieldAgent.badge_code == code)), day)


def by_number(session: Session, number: int, day: date) -> Valid | None:
    """The same of the badge with this number, for whoever can compare name and face."""
    return _told(session, session.scalar(select(FieldAgent).where(FieldAgent.badge_number == number)), day)


def by_voice(session: Session, code: str) -> Bearer | None:
    """The same for a caller, of the enti of his line's contract: whom he rang up for."""
    found = by_code(session, code, today(session))
    return None if found is None else Bearer(found.name, found.badge_number, found.until)


def _told(session: Session, agent: FieldAgent | None, day: date) -> Valid | None:
    found = agent or FieldAgent(id=0)  # who is none: what is read of him is read all the same
    badges = enti.badges(session, enti.served(session))
    kept, its = queries.keeps(session, [found], list(badges), day), company.of_installation(session)
    acts = sorted(badges[one].name for (_, one), why in kept.items() if not why)
    until = valid_until(queries.worker_of(session, found))
    if agent is None or its is None or agent.photo is None or until is None or not acts:
        return None
    return Valid(
        full_name(agent.surname, agent.given_name), agent.badge_number, agent.photo, its.name, tuple(acts), until
    )


def allowed(session: Session, address: str) -> bool:
    """Count a question from a place, and whether it may be asked: codes cannot be tried one after the other."""
    mark = secrecy.of(session).mark("field.badge", place_of(address).encode())[:16]
    at = clock.now(session)
    since = at - (at - _EPOCH) % STRETCH
    asked = session.scalar(select(_PACE.c.asked).where(_PACE.c.mark == mark, _PACE.c.since == since)) or 0
    if asked >= MOST_IN_STRETCH:
        return False
    session.execute(delete(_PACE).where(_PACE.c.since < at - timedelta(hours=1)))
    counted = insert(_PACE).values(mark=mark, since=since, asked=1)
    counted = counted.on_conflict_do_update(index_elements=["mark", "since"], set_={"asked": _PACE.c.asked + 1})
    return bool(session.scalars(counted.returning(_PACE.c.asked)).one() <= MOST_IN_STRETCH)


def today(session: Session) -> date:
    """The day of which it is asked."""
    return business_day(clock.now(session))
