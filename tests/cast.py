"""The cast: two enti under one contract, one under another; three agents, a supervisor, a viewer; two taxpayers.

Empoli and Vinci are served together by Anna, Luca and Marta; Siena is somebody else's. Mario Bianchi owes Empoli
and calls from his mobile; Gina Neri owes Vinci and has no telephone on file. Sara supervises; Vera watches Empoli.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from crm.access.models import Role, RoleGrant, User
from crm.access.permissions import Held, Principal
from crm.contacts.addresses import Address
from crm.contacts.models import AddressKind, Contact, ContactAddress, ContactReach, PersonKind, ReachKind
from crm.contacts.names import given_key, name_key
from crm.core import clock
from crm.core.configuration import changed
from crm.core.db import Database, Scope, table_of
from crm.enti.calendar import BEGINNING
from crm.enti.models import Contract, ContractEnte, Ente, OpeningWeek
from crm.files.models import FileSetting
from crm.levels.administration import put
from crm.levels.agreement import EVER, Agreement, Period, Promise
from crm.levels.metrics import LOST, WAITING_OVER
from crm.levels.queries import agreement
from crm.monitoring.lock import AgreementKind, Use
from crm.monitoring.models import WorkerAgreement, WorkerAgreementReading
from crm.positions.models import ActKind, NotificationState, Position, PositionState, Tax
from telephony.agents import service as agents
from telephony.agents.models import AgentPresence, AgentState
from telephony.lines.models import LineKind, PhoneLine
from telephony.queues.models import Queue, QueueMember

MARIO_MOBILE = "+393480000001"
STRANGER = "+393480000099"
EMPOLI_LINE = "+390571000001"
REGIONAL_LINE = "+390550000001"
NOTICE = "301000000000012373"
PASSWORD_HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$wrong"
EVER_AGREED = date(2020, 1, 1)
AS_OF = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
DOMAIN = "main"


@dataclass(frozen=True, slots=True)
class Cast:
    """The ids of everybody."""

    contract: int
    other_contract: int
    empoli: int
    vinci: int
    siena: int
    anna: int
    luca: int
    marta: int
    sara: int
    vera: int
    notices: int  # the queue that asks for a notice number
    operator: int  # the queue behind zero
    mario: int
    gina: int
    stranger_in_siena: int


def open_week(contract_id: int, *days: str, ente_id: int | None = None, since: datetime = BEGINNING) -> OpeningWeek:
    """Weekly hours, Monday first; one day's are those of each."""
    week = list(days) * 7 if len(days) == 1 else [*days, *[""] * (7 - len(days))]
    return OpeningWeek(contract_id=contract_id, ente_id=ente_id, since=since, days=week, written_at=since)


def settle(database: Database) -> Cast:
    """Put the cast in the database."""
    with database.begin(Scope.nothing()) as session:
        empoli, vinci, siena = (_ente(session, n) for n in range(1, 4))
        contract, other = _contract(session, "Toscana", [empoli, vinci]), _contract(session, "Siena", [siena])
        people = {name: _user(session, name) for name in ("anna", "luca", "marta", "sara", "vera")}
        for name in ("anna", "luca", "marta"):
            _grant(session, people[name], Role.AGENT, contract_id=contract)
        _grant(session, people["sara"], Role.SUPERVISOR, contract_id=contract)
        _grant(session, people["vera"], Role.ENTE_VIEWER, ente_id=empoli)
    with database.begin(Scope.of_enti([empoli, vinci, siena], [contract, other])) as session:
        for one in (contract, other):
            session.add(open_week(one, "00:00-24:00"))
        notices, operator = _queues(session, contract)
        for name in ("anna", "luca", "marta"):
            agents.enrol(session, agent_id=people[name], domain=DOMAIN)
            for queue in (notices, operator):
                session.add(QueueMember(queue_id=queue, agent_id=people[name]))
        session.add(
            PhoneLine(
                number=EMPOLI_LINE, label="Verde Empoli", kind=LineKind.GEOGRAPHIC, contract_id=contract, ente_id=empoli
            )
        )
        session.add(
            PhoneLine(
                number=REGIONAL_LINE, label="Regionale", kind=LineKind.FREEPHONE, contract_id=contract, ente_id=None
            )
        )
        # Their agents are trusted: whoever plays the questions at the gate asks for more.
        for ente_id in (empoli, vinci, siena):  # nothing is asked before a file opens, and nothing kept for years
            session.add(FileSetting(ente_id=ente_id, answers_needed=0, kept_years=0))
        mario = add_contact(session, empoli, "BNCMRA62A01D403X", "BIANCHI", "MARIO", MARIO_MOBILE)
        gina = add_contact(session, vinci, "NREGNI50A41M059X", "NERI", "GINA", None)
        stranger = add_contact(session, siena, "RSSLGU70A01I726X", "ROSSI", "LUIGI", "+393480000003")
        add_position(session, empoli, mario, "E-1", None)
        add_position(session, vinci, gina, "V-1", NOTICE)
        add_position(session, siena, stranger, "S-1", None)
    with database.begin(Scope.nothing()) as session:
        for one in (contract, other):
            may_be_watched(session, one)
    return Cast(
        contract, other, empoli, vinci, siena, people["anna"], people["luca"], people["marta"], people["sara"],
        people["vera"], notices, operator, mario, gina, stranger,
    )  # fmt: skip


def may_be_watched(
    session: Session, contract_id: int, uses: frozenset[Use] = frozenset(Use), unread: frozenset[int] = frozenset()
) -> int:
    """The contract has had its agreement from ever, and everybody has read it, but for some."""
    everybody = list(session.scalars(select(User.id)))
    changed(session)
    agreement = WorkerAgreement(
        contract_id=contract_id, kind=AgreementKind.UNION, signed_on=EVER_AGREED, reference="Accordo 3/2020",
        uses=sorted(uses), valid_from=EVER_AGREED, valid_until=None, told="Si ascolta e si valuta.", keep_months=12,
        written_by=everybody[0], written_at=AS_OF,
    )  # fmt: skip
    session.add(agreement)
    session.flush()
    at = datetime(2020, 1, 1, tzinfo=UTC)
    session.add_all(
        WorkerAgreementReading(agreement_id=agreement.id, user_id=one, read_at=at)
        for one in everybody
        if one not in unread
    )
    session.flush()
    return agreement.id


def lock_again(database: Database) -> None:
    """The agreements of all contracts are withdrawn."""
    with database.begin(Scope.nothing()) as session:
        changed(session)
        session.execute(update(WorkerAgreement).values(withdrawn_at=AS_OF, withdrawn_by=WorkerAgreement.written_by))


def arrive(database: Database) -> None:
    """Those who were put in the template of this database some time ago are here from now on."""
    with database.begin(Scope.nothing()) as session:
        now = clock.now(session)
        session.execute(update(table_of(AgentPresence)).values(since=now, idle_since=now, live_until=now))


def principal_of(session: Session, user_id: int) -> Principal:
    """A user as his requests see him."""
    held = session.execute(
        select(RoleGrant.role, RoleGrant.ente_id, RoleGrant.contract_id).where(
            RoleGrant.user_id == user_id, RoleGrant.valid_to.is_(None)
        )
    )
    return Principal(user_id, "", "it", frozenset(Held(*grant) for grant in held))


def make_ready(database: Database, *agent_ids: int, at: datetime | None = None) -> None:
    """These agents are at their console, telephone registered, ready: the first the longest idle."""
    for offset, agent_id in enumerate(agent_ids):
        with database.begin(Scope.nothing()) as session:
            agent = principal_of(session, agent_id)
            agents.attend(session, agent)
            agents.set_device(session, agent, device="desk", ready=True)
            agents.wish(session, agent, intended=AgentState.READY)
            idle = (at or clock.now(session)) - timedelta(seconds=100 - offset)
            session.execute(update(AgentPresence).where(AgentPresence.agent_id == agent_id).values(idle_since=idle))


def presence_of(database: Database, agent_id: int) -> AgentPresence:
    """What an agent is doing."""
    with database.begin(Scope.nothing()) as session:
        found = session.get(AgentPresence, agent_id)
        assert found is not None
        return found


def _ente(session: Session, n: int) -> int:
    name, istat, cadastral = (("Empoli", "048014", "D403"), ("Vinci", "048050", "M059"), ("Siena", "052032", "I726"))[
        n - 1
    ]
    ente = Ente(
        name=f"Comune di {name}", short_name=name, istat_code=istat, cadastral_code=cadastral,
        codice_fiscale=f"0000000000{n}", province="FI", band=n, patron_name="Sant'Andrea", patron_month=11,
        patron_day=30, observes_holidays=False,
    )  # fmt: skip
    session.add(ente)
    session.flush()
    return ente.id


def _contract(session: Session, name: str, enti: list[int]) -> int:
    contract = Contract(name=name)
    session.add(contract)
    session.flush()
    for ente_id in enti:
        session.add(ContractEnte(contract_id=contract.id, ente_id=ente_id))
    promise(session, contract.id, WAITING_OVER, Decimal("0.20"), op="<", threshold_s=Decimal(40))
    promise(session, contract.id, LOST, Decimal("0.15"), op="<")
    return contract.id


def promise(session: Session, contract_id: int, metric: str, target: Decimal | int, **more: Any) -> None:
    """The contract promises this too, from ever."""
    current = agreement(session, contract_id) or Agreement(contract_id, EVER, Period.MONTH, ())
    level = replace(Promise(contract_id, metric, "<=", Decimal(target)), **more)
    put(session, replace(current, levels=(*current.levels, level)))


def _user(session: Session, name: str) -> int:
    user = User(username=name, name=name.title(), password_hash=PASSWORD_HASH)
    session.add(user)
    session.flush()
    return user.id


def _grant(session: Session, user_id: int, role: Role, **where: int) -> None:
    session.execute(
        insert(RoleGrant).values(user_id=user_id, role=role, valid_from=datetime(2020, 1, 1, tzinfo=UTC), **where)
    )


def _queues(session: Session, contract: int) -> tuple[int, int]:
    notices = Queue(
        contract_id=contract, name="Avvisi", domain=DOMAIN, menu_digit="1", menu_label="informazioni su un avviso",
        asks_notice=True, ring_timeout_s=20, wrap_up_s=60,
    )  # fmt: skip
    operator = Queue(contract_id=contract, name="Operatore", domain=DOMAIN, ring_timeout_s=20, wrap_up_s=60)
    session.add_all([notices, operator])
    session.flush()
    return notices.id, operator.id


def add_contact(
    session: Session, ente_id: int, codice_fiscale: str, surname: str, given_name: str, phone: str | None
) -> int:
    """A taxpayer of an ente, at home in Empoli."""
    contact = Contact(
        ente_id=ente_id, codice_fiscale=codice_fiscale, kind=PersonKind.NATURAL, surname=surname,
        given_name=given_name, name_key=name_key(surname, given_name),
        given_key=given_key(surname, given_name), language="it", as_of=AS_OF, digest="x",
        born_on=date(1962, 1, 1), birthplace="Empoli",
    )  # fmt: skip
    session.add(contact)
    session.flush()
    home = Address("Via Roma 1", "50053", "Empoli", "FI")
    session.add(
        ContactAddress(
            ente_id=ente_id, contact_id=contact.id, kind=AddressKind.RESIDENCE, street=home.street,
            postcode=home.postcode, town=home.town, province=home.province, place_key=home.key, stated=True,
        )
    )  # fmt: skip
    if phone:
        session.add(
            ContactReach(ente_id=ente_id, contact_id=contact.id, kind=ReachKind.PHONE, value=phone, stated=True)
        )
    return contact.id


def add_position(session: Session, ente_id: int, contact_id: int, reference: str, notice: str | None) -> None:
    """Something that he owes since 2024: 812 euro."""
    session.add(
        Position(
            ente_id=ente_id, contact_id=contact_id, reference=reference, notice_number=notice, tax=Tax.TARI,
            year=2024, act_kind=ActKind.INGIUNZIONE, act_number="2024/118", state=PositionState.OVERDUE,
            tax_cents=80_000, sanctions_cents=1_200, interest_cents=0, costs_cents=0, paid_cents=0,
            residual_cents=81_200, issued_on=date(2024, 9, 1), due_on=date(2024, 11, 3),
            notification=NotificationState.NOTIFIED, notified_on=date(2024, 9, 3), payments=[], instalments=[],
            as_of=AS_OF, digest="x", printed={"cents": 81_200, "due_on": "2024-11-03"},
        )
    )  # fmt: skip
