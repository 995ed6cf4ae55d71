"""The demonstration's offices: desks, services, an agenda, and people who have appointments. All invented."""

from datetime import time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.agendas import booking, finding, holding, preparing, queries
from crm.agendas.models import Desk
from crm.agendas.people import Person
from crm.agendas.plan import Exceptional, Window
from crm.agendas.preparing import ServiceTold
from crm.agendas.rules import Channel
from crm.contacts.models import Contact, PersonKind
from crm.core import clock
from crm.enti.models import Ente, Office
from web.demo.accounts import SUPERVISOR
from web.demo.enti import person

RECEIVING = ("E625", "D403")  # the enti whose offices receive by appointment
DESKS = ("1", "2", "3")
MANAGE = "http://localhost/appointments"  # nobody is written to: they left landlines
PEOPLE = 20
SERVICES = (
    ({"it": "TARI: dichiarazioni e riduzioni", "en": "Waste tax: declarations and reductions",
      "de": "Abfallgebühr: Erklärungen und Ermäßigungen"}, 20,
     "Documento d'identità\nUltimo avviso ricevuto\nMetri quadri dei locali"),
    ({"it": "Avvisi e ingiunzioni", "en": "Notices and injunctions", "de": "Bescheide und Zahlungsbefehle"}, 30,
     "Documento d'identità\nL'avviso o l'ingiunzione\nRicevute dei pagamenti già fatti"),
    ({"it": "Chiedere di pagare a rate", "en": "Ask to pay by instalments", "de": "Ratenzahlung beantragen"}, 40,
     "Documento d'identità\nL'avviso o l'ingiunzione\nISEE, se lo hai"),
)  # fmt: skip


def receive(session: Session) -> None:
    """Write it all once; a second time it does nothing."""
    if session.execute(select(Desk.id).limit(1)).first() is not None:
        return
    sara = person(session, SUPERVISOR.username)
    for code in RECEIVING:
        ente = session.scalars(select(Ente).where(Ente.cadastral_code == code)).one()
        office = session.scalars(select(Office).where(Office.ente_id == ente.id).order_by(Office.id).limit(1)).one()
        _prepare(session, sara, ente.id, office.id)
        _come(session, sara, ente.id, office.id)


def _prepare(session: Session, sara: Principal, ente_id: int, office_id: int) -> None:
    for rank, (names, minutes, bring) in enumerate(SERVICES):
        told = ServiceTold(
            {"name": names, "bring": {"it": bring}}, {"duration": minutes, "step": 10, "buffer": 0, "notice": 120},
            frozenset({office_id}), rank=rank,
        )  # fmt: skip
        preparing.save_service(session, sara, ente_id=ente_id, told=told)
    desks = [
        preparing.save_desk(session, sara, ente_id=ente_id, office_id=office_id, name=name, rank=rank)
        for rank, name in enumerate(DESKS)
    ]
    windows = [Window(day, time(9), time(13), desk) for day in range(5) for desk in desks]
    windows += [Window(3, time(15), time(17, 30), desk) for desk in desks[:2]]
    today = clock.business_day(clock.now(session))
    preparing.save_draft(
        session, sara, ente_id=ente_id, office_id=office_id, windows=windows, valid_from=today
    )  # fmt: skip
    preparing.publish(session, sara, ente_id=ente_id, office_id=office_id)
    closed = today + timedelta(days=21 - today.weekday())
    meeting = Exceptional(
        0, None, closed, closed, closed=True, opens=time(11), closes=time(13), words="Assemblea del personale"
    )
    preparing.add_exception(session, sara, ente_id=ente_id, office_id=office_id, told=meeting)


def _come(session: Session, sara: Principal, ente_id: int, office_id: int) -> None:
    """Some of the ente's taxpayers, over the next two weeks, more of them in the mornings."""
    people = session.scalars(
        select(Contact).where(Contact.ente_id == ente_id, Contact.kind == PersonKind.NATURAL)
        .order_by(Contact.id).limit(PEOPLE)
    ).all()  # fmt: skip
    today = clock.business_day(clock.now(session))
    services = [one for one in queries.services(session, ente_id) if one.active]
    for n, one in enumerate(people):
        channel = (Channel.PHONE, Channel.DESK, Channel.WEB)[n % 3]
        free = finding.free_times(
            session, ente_id=ente_id, service_id=services[n % len(services)].id, channel=channel, first=today,
            last=today + timedelta(days=14),
        )  # fmt: skip
        if not free:
            continue
        wanted = free[n * n * 7 % len(free)]
        held = holding.hold(
            session, None, ente_id=ente_id, service_id=services[n % len(services)].id, office_id=office_id,
            starts_at=wanted.starts_at, channel=channel,
        )  # fmt: skip
        told = Person(one.given_name or "", one.surname, one.codice_fiscale, phone=f"0586 7001{n:02d}")
        booking.book(
            session, None if channel is Channel.WEB else sara, ente_id=ente_id, hold=held.token, person=told,
            manage_at=MANAGE,
        )  # fmt: skip
