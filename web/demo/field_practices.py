"""The demonstration's practices: Empoli has some debtors visited; whoever visits for it already has some mandates."""

import random
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.core import clock
from crm.core.db import table_of
from crm.enti.models import Ente
from crm.positions.models import Position
from outbound.field.agents import queries as of_agents
from outbound.field.agents.models import FieldAgent
from outbound.field.places import reading
from outbound.field.practices import assignments, opening, own, service
from outbound.field.practices.lifecycle import Limits
from outbound.field.practices.models import Practice
from web.demo.places import MUNICIPALITIES, OVERSEEN

PEOPLE, ACCEPTED = 18, 6
HEAD = "COMUNE;VIA;CIVICO;CAP;LON;LAT\n"
MIDDLE = (43.7186, 10.9455)  # of Empoli, in degrees
_P = table_of(Position)


def have_visited(session: Session, *, contract_id: int, today: date) -> None:
    """Once: a second time it does nothing. Civic numbers are invented, near where the town is."""
    ente_id = session.scalars(select(Ente.id).where(Ente.cadastral_code == OVERSEEN)).one()
    if session.scalar(select(Practice.id).where(Practice.ente_id == ente_id).limit(1)) is not None:
        return
    carla = session.scalars(select(User.id).where(User.username == "carla")).one()
    manager = Principal(carla, "", "it", frozenset({Held(Role.CAMPAIGN_MANAGER, None, contract_id)}))
    dice = random.Random(f"practices:{today}")  # noqa: S311 (invented data)
    reading.read(session, manager, name="civici-empoli.csv", lines=[HEAD, *_civics(dice)])
    most = (
        select(_P.c.contact_id)
        .where(_P.c.ente_id == ente_id, _P.c.residual_cents > 0, _P.c.withdrawn_as_of.is_(None))
        .group_by(_P.c.contact_id).order_by(func.sum(_P.c.residual_cents).desc(), _P.c.contact_id).limit(3 * PEOPLE)
    )  # fmt: skip
    found = opening.candidates(
        session, ente_id=ente_id, contact_ids=list(session.scalars(most)), at=clock.now(session)
    )  # fmt: skip
    able = [one.contact_id for one in found if not one.refused][:PEOPLE]
    opening.decide(session, manager, ente_id=ente_id, contact_ids=able)
    hands = of_agents.active(session, ente_id=ente_id, day=today)
    if not hands:
        return
    limits = Limits(today, today + timedelta(days=60), 3, may_photograph=True)
    made = assignments.propose(session, manager, ente_id=ente_id, limits=limits, most=PEOPLE - 4)
    assignments.apply(session, manager, assignment_id=made)
    for hand in hands:
        agent = session.get_one(FieldAgent, hand.id)
        by = Principal(agent.user_id, "", "it", frozenset({Held(Role.FIELD_AGENT, None, contract_id)}))
        for one in own.mine(session, hand.id)[:ACCEPTED]:
            service.accept(session, by, mandate_id=one.id, no_ties=True)


def _civics(dice: random.Random) -> list[str]:
    """The streets that the demonstration's people live in, but for one, whose addresses are placed by hand."""
    town = next(one for one in MUNICIPALITIES if one.cadastral_code == OVERSEEN)
    lines = []
    for street in town.streets[:-1]:
        at, along = [one + dice.uniform(-0.012, 0.012) for one in MIDDLE], (dice.uniform(-1, 1), dice.uniform(-1, 1))
        for number in range(1, 181):
            if dice.random() < 0.1:
                continue  # so that some are placed at the nearest
            side = 0.00008 if number % 2 else -0.00008
            lat, lon = at[0] + number * 0.00006 * along[0] + side, at[1] + number * 0.00006 * along[1]
            lines.append(f"{town.short_name};{street};{number};{town.postcode};{lon:.6f};{lat:.6f}\n")
    return lines
