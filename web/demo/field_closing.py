"""The demonstration's closed practices: what their debtors have paid since earned Fabio commission, by quarters."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID, uuid5

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.contacts.models import Contact
from crm.core.clock import ROME
from crm.enti.models import Ente
from crm.positions.models import Position
from outbound.field.agents.models import FieldAgent
from outbound.field.closing import agreeing, listening, register, reports, settling
from outbound.field.closing.agreed import Band, Conditions, Part, Phase
from outbound.field.closing.models import CommissionTerms
from outbound.field.closing.quarters import Quarter
from outbound.field.practices.lifecycle import Closed, MandateState, Origin, State
from outbound.field.practices.models import FieldMandate, Practice, PracticeDebt
from outbound.field.visits.door import Outcome, Whom
from outbound.field.visits.models import Visit

VISITED, PEOPLE, REPORTED = "D403", 14, 6
BANDS = (Band(Decimal(90)), Band(Decimal(120), 50_000), Band(Decimal(150), 50_000, Phase.ENFORCEABLE))
AGREED = Conditions(BANDS, (Part.TAX, Part.SANCTIONS, Part.INTEREST), 30, 500)
ENDS = (Closed.PAID, Closed.PROMISED, Closed.INSTALMENTS)
SAID = {Closed.PAID: Outcome.PAID, Closed.PROMISED: Outcome.PROMISE, Closed.INSTALMENTS: Outcome.INSTALMENTS}
DEEDS = ({"deed": "arrived"}, {"deed": "introduced"}, {"deed": "who", "whom": "himself"}, {"deed": "told"})
_SPACE = UUID("7b0a6f0e-2d0c-5c55-9d0e-0c1f5b1a0109")
# Who has paid something since a day, and on which positions.
_PAID = text(
    """
    SELECT p.contact_id, min(p.id) FROM position p CROSS JOIN LATERAL jsonb_array_elements(p.payments) one
    WHERE p.ente_id = :ente AND (one ->> 'paid_on')::date >= :since AND p.withdrawn_as_of IS NULL
    GROUP BY p.contact_id ORDER BY count(*) DESC, p.contact_id LIMIT :most
    """
)


def settle_some(session: Session, *, contract_id: int, today: date) -> None:
    """Once: a second time it does nothing. Without a field agent there is nothing to settle."""
    users = {row.username: row.id for row in session.execute(select(User.username, User.id))}
    ente_id = session.scalars(select(Ente.id).where(Ente.cadastral_code == VISITED)).one()
    there = session.scalar(select(CommissionTerms.id).where(CommissionTerms.ente_id == ente_id).limit(1))
    agent = session.scalar(select(FieldAgent).where(FieldAgent.user_id == users.get("fabio")))
    if there is not None or agent is None:
        return
    first = _quarter_before(_quarter_before(Quarter.of(today)))
    manager = Principal(users["carla"], "", "it", frozenset({Held(Role.CAMPAIGN_MANAGER, None, contract_id)}))
    approver = Principal(users["dirigente-empoli"], "", "it", frozenset({Held(Role.ENTE_APPROVER, ente_id, None)}))
    made = agreeing.propose(session, manager, ente_id=ente_id, valid_from=first.first, conditions=AGREED)
    agreeing.decide(session, approver, terms_id=made, accepts=True)
    began = datetime.combine(first.first, time(9), ROME)
    number = session.scalar(select(func.max(Practice.number)).where(Practice.ente_id == ente_id)) or 0
    paid = session.execute(_PAID, {"ente": ente_id, "since": first.first, "most": PEOPLE}).all()
    for place, (contact_id, position_id) in enumerate(paid):
        practice = _practice(session, ente_id, contact_id, position_id, number + place + 1, began)
        _visited(session, practice, agent, users["carla"], began + timedelta(days=2 + place), ENDS[place % len(ENDS)])
        if place < REPORTED:
            reports.make(session, practice_id=practice.id, at=practice.closed_at or began)
    while listening.hear_due(session, ente_id=ente_id):
        pass
    while settling.close_next(session, ente_id=ente_id):
        pass


def _practice(
    session: Session, ente_id: int, contact_id: int, position_id: int, number: int, began: datetime
) -> Practice:
    contact, position = session.get_one(Contact, contact_id), session.get_one(Position, position_id)
    cents = position.tax_cents + position.sanctions_cents + position.interest_cents + position.costs_cents
    practice = Practice(
        ente_id=ente_id, number=number, contact_id=contact_id, origin=Origin.ENTE, state=State.OPEN, cents=cents,
        residential=contact.residential is not False, street="Via del Giglio 12", postcode="50053", town="Empoli",
        opened_at=began,
    )  # fmt: skip
    session.add(practice)
    session.flush()
    debt = PracticeDebt(ente_id=ente_id, practice_id=practice.id, reference=position.reference, cents=cents)
    session.add(debt)
    session.flush()
    return practice


def _visited(
    session: Session, practice: Practice, agent: FieldAgent, manager_id: int, at: datetime, closed: Closed
) -> None:
    """He accepted it, went once, and it was closed a week later; his mandate goes on."""
    mandate = FieldMandate(
        id=uuid5(_SPACE, f"mandate:{practice.id}"), ente_id=practice.ente_id, practice_id=practice.id,
        agent_id=agent.id, state=MandateState.ENDED, valid_from=at.date(), valid_to=at.date() + timedelta(days=170),
        cents=practice.cents, most_visits=3, may_photograph=False, given_at=at, given_by=manager_id, accepted_at=at,
        no_ties_at=at, ended_at=at + timedelta(days=9),
    )  # fmt: skip
    session.add(mandate)
    session.flush()
    seen = at + timedelta(days=2, minutes=practice.number)
    deeds = [{**one, "at": (seen + timedelta(minutes=n)).isoformat()} for n, one in enumerate(DEEDS)]
    outcome = {"deed": "outcome", "outcome": SAID[closed].value, "at": (seen + timedelta(minutes=9)).isoformat()}
    visit = Visit(
        id=uuid5(_SPACE, f"visit:{practice.id}"), ente_id=practice.ente_id, practice_id=practice.id,
        mandate_id=mandate.id, agent_id=agent.id, began_at=seen, ended_at=seen + timedelta(minutes=11),
        device_began_at=seen, off_s=0, received_at=seen + timedelta(hours=2), whom=Whom.HIMSELF,
        outcome=SAID[closed], number=1, deeds=[*deeds, outcome], faults=[], signs=[],
    )  # fmt: skip
    practice.state, practice.closed, practice.closed_at = State.CLOSED, closed, at + timedelta(days=9)
    practice.agent_id = agent.id
    session.add(visit)
    session.flush()
    register.mandate_given(session, mandate_id=mandate.id)
    register.mandate_accepted(session, mandate_id=mandate.id)
    register.visit_taken(session, visit_id=visit.id)


def _quarter_before(quarter: Quarter) -> Quarter:
    return Quarter.of(quarter.first - timedelta(days=1))
