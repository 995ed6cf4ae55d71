"""Fabio, who visits for Empoli, and Mario's practice: what the scenarios of visits begin with."""

from datetime import date, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from outbound.field.agents.models import Accreditation, DeclaredTie, FieldAgent, FieldPaper, UnfitnessFinding
from outbound.field.agents.standing import REQUIRED, Decision
from outbound.field.agents.ties import Tie
from outbound.field.practices.lifecycle import MandateState, Origin, State
from outbound.field.practices.models import FieldMandate, Practice, PracticeDebt
from outbound.field.visits.models import Visit
from tests.cast import AS_OF, Cast

DAY = AS_OF.date()
YEAR = timedelta(days=365)


def an_agent(session: Session, user_id: int, made_by: int, number: int = 1) -> FieldAgent:
    """An agent with all his papers and a badge; no ente has been asked about him yet."""
    agent = FieldAgent(
        user_id=user_id, surname="Lotti", given_name="Fabio", codice_fiscale=f"LTTFBA80A01D40{number}X",
        born_on=date(1980, 1, 1), birthplace="Pisa", street="Via Lucca 9", postcode="56100", town="Pisa",
        province="PI", phone="+393330000009", photo="0" * 64, badge_number=number, badge_code=f"1234{number:04}",
        badge_until=DAY + YEAR, made_at=AS_OF, made_by=made_by,
    )  # fmt: skip
    session.add(agent)
    session.flush()
    session.add_all(
        FieldPaper(
            agent_id=agent.id, paper=paper, number="1", issuer="Questura di Firenze", issued_on=DAY,
            expires_on=DAY + YEAR, written_at=AS_OF, written_by=made_by,
        )
        for paper in REQUIRED
    )  # fmt: skip
    session.flush()
    return agent


def approved(session: Session, ente_id: int, agent: FieldAgent, by: int) -> Accreditation:
    """The ente approved him, and the Questura knows."""
    found = Accreditation(
        ente_id=ente_id, agent_id=agent.id, decision=Decision.APPROVED, proposed_at=AS_OF, proposed_by=by,
        decided_at=AS_OF, decided_by=by, letter="1" * 64, letter_at=AS_OF, notified_on=DAY, proof="2" * 64,
    )  # fmt: skip
    session.add(found)
    session.flush()
    return found


def a_practice(session: Session, ente_id: int, contact_id: int, by: int, number: int = 1) -> Practice:
    """Somebody of Via Roma 1, Empoli, who owes 812 euro on `T-1`."""
    practice = Practice(
        ente_id=ente_id, number=number, contact_id=contact_id, origin=Origin.ENTE, state=State.OPEN, cents=81_200,
        residential=True, street="Via Roma 1", postcode="50053", town="Empoli", latitude=43.7189, longitude=10.9455,
        placed="civic", opened_at=AS_OF, opened_by=by,
    )  # fmt: skip
    session.add(practice)
    session.flush()
    session.add(PracticeDebt(ente_id=ente_id, practice_id=practice.id, reference="T-1", cents=81_200))
    return practice


def a_mandate(
    session: Session, practice: Practice, agent: FieldAgent, by: int, state: MandateState = MandateState.ACCEPTED
) -> FieldMandate:
    """His mandate for thirty days, three visits."""
    mandate = FieldMandate(
        id=uuid4(), ente_id=practice.ente_id, practice_id=practice.id, agent_id=agent.id, state=state, valid_from=DAY,
        valid_to=DAY + timedelta(days=30), cents=practice.cents, most_visits=3, may_photograph=True, given_at=AS_OF,
        given_by=by, accepted_at=AS_OF, no_ties_at=AS_OF,
    )  # fmt: skip
    practice.agent_id = agent.id
    practice.state = State.ACCEPTED if state is MandateState.ACCEPTED else State.OFFERED
    session.add(mandate)
    session.flush()
    return mandate


def one_of_each(session: Session, cast: Cast) -> UUID:
    """A row of Mario's in each table of visits; the visit's id."""
    agent = an_agent(session, cast.anna, cast.sara)
    approved(session, cast.empoli, agent, cast.sara)
    practice = a_practice(session, cast.empoli, cast.mario, cast.sara)
    mandate = a_mandate(session, practice, agent, cast.sara)
    of = {"ente_id": cast.empoli, "agent_id": agent.id}
    visit = Visit(
        **of, id=uuid4(), practice_id=practice.id, mandate_id=mandate.id, began_at=AS_OF, device_began_at=AS_OF,
        off_s=0, received_at=AS_OF, number=1, deeds=[], faults=[], signs=[],
    )  # fmt: skip
    session.add_all(
        [
            visit,
            UnfitnessFinding(
                **of, found_at=AS_OF, found_by=cast.sara, grounds="x", removal_due=DAY, substitute_due=DAY
            ),
            DeclaredTie(
                **of, id=uuid4(), contact_id=cast.mario, tie=Tie.FAMILY, past=False, note="", declared_at=AS_OF
            ),
        ]
    )  # fmt: skip
    session.flush()
    return visit.id
