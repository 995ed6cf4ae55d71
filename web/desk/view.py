"""What the desk's pages show: the queue, whoever is there, and his file or what is asked before it opens."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.agendas import queries as agendas
from crm.agendas.models import AppointmentState
from crm.agendas.queries import AppointmentView
from crm.contacts import queries as contacts
from crm.contacts.queries import ContactView
from crm.core import topics
from crm.enti.details import OfficeView
from crm.enti.queries import Badge, badges
from crm.files import queries as files
from crm.files import service as opening_files
from crm.files.gate import Gate
from crm.turns import queries, service
from crm.turns.models import FirstFree
from crm.turns.order import for_desk
from crm.turns.queries import Office, TurnView
from web.agendas.view import offices_of
from web.edge.templating import fragment
from web.edge.visits import Visit
from web.files.speakers import Offered, offered_in
from web.files.view import TaxpayerFile, read_file
from web.live.hub import Rendered
from web.screens.words import LANGUAGES
from web.wiring import Runtime

REGIONS = ("desk-now", "desk-queue", "file")


@dataclass(frozen=True, slots=True)
class DeskNow:
    """A clerk's desk. `next_id`: who is called when he calls. `expected`: whose appointments are still to
    come.
    """

    desk_id: int
    office: OfficeView
    ente: Badge
    state: Office
    turn: TurnView | None
    next_id: int | None
    last: TurnView | None  # of a desk at which nobody is: who was there last
    desks: Mapping[int, str]
    services: Mapping[int, str]  # what is done at the office
    mine: frozenset[int]  # what is done at this desk, by him
    expected: tuple[AppointmentView, ...]

    @property
    def here(self) -> list[TurnView]:
        """Who was served to an end at this desk today."""
        return [one for one in self.state.done if one.desk_id == self.desk_id]


@dataclass(frozen=True, slots=True)
class Whose:
    """The person at the desk: his file if it is open, else what is asked before."""

    person: ContactView
    file: TaxpayerFile | None
    gate: Gate
    speakers: Offered
    ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class OfficeNow:
    """An office, for whoever looks after all of them. `lead`: the latest sample with the longest way to go, `lead_of`:
    for which service.
    """

    office: OfficeView
    state: Office
    desks: int
    lead: FirstFree | None
    lead_of: str


def choices(session: Session, visit: Visit) -> list[tuple[Badge, OfficeView, list[tuple[int, str, str]]]]:
    """Where somebody may sit: desks with who sits there, by office."""
    enti = visit.scope(Permission.APPOINTMENT_MANAGE).enti or frozenset()
    found = []
    for ente, offices in offices_of(session, enti):
        for office in offices:
            taken = queries.seats(session, office.id)
            those = [
                (one.id, one.name, taken[one.id].name if one.id in taken else "")
                for one in agendas.desks(session, office.id)
                if one.active
            ]
            if queries.offered(session, ente.id, office.id):
                found.append((ente, office, those))
    return found


def read(session: Session, visit: Visit) -> DeskNow | None:
    """The desk at which the visitor sits today; none while he sits nowhere."""
    seat = queries.seat_of(session, visit.principal.user_id)
    if seat is None:
        return None
    office_id, desk_id = seat
    office, state = agendas.office(session, office_id), queries.office(session, office_id)
    mine = service.done_at(session, visit.principal, ente_id=office.ente_id, office_id=office_id, desk_id=desk_id)
    following = for_desk((one.waiting for one in state.waiting), desk_id=desk_id, services=mine, now=state.now)
    of_today = agendas.of_office(session, office_id, state.day, state.day)
    return DeskNow(
        desk_id, office, badges(session)[office.ente_id], state, state.at_desks.get(desk_id),
        following.id if following else None, queries.last_at(state, desk_id),
        {one.id: one.name for one in agendas.desks(session, office_id)},
        {one.id: one.called(visit.language) for one in queries.offered(session, office.ente_id, office_id)},
        frozenset(mine), tuple(one for one in of_today if one.state is AppointmentState.BOOKED),
    )  # fmt: skip


def whose(session: Session, visit: Visit, contact_id: int, turn_id: int) -> Whose:
    """The person at the desk, in the scope of files; whoever sees the questions is written down."""
    person = contacts.same_person(session, contact_id)
    opening = files.opening(session, visit.principal, contact_id=contact_id)
    if opening is None:
        opening_files.show_gate(session, visit.principal, person)
    return Whose(
        person[0], read_file(session, visit.principal, person, opening) if opening else None,
        files.gate(session, person[0].ente_id),
        offered_in(session, visit, person, talk=f"turn_{turn_id}"), frozenset(one.id for one in person),
    )  # fmt: skip


def render(runtime: Runtime, visit: Visit) -> Rendered:
    """The desk's regions."""
    with runtime.database.begin(visit.scope(Permission.APPOINTMENT_MANAGE)) as session:
        now = read(session, visit)
    if now is None:
        return Rendered({one: fragment("desk/up.html", visit.language, region=one) for one in REGIONS}, frozenset())
    person = None
    if now.turn is not None and now.turn.contact_id is not None:
        with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
            person = whose(session, visit, now.turn.contact_id, now.turn.id)
    may_propose = visit.principal.can(Permission.PROPOSAL_MAKE)
    watched = {topics.office(now.office.id)} | {topics.contact(one) for one in (person.ids if person else ())}
    return Rendered(
        {
            "desk-now": fragment("desk/now.html", visit.language, view=now, visit=visit, languages=LANGUAGES),
            "desk-queue": fragment("desk/queue.html", visit.language, view=now, visit=visit),
            "file": fragment(
                "desk/file.html", visit.language, view=now, whose=person, visit=visit, may_propose=may_propose
            ),
        },
        frozenset(watched),
    )


def read_offices(session: Session, visit: Visit) -> list[tuple[Badge, list[OfficeNow]]]:
    """All offices of the enti that the visitor may see."""
    enti = visit.scope(Permission.APPOINTMENT_READ).enti or frozenset()
    return [(ente, [_office_now(session, one, visit.language) for one in offices]) for ente, offices in
            offices_of(session, enti)]  # fmt: skip


def _office_now(session: Session, office: OfficeView, language: str) -> OfficeNow:
    lead = max(queries.leads(session, office.id), key=lambda one: one.working_days, default=None)
    return OfficeNow(
        office, queries.office(session, office.id), sum(desk.active for desk in agendas.desks(session, office.id)),
        lead, agendas.service(session, office.ente_id, lead.service_id).called(language) if lead else "",
    )  # fmt: skip


def render_offices(runtime: Runtime, visit: Visit) -> Rendered:
    """The table of offices."""
    with runtime.database.begin(visit.scope(Permission.APPOINTMENT_READ)) as session:
        found = read_offices(session, visit)
    html = fragment("desk/_offices.html", visit.language, found=found, visit=visit)
    return Rendered({"offices": html}, frozenset(topics.office(one.office.id) for _, those in found for one in those))
