"""Reading what became of a practice, for its report."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.contacts.models import Contact
from crm.core import clock
from crm.core.clock import business_day
from crm.core.db import table_of
from crm.core.errors import ConflictError, NotFoundError
from crm.documents.models import Document as Filed
from crm.enti import queries as enti
from crm.positions import queries as positions
from outbound.campaigns.models import Campaign
from outbound.field.agents.models import FieldAgent
from outbound.field.closing.report import Debt, Document, Given, Report, Step, Visited, Wording
from outbound.field.practices.models import FieldMandate, Practice, PracticeDebt
from outbound.field.visits import entries, pictures, wording
from outbound.field.visits.door import Deed, Fault, Whom
from outbound.field.visits.drawing import Picture
from outbound.field.visits.models import Visit
from outbound.promises import judging

_FILED = table_of(Filed)


def read(session: Session, practice: Practice, *, at: datetime | None = None) -> Report:
    """All of a closed practice, as it stands. `at`: when it was closed, where its row does not say so yet.

    Raises `ConflictError` for one that is open, or whose taxpayer was erased.
    """
    closed_at = practice.closed_at or at
    contact = session.get(Contact, practice.contact_id)
    if practice.closed is None or closed_at is None:
        raise ConflictError("La pratica non è chiusa: la relazione si fa quando si chiude.")
    if contact is None or not practice.town:
        raise ConflictError("I dati di questo contribuente sono stati cancellati: non c'è più che cosa riferire.")
    campaign = session.get(Campaign, practice.campaign_id) if practice.campaign_id else None
    debts, visits = _debts(session, practice), _visits(session, practice)
    return Report(
        practice.number, enti.badges(session)[practice.ente_id].name, _name(contact), contact.codice_fiscale,
        practice.street, practice.postcode, practice.town, practice.residential, practice.origin,
        campaign.name if campaign else "", practice.cents, practice.opened_at, closed_at, practice.closed,
        clock.now(session), debts, _mandates(session, practice), visits,
        _documents(session, practice, [one.reference for one in debts]),
        tuple(_words(session, practice.ente_id, visits)),
    )  # fmt: skip


def _name(contact: Contact) -> str:
    return " ".join(one for one in (contact.surname, contact.given_name) if one)


def _debts(session: Session, practice: Practice) -> tuple[Debt, ...]:
    rows = session.scalars(
        select(PracticeDebt).where(PracticeDebt.practice_id == practice.id).order_by(PracticeDebt.reference)
    ).all()
    known = {one.reference: one for one in positions.of_contact(session, [practice.contact_id], brief=True)}
    since = business_day(practice.opened_at)
    found = []
    for row in rows:
        its = known.get(row.reference)
        paid = judging.known_from(judging.paid_of(its), since) if its else 0
        found.append(
            Debt(row.reference, its.tax, its.year, its.act_kind, its.act_number, row.cents, its.residual_cents, paid)
            if its
            else Debt(row.reference, None, None, None, "", row.cents, None, 0)
        )
    return tuple(found)


def _mandates(session: Session, practice: Practice) -> tuple[Given, ...]:
    rows = session.execute(
        select(FieldMandate, FieldAgent)
        .join(FieldAgent, FieldAgent.id == FieldMandate.agent_id)
        .where(FieldMandate.practice_id == practice.id)
        .order_by(FieldMandate.given_at, FieldMandate.id)
    )
    return tuple(
        Given(
            f"{agent.given_name} {agent.surname}", agent.badge_number, one.state, one.valid_from, one.valid_to,
            one.cents, one.most_visits, one.given_at, one.accepted_at, one.no_ties_at, one.ended_at, one.reason,
        )
        for one, agent in rows
    )  # fmt: skip


def visit(session: Session, visit_id: UUID) -> tuple[Practice, Visited]:
    """A visit as a report has it, with its practice. Raises `NotFoundError`."""
    found = session.get(Visit, visit_id)
    if found is None:
        raise NotFoundError("Questa visita non c'è.")
    (told,) = _told(session, [(found, session.get_one(FieldAgent, found.agent_id))])
    return session.get_one(Practice, found.practice_id), told


def _visits(session: Session, practice: Practice) -> tuple[Visited, ...]:
    rows = session.execute(
        select(Visit, FieldAgent)
        .join(FieldAgent, FieldAgent.id == Visit.agent_id)
        .where(Visit.practice_id == practice.id)
        .order_by(Visit.began_at, Visit.id)
    )
    return _told(session, [(one, agent) for one, agent in rows])


def _told(session: Session, rows: Sequence[tuple[Visit, FieldAgent]]) -> tuple[Visited, ...]:
    brought = pictures.of_visits(session, [one.id for one, _ in rows])
    return tuple(_visited(one, agent, brought.get(one.id, ())) for one, agent in rows)


def _visited(one: Visit, agent: FieldAgent, brought: tuple[Picture, ...]) -> Visited:
    faults = {told.get("place"): Fault(told["fault"]) for told in one.faults}
    return Visited(
        one.number, f"{agent.given_name} {agent.surname}", agent.badge_number, one.began_at, one.ended_at,
        one.device_began_at, one.off_s, one.received_at, one.accuracy_m, one.distance_m, one.whom, one.spoke_with,
        one.capacity, one.outcome, one.note,
        tuple(_step(deed, faults.get(place)) for place, deed in enumerate(one.deeds)), tuple(faults.values()),
        tuple(str(told.get("sign", "")) for told in one.signs), brought,
    )  # fmt: skip


def _step(told: Mapping[str, Any], fault: Fault | None) -> Step:
    """A deed as the telephone told it."""
    whom, at = told.get("whom"), told.get("at")
    version = entries.words_said(told)
    return Step(
        Deed(told["deed"]), datetime.fromisoformat(at) if at else None, Whom(whom) if whom else None, fault,
        "" if version is None else str(version),
    )  # fmt: skip


def _words(session: Session, ente_id: int, visits: Iterable[Visited]) -> Iterable[Wording]:
    """The words of each version that was said; of one that the ente never had there are none."""
    for version in sorted({int(step.words) for one in visits for step in one.steps if step.words}):
        if (words := wording.of_version(session, ente_id, version)) is not None:
            yield Wording(version, words.reason, words.consequences)


def _documents(session: Session, practice: Practice, references: list[str]) -> tuple[Document, ...]:
    """The documents of the debts that the collection system announced."""
    rows = session.execute(
        select(_FILED.c.title, _FILED.c.kind, _FILED.c.dated, _FILED.c.sha256)
        .where(
            _FILED.c.ente_id == practice.ente_id, _FILED.c.contact_id == practice.contact_id,
            _FILED.c.position_reference.in_(references), _FILED.c.withdrawn_as_of.is_(None),
        )
        .order_by(_FILED.c.dated, _FILED.c.reference)
    )  # fmt: skip
    return tuple(Document(row.title, row.kind.value, row.dated, row.sha256) for row in rows)
