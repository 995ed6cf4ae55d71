"""What the demonstration's enti publish and have to decide: offices, ways to pay, closures, proposals. All invented."""

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import RoleGrant, User
from crm.access.permissions import Held, Principal
from crm.contacts.models import Contact, PersonKind
from crm.core import clock
from crm.core.clock import ROME
from crm.core.configuration import changed
from crm.enti import closures
from crm.enti.models import Closure, ContractEnte, Ente, Office, PaymentWay
from crm.positions.models import NotificationState, Position
from crm.proposals import exports, service
from crm.proposals.service import Told
from crm.proposals.subjects import Problem, Subject
from web.demo.accounts import ADMINISTRATOR, APPROVERS, NEWCOMER, SUPERVISOR

MORNINGS = [{"weekday": day, "opens": "09:00", "closes": "13:00"} for day in range(5)]
AFTERNOON = [{"weekday": 3, "opens": "15:00", "closes": "17:30"}]
WAYS = (
    "Con pagoPA: dal sito o dall'app della propria banca, o da IO, con il codice avviso o il QR dell'avviso",
    "In banca, in posta, nelle ricevitorie e dai tabaccai che aderiscono a pagoPA, con l'avviso in mano",
    "Con addebito sul conto, per chi ha un piano di rate",
)
PER_ENTE = 8
CHRISTMAS_EVE = (12, 24)


def seed_enti(session: Session, *, contract_id: int, today: date) -> None:
    """Write it all once; a second time it does nothing."""
    if session.execute(select(Office.id).limit(1)).first() is not None:
        return
    changed(session)
    enti = session.scalars(
        select(Ente).join(ContractEnte, ContractEnte.ente_id == Ente.id)
        .where(ContractEnte.contract_id == contract_id).order_by(Ente.id)
    ).all()  # fmt: skip
    for ente in enti:
        _publish(session, ente)
        _propose(session, ente)
    _close(session, contract_id, [ente.id for ente in enti], today)


def person(session: Session, username: str) -> Principal:
    """One of the demonstration's users, as his requests see him."""
    user = session.scalars(select(User).where(User.username == username)).one()
    rows = session.execute(
        select(RoleGrant.role, RoleGrant.ente_id, RoleGrant.contract_id).where(RoleGrant.user_id == user.id)
    )
    return Principal(user.id, user.name, user.language, frozenset(Held(*row) for row in rows))


OFFICE = "+3905500002"  # and two figures: numbers that nobody has


def _publish(session: Session, ente: Ente) -> None:
    town = ente.short_name
    session.add_all(
        [
            Office(
                ente_id=ente.id, name="Ufficio Tributi", address=f"Piazza del Municipio 1, {town}",
                competent_for="TARI, IMU e canone unico: avvisi, riduzioni, rimborsi",
                accessibility="Ingresso senza gradini; ascensore; posti riservati in piazza",
                phone=f"{OFFICE}{ente.id % 10}1", email=None, hours=MORNINGS + AFTERNOON,
            ),
            Office(
                ente_id=ente.id, name="Polizia Municipale, ufficio verbali", address=f"Via della Stazione 12, {town}",
                competent_for="Sanzioni del codice della strada: ricorsi e dati del conducente",
                accessibility="Rampa all'ingresso laterale", phone=f"{OFFICE}{ente.id % 10}2",
                email=None, hours=MORNINGS[:3],
            ),
            *(PaymentWay(ente_id=ente.id, place=place, words=words) for place, words in enumerate(WAYS)),
        ]
    )  # fmt: skip
    session.flush()


def _propose(session: Session, ente: Ente) -> None:
    """Proposals in every state: to decide, approved, refused, handed over."""
    anna, admin = person(session, NEWCOMER.username), person(session, ADMINISTRATOR.username)
    approver = next(person(session, one.username) for one in APPROVERS if one.ente == ente.cadastral_code)
    people = session.scalars(
        select(Contact).where(Contact.ente_id == ente.id, Contact.kind == PersonKind.NATURAL)
        .order_by(Contact.id).limit(PER_ENTE)
    ).all()  # fmt: skip
    made = [
        service.propose_correction(
            session, anna, contact_id=one.id, subject=Subject.PHONE, instead_of=None,
            fields={"value": f"0586 7001{place:02d}"}, told=Told("Dice di chiamare qui, la mattina"),
        ).proposal_id
        for place, one in enumerate(people[:5])
    ]  # fmt: skip
    service.decide(session, approver, proposal_ids=made[:2], approve=True)
    exports.export(session, admin, ente_id=ente.id)
    service.decide(session, approver, proposal_ids=[made[2]], approve=True)
    service.decide(
        session, approver, proposal_ids=[made[3]], approve=False,
        reason="Il numero è dell'amministratore di condominio",
    )  # fmt: skip
    service.propose_correction(
        session, anna, contact_id=people[5].id, subject=Subject.DOMICILE, instead_of=None,
        fields={"street": "Via dei Cappuccini 8", "postcode": "56121", "town": "Pisa", "province": "PI"},
        told=Told("Riceve la posta dalla figlia", "Delega alla figlia"),
    )  # fmt: skip
    failed = session.scalars(
        select(Position)
        .where(Position.ente_id == ente.id, Position.notification == NotificationState.FAILED)
        .order_by(Position.id).limit(2)
    ).all()  # fmt: skip
    for position, problem in zip(failed, (Problem.MOVED, Problem.TAKEN_BY_OTHERS), strict=False):
        service.report_problem(
            session, anna, contact_id=position.contact_id, position_id=position.id, problem=problem,
            since=position.issued_on, told=Told("Chiede che l'atto sia notificato di nuovo"),
        )  # fmt: skip


def _close(session: Session, contract_id: int, ente_ids: list[int], today: date) -> None:
    """Christmas Eve, which one ente has agreed to already."""
    sara, starts = person(session, SUPERVISOR.username), date(today.year, *CHRISTMAS_EVE)
    if clock.business_day(clock.now(session)) >= starts:
        starts = date(today.year + 1, *CHRISTMAS_EVE)
    first = datetime(starts.year, starts.month, starts.day, 13, tzinfo=ROME)
    closures.propose(
        session, sara, contract_id=contract_id, ente_ids=ente_ids, starts_at=first,
        ends_at=first + timedelta(hours=5), reason="Vigilia di Natale: pochissime chiamate negli anni passati",
        message="Il pomeriggio della vigilia di Natale il centro è chiuso",
    )  # fmt: skip
    row = session.scalars(select(Closure).where(Closure.ente_id == ente_ids[0])).one()
    code = session.get_one(Ente, ente_ids[0]).cadastral_code
    approver = next(person(session, one.username) for one in APPROVERS if one.ente == code)
    closures.decide(session, approver, closure_id=row.id, approve=True)
