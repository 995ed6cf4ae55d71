"""Fabio, who visits for Empoli, and Mario's practice: what the scenarios of visits begin with."""

from dataclasses import asdict
from datetime import date, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from crm.core.links import hashed
from outbound.field.agents.models import Accreditation, DeclaredTie, FieldAgent, FieldPaper, UnfitnessFinding
from outbound.field.agents.standing import REQUIRED, Decision
from outbound.field.agents.ties import Tie
from outbound.field.practices.lifecycle import AssignmentState, MandateState, Occasion, Origin, State
from outbound.field.practices.models import (
    Assignment,
    FieldJudgement,
    FieldMandate,
    NoVisit,
    Practice,
    PracticeDebt,
    VisitSetting,
)
from outbound.field.rounds.lifecycle import PlanState
from outbound.field.rounds.models import PublishedRound, PublishedStop, RoundAgent, RoundPlan, RoundStop, TravelMatrix
from outbound.field.rounds.settings import Settings
from outbound.field.visits.alarm_telling import Telling
from outbound.field.visits.models import (
    AlarmKind,
    FieldAlarm,
    FieldDevice,
    FieldEntry,
    FieldFile,
    FieldPacket,
    FieldWords,
    FileKind,
    Visit,
)
from tests.cast import AS_OF, Cast

DAY = AS_OF.date()
LINK = "https://filodiretto.example/field/agents/{}".format
TELLING = Telling("https://filodiretto.example/field/visits", lambda kind, _language: str(kind.value))
YEAR = timedelta(days=365)


def an_agent(session: Session, user_id: int, made_by: int, number: int = 1) -> FieldAgent:
    """An agent with all his papers and a badge; no ente has been asked about him yet."""
    agent = FieldAgent(
        user_id=user_id, surname="Lotti", given_name="Fabio", codice_fiscale=f"LTTFBA80A01D{400 + number}X",
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


def a_device(session: Session, agent: FieldAgent, enti: list[int], token: str = "gettone") -> FieldDevice:
    """A telephone of his that was given something of these enti."""
    device = FieldDevice(
        id=uuid4(), user_id=agent.user_id, agent_id=agent.id, name="Telefono di Fabio", token_hash=hashed(token),
        enti=enti, registered_at=AS_OF, contacted_at=AS_OF,
    )  # fmt: skip
    session.add(device)
    session.flush()
    return device


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
            FieldJudgement(
                id=uuid4(), ente_id=cast.empoli, practice_id=practice.id, occasion=Occasion.OPENED, at=AS_OF, reasons=[]
            ),
            NoVisit(ente_id=cast.empoli, contact_id=cast.mario, why="x", since=AS_OF, written_by=cast.sara),
            VisitSetting(
                ente_id=cast.empoli, hours=["8:30-12:30"] * 7, fresh_hours=72, mandate_days=60, most_visits=3,
                may_photograph=False, changed_at=AS_OF, changed_by=cast.sara,
            ),
            Assignment(
                ente_id=cast.empoli, state=AssignmentState.PROPOSED, terms={}, given=[], left=[], made_at=AS_OF,
                made_by=cast.sara,
            ),
            UnfitnessFinding(
                **of, found_at=AS_OF, found_by=cast.sara, grounds="x", removal_due=DAY, substitute_due=DAY
            ),
            DeclaredTie(
                **of, id=uuid4(), contact_id=cast.mario, tie=Tie.FAMILY, past=False, note="", declared_at=AS_OF
            ),
        ]
    )  # fmt: skip
    session.flush()
    _at_the_door(session, cast, visit)
    a_published_round(session, cast, practice, agent)
    return visit.id


def _at_the_door(session: Session, cast: Cast, visit: Visit) -> None:
    device = a_device(session, session.get_one(FieldAgent, visit.agent_id), [cast.empoli])
    told = {
        "ente_id": cast.empoli, "device_id": device.id, "agent_id": visit.agent_id, "practice_id": visit.practice_id,
        "received_at": AS_OF,
    }  # fmt: skip
    session.add_all(
        [
            FieldPacket(
                ente_id=cast.empoli, device_id=device.id, practice_ids=[visit.practice_id], made_at=AS_OF
            ),
            FieldEntry(**told, id=visit.id, sequence=1, device_at=AS_OF, at=AS_OF, off_s=0, body={}),
            FieldFile(
                id=uuid4(), ente_id=cast.empoli, visit_id=visit.id, kind=FileKind.SIGNATURE, media_type="image/png",
                content=b"x",
            ),
            FieldAlarm(**told, id=uuid4(), kind=AlarmKind.PANIC, raised_at=AS_OF),
            FieldWords(ente_id=cast.empoli, version=1, said={}, written_at=AS_OF, written_by=cast.sara),
        ]
    )  # fmt: skip
    session.flush()


def a_published_round(session: Session, cast: Cast, practice: Practice, agent: FieldAgent) -> RoundPlan:
    """His round of the day has this practice alone, at ten."""
    plan = RoundPlan(
        contract_id=cast.contract, day=DAY, state=PlanState.PUBLISHED, made_at=AS_OF, made_by=cast.sara,
        published_at=AS_OF, published_by=cast.sara, **asdict(Settings()),
    )  # fmt: skip
    session.add(plan)
    session.flush()
    his = {"plan_id": plan.id, "agent_id": agent.id}
    session.add(RoundAgent(**his, begins=32_400, ends=64_800, returns=True, leaves=35_000, done=38_000))
    session.add(TravelMatrix(plan_id=plan.id, legs={}, sent_at=AS_OF, sent_by=cast.sara))
    session.flush()
    at = {"ente_id": practice.ente_id, "practice_id": practice.id, "position": 1}
    hours = {"arrives": 36_000, "begins": 36_000, "leaves": 37_200}
    session.add(RoundStop(**his, **at, **hours))
    session.add(PublishedStop(**his, **at, **hours))
    session.add(PublishedRound(**his, day=DAY, published_at=AS_OF, times=1, leaves=35_000, done=38_000, changes=[]))
    session.flush()
    return plan
