"""The demonstration's cases: requests to Empoli in each state, some of them late; who works on which topics, and the
team of those for instalments.
"""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import RoleGrant, User
from crm.access.permissions import PERMISSIONS, Held, Permission, Principal
from crm.cases import owners, resting, service, teams, views
from crm.cases.lifecycle import Channel, Deed, Outcome, Topic
from crm.cases.models import Case, PauseReason
from crm.cases.saying import Request, Said
from crm.contacts.models import Contact, PersonKind
from crm.core import clock
from crm.enti.models import Ente
from crm.positions import queries as positions
from crm.positions.models import Position
from web.demo.places import OVERSEEN

WHY = {
    Topic.INSTALMENTS: ("Ha perso il lavoro a settembre", ""),
    Topic.RELIEF: ("Ha pagato prima dell'ingiunzione: mostra la ricevuta", "Lo sgravio di tutto"),
    Topic.REFUND: ("Ha pagato due volte la stessa rata", "Il rimborso"),
    Topic.SUSPENSION: ("Ha fatto ricorso contro l'atto", "Fino alla sentenza"),
    Topic.ANNULMENT: ("L'immobile è stato venduto nel 2021", "L'annullamento dell'accertamento"),
    Topic.SELF_CORRECTION: ("La superficie tassata non è quella della planimetria", ""),
    Topic.ACCESS: ("Vuole vedere la relata di notifica", "Una copia"),
    Topic.COMPLAINT: ("Ha aspettato 40 minuti allo sportello", ""),
    Topic.INFORMATION: ("Chiede come si calcolano gli interessi", ""),
    Topic.DATA_PROTECTION: ("Chiede quali dati abbiamo di lui", ""),
    Topic.FORMS: ("Non riesce a compilare il modulo per le rate", ""),
    Topic.ADHESION: ("La superficie accertata non è quella dell'immobile", "Un incontro, prima del ricorso"),
}
RATES = 12  # that each asks for
OF_ENTE = {
    Topic.PAPERS: "La situazione dei pagamenti di una società, per il consiglio comunale",
    Topic.LITIGATION: "Gli atti notificati, per la costituzione in giudizio",
}
# By days ago that it came in: its topic, and what was done since by the operator (o) or by the ente (e).
STORIES: tuple[tuple[float, Topic, tuple[tuple[str, Deed, Outcome | None], ...]], ...] = (
    (0.1, Topic.INFORMATION, ()),
    (1, Topic.COMPLAINT, ()),
    (2, Topic.INSTALMENTS, ()),
    (3, Topic.RELIEF, (("o", Deed.TAKE, None),)),
    (4, Topic.INSTALMENTS, (("o", Deed.TAKE, None),)),
    (8, Topic.INSTALMENTS, (("o", Deed.TAKE, None),)),
    (12, Topic.ANNULMENT, (("o", Deed.TAKE, None), ("o", Deed.SEND_SHEET, None))),
    (6, Topic.SUSPENSION, (("o", Deed.TAKE, None), ("o", Deed.SEND_SHEET, None))),
    (20, Topic.SUSPENSION, (
        ("o", Deed.TAKE, None), ("o", Deed.SEND_SHEET, None), ("e", Deed.AUTHORISE, Outcome.GRANTED),
        ("o", Deed.DRAFT, None),
    )),
    (9, Topic.RELIEF, (
        ("o", Deed.TAKE, None), ("o", Deed.SEND_SHEET, None), ("e", Deed.AUTHORISE, Outcome.PARTLY),
    )),
    (15, Topic.REFUND, (("o", Deed.TAKE, None),)),
    (5, Topic.INSTALMENTS, (
        ("o", Deed.TAKE, None), ("o", Deed.DECIDE, Outcome.GRANTED), ("o", Deed.REGISTER, None),
        ("o", Deed.REPLY, None),
    )),
    (7, Topic.INSTALMENTS, (
        ("o", Deed.TAKE, None), ("o", Deed.DECIDE, Outcome.REFUSED), ("o", Deed.REGISTER, None),
        ("o", Deed.REPLY, None),
    )),
    (10, Topic.ACCESS, (("o", Deed.TAKE, None), ("o", Deed.PAUSE, None))),
    (18, Topic.SELF_CORRECTION, (("o", Deed.TAKE, None),)),
    (6, Topic.INFORMATION, (("o", Deed.TAKE, None), ("o", Deed.REPLY, None))),
    (2, Topic.DATA_PROTECTION, ()),
    (0.5, Topic.FORMS, (("o", Deed.TAKE, None),)),
    (1, Topic.PAPERS, (("o", Deed.TAKE, None),)),
    (4, Topic.LITIGATION, ()),
    (11, Topic.ADHESION, (("o", Deed.TAKE, None), ("o", Deed.SUMMON, None))),
)  # fmt: skip
WORDS = {
    Deed.SUMMON: "Giovedì alle 10, allo sportello in via Roma 1",
    Deed.DECIDE: "Le condizioni del regolamento ci sono",
    Deed.REPLY: "Le scriviamo come previsto dal regolamento.",
}


def ask(session: Session, *, contract_id: int, today: date) -> None:
    """Once: a second time it does nothing."""
    ente_id = session.scalars(select(Ente.id).where(Ente.cadastral_code == OVERSEEN)).one()
    if session.scalar(select(Case.id).limit(1)) is not None:
        return
    dice = random.Random(f"cases:{today}")  # noqa: S311 (invented data)
    people = _people(session, contract_id, Permission.CASE_WORK)
    supervisor = next(iter(_people(session, contract_id, Permission.CASE_MANAGE).values()))
    deciding = Principal(_decider(session, ente_id), "", "it", _held(session, _decider(session, ente_id)))
    at = clock.now(session)
    citizens = session.scalars(
        select(Contact.id)
        .join(Position, Position.contact_id == Contact.id)
        .where(Contact.ente_id == ente_id, Contact.kind == PersonKind.NATURAL, Position.residual_cents > 0)
        .distinct().order_by(Contact.id).limit(300)
    ).all()  # fmt: skip
    operators = [people[one] for one in ("anna", "luca") if one in people] or [supervisor]
    for operator in operators:
        owners.set_worker(
            session, supervisor, contract_id=contract_id, user_id=operator.user_id, topics=set(Topic), most=12
        )
    teams.make(
        session, supervisor, contract_id=contract_id, name="Rateizzazioni", topics={Topic.INSTALMENTS},
        members={one.user_id for one in operators},
    )  # fmt: skip
    chosen = dice.sample(list(citizens), len(STORIES))
    for (ago, topic, deeds), contact_id in zip(sorted(STORIES, key=lambda one: -one[0]), chosen, strict=True):
        operator = dice.choice(operators)
        case_id = _open(session, operator, ente_id, contact_id, topic, at - timedelta(days=ago))
        for whose, deed, outcome in deeds:
            _do(session, operator if whose == "o" else deciding, case_id, deed, outcome)


def _open(
    session: Session, by: Principal, ente_id: int, contact_id: int, topic: Topic, received_at: datetime
) -> int:  # fmt: skip
    if topic in OF_ENTE:
        request = Request(topic, Channel.ENTE, OF_ENTE[topic], received_at=received_at)
        return service.open_case(session, by, request=request, ente_id=ente_id)
    reasons, asked = WHY[topic]
    debts: Sequence[str] = [
        one.reference for one in positions.of_contact(session, [contact_id], brief=True) if one.residual_cents
    ]
    count = RATES if topic is Topic.INSTALMENTS else None
    request = Request(
        topic, Channel.PHONE, reasons, asked, received_at=received_at, references=debts[:2], instalments=count
    )
    return service.open_case(session, by, request=request, contact_id=contact_id)


def _do(session: Session, by: Principal, case_id: int, deed: Deed, outcome: Outcome | None) -> None:
    one = views.one(session, case_id)
    if deed is Deed.REGISTER:
        day = clock.business_day(clock.now(session))
        number = f"{40_000 + case_id}"
        service.register(
            session, by, case_id=case_id, version=one.version, number=number, day=day, instead_of=one.protocol_number
        )
    elif deed is Deed.PAUSE:
        resting.pause(session, by, case_id=case_id, version=one.version, reason=PauseReason.PAPERS_MISSING)
    else:
        said = Said(WORDS.get(deed, ""), outcome, instalments=one.instalments_asked)
        service.step(session, by, case_id=case_id, version=one.version, deed=deed, said=said)


def _people(session: Session, contract_id: int, permission: Permission) -> dict[str, Principal]:
    roles = [role for role, held in PERMISSIONS.items() if permission in held]
    rows = session.execute(
        select(User.username, User.id, User.name, RoleGrant.role)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(RoleGrant.contract_id == contract_id, RoleGrant.role.in_(roles))
        .order_by(User.username)
    )
    return {
        username: Principal(id_, name, "it", frozenset({Held(role, None, contract_id)}))
        for username, id_, name, role in rows
    }


def _decider(session: Session, ente_id: int) -> int:
    roles = [role for role, held in PERMISSIONS.items() if Permission.CASE_DECIDE in held]
    its = select(RoleGrant.user_id).where(RoleGrant.ente_id == ente_id, RoleGrant.role.in_(roles))
    return session.scalars(its.order_by(RoleGrant.user_id).limit(1)).one()


def _held(session: Session, user_id: int) -> frozenset[Held]:
    rows = session.scalars(select(RoleGrant).where(RoleGrant.user_id == user_id))
    return frozenset(Held(one.role, one.ente_id, one.contract_id) for one in rows)
