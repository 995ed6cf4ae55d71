"""Fabio's doors: his card and three practices in Empoli that he accepted, unless somebody gave him some before."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.contacts.models import AddressKind, Contact, ContactAddress
from crm.core import clock
from crm.positions.models import Position, PositionState
from outbound.field.agents.models import Accreditation, FieldAgent
from outbound.field.agents.standing import Decision
from outbound.field.practices.lifecycle import MandateState, Origin, State
from outbound.field.practices.models import FieldMandate, Practice, PracticeDebt

SPACE = UUID("b0c7e2f4-7f5b-4a37-9c55-1f6d1f9c9a10")
DOORS = 3
DAYS = timedelta(days=30)


def doors(session: Session, *, ente_id: int, username: str, manager: str) -> None:
    """Give him what the page of the doors shows. Called again, it changes nothing."""
    user_id = session.scalars(select(User.id).where(User.username == username)).one()
    by = session.scalars(select(User.id).where(User.username == manager)).one()
    agent = session.scalar(select(FieldAgent).where(FieldAgent.user_id == user_id)) or _agent(session, user_id, by)
    if session.scalar(select(Practice.id).where(Practice.agent_id == agent.id).limit(1)) is not None:
        return
    at = clock.now(session)
    if session.scalar(select(Accreditation.id).where(Accreditation.agent_id == agent.id).limit(1)) is None:
        session.add(
            Accreditation(
                ente_id=ente_id, agent_id=agent.id, decision=Decision.APPROVED, proposed_at=at, proposed_by=by,
                decided_at=at, decided_by=by, letter="1" * 64, letter_at=at, notified_on=clock.business_day(at),
                proof="2" * 64,
            )
        )  # fmt: skip
    number = session.scalar(select(func.max(Practice.number)).where(Practice.ente_id == ente_id)) or 0
    for place, (contact_id, positions) in enumerate(_overdue(session, ente_id)):
        _practice(session, ente_id, contact_id, positions, agent.id, by, number + place + 1)
    session.flush()


def _agent(session: Session, user_id: int, by: int) -> FieldAgent:
    at = clock.now(session)
    agent = FieldAgent(
        user_id=user_id, surname="Lotti", given_name="Fabio", codice_fiscale="LTTFBA80A01G702K",
        born_on=clock.business_day(at).replace(year=1980, month=1, day=1), birthplace="Pisa", street="Via Lucca 9",
        postcode="56100", town="Pisa", province="PI", phone="+393330000009", photo=None, badge_number=1,
        badge_code="FL80KQ72", badge_until=clock.business_day(at) + timedelta(days=365), made_at=at, made_by=by,
    )  # fmt: skip
    session.add(agent)
    session.flush()
    return agent


def _overdue(session: Session, ente_id: int) -> list[tuple[int, Sequence[Position]]]:
    """People of the ente, at home there, with something overdue that has a notice."""
    free = ~select(Practice.id).where(Practice.contact_id == Position.contact_id).exists()
    ids = session.scalars(
        select(Position.contact_id)
        .join(ContactAddress, ContactAddress.contact_id == Position.contact_id)
        .where(
            Position.ente_id == ente_id, Position.state == PositionState.OVERDUE, Position.residual_cents > 0,
            Position.notice_number.is_not(None), ContactAddress.kind == AddressKind.RESIDENCE, free,
        )
        .group_by(Position.contact_id).order_by(Position.contact_id).limit(DOORS)
    ).all()  # fmt: skip
    overdue = Position.state == PositionState.OVERDUE, Position.residual_cents > 0
    return [
        (one, session.scalars(select(Position).where(Position.contact_id == one, *overdue).limit(3)).all())
        for one in ids
    ]


def _practice(
    session: Session, ente_id: int, contact_id: int, positions: Sequence[Position], agent_id: int, by: int, number: int
) -> None:  # fmt: skip
    at = clock.now(session)
    home = session.scalars(select(ContactAddress).where(ContactAddress.contact_id == contact_id)).first()
    cents = sum(one.residual_cents for one in positions)
    row = Practice(
        ente_id=ente_id, number=number, contact_id=contact_id, origin=Origin.ENTE, state=State.ACCEPTED, cents=cents,
        residential=session.get_one(Contact, contact_id).given_name is not None, street=home.street if home else "",
        postcode=(home.postcode if home else "") or "", town=(home.town if home else "") or "", agent_id=agent_id,
        opened_at=at, opened_by=by,
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.add_all(
        PracticeDebt(practice_id=row.id, reference=one.reference, ente_id=ente_id, cents=one.residual_cents)
        for one in positions
    )
    today = clock.business_day(at)
    session.add(
        FieldMandate(
            id=uuid5(SPACE, f"{ente_id}:{row.id}"), ente_id=ente_id, practice_id=row.id, agent_id=agent_id,
            state=MandateState.ACCEPTED, valid_from=today, valid_to=today + DAYS, cents=cents, most_visits=3,
            may_photograph=True, given_at=at, given_by=by, accepted_at=at, no_ties_at=at,
        )
    )  # fmt: skip
