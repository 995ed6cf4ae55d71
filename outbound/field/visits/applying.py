"""What an outcome at the door does beyond the practice: a promise, something for the office, the person's data.

An agent's own role reads nobody's file. In a practice that he accepted he writes down what he was told as whoever
answers a call does, and of that person alone. What cannot be written so is owed to the office in his words: nothing
that was said at a door is lost.
"""

import contextlib
from datetime import time
from uuid import UUID

from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.cases import asking as cases
from crm.cases.lifecycle import Channel as CaseChannel
from crm.cases.requests import Wanted as Asked
from crm.contacts import conditions, told
from crm.contacts import queries as contacts
from crm.contacts.models import AddressKind, ConditionKind, PersonKind, Source, Verification
from crm.contacts.recording import MAX_WORDS, Telling
from crm.contacts.told import Detail
from crm.core import clock
from crm.core.errors import ConflictError, DomainError, InvalidError
from crm.enti import queries as enti
from crm.enti.days import working_day_after
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUpKind
from crm.follow_ups.service import MAX_NOTE, To
from crm.follow_ups.when import Day, due
from crm.proposals import service as proposals
from crm.proposals.subjects import Subject
from outbound.field.practices.models import Practice
from outbound.field.visits.consequences import Consequence
from outbound.field.visits.door import Outcome
from outbound.field.visits.entries import Details
from outbound.outcomes.deeds import place_fields
from outbound.promises import service as promises
from outbound.promises.service import Wanted

END = time(18)
PROMISE_DAYS, GRACE_DAYS = 30, 3  # how far ahead a promise may lie, and by how much its payment may be later
NOTES = {  # of what the office has to do, before what the agent wrote
    Outcome.PROMISE: "Alla visita ha promesso di pagare, ma la promessa non si è potuta registrare: scriverla a mano.",
    Outcome.INSTALMENTS: "Alla visita chiede la rateizzazione.",
    Outcome.DISPUTE: "Alla visita contesta quanto gli viene chiesto.",
    Outcome.ALREADY_PAID: "Alla visita dice di aver già pagato: verificare il pagamento.",
    Outcome.HARDSHIP: "Alla visita dice di non poter pagare: verificare che cosa gli si può offrire.",
    Outcome.MOVED: "Alla visita risulta trasferito: verificare l'indirizzo.",
    Outcome.DECEASED: "Alla visita risulta deceduto: verificare prima di ogni altro contatto.",
    Outcome.NOT_FOUND: "L'indirizzo della visita non si trova: verificarlo.",
    Outcome.UNSAFE: "L'incaricato ha lasciato la visita perché non era sicura: decidere se tornare.",
}
DECIDE = "Le visite dell'incarico sono finite: decidere come proseguire."


def apply(
    session: Session, by: Principal, practice: Practice, *, visit_id: UUID, outcome: Outcome, what: Consequence,
    details: Details,
) -> bool:  # fmt: skip
    """Write it down; whether all of it could be written as it should."""
    writer = Principal(
        by.user_id, by.name, by.language, frozenset({Held(Role.AGENT, practice.ente_id, None)}), place=by.place
    )
    whole, owed = True, what.work_days
    try:
        with session.begin_nested():
            _write(session, writer, practice, visit_id, outcome, details)
    except DomainError:
        whole, owed = False, owed or 1
    if what.asks is not None:
        _ask(session, writer, practice, what.asks, _noted(outcome, details))
    if owed is not None:
        _owe(session, writer, practice, outcome, details, owed)
    return whole


def _write(
    session: Session, by: Principal, practice: Practice, visit_id: UUID, outcome: Outcome, details: Details
) -> None:
    match outcome:
        case Outcome.PROMISE:
            if details.pay_on is None:
                raise InvalidError("Scegli il giorno.", field="pay_on")
            promises.make(
                session, by, ente_id=practice.ente_id, campaign_id=practice.campaign_id,
                contact_id=practice.contact_id, outcome_id=visit_id, wanted=Wanted(details.pay_on, details.cents),
                most_days=PROMISE_DAYS, grace_days=GRACE_DAYS,
            )  # fmt: skip
        case Outcome.DECEASED:
            conditions.report(
                session, by, contact_id=practice.contact_id, kind=ConditionKind.DECEASED, since=details.since,
                note=details.note[:MAX_WORDS], telling=Telling(Source.RELATED),
            )  # fmt: skip
        case Outcome.MOVED:
            _moved(session, by, practice, details)


def _moved(session: Session, by: Principal, practice: Practice, details: Details) -> None:
    """He no longer lives where he was looked for; where he does, when that was told, is proposed to the ente."""
    person = contacts.get(session, practice.contact_id)
    natural = person.kind is PersonKind.NATURAL
    kind = AddressKind.RESIDENCE if natural else AddressKind.SEAT
    place = told.parse_address(details.address) if details.address else None
    if place is not None:
        told.add_address(
            session, by, contact_id=practice.contact_id, kind=kind, address=place, telling=Telling(Source.RELATED)
        )  # fmt: skip
        proposals.propose_correction(
            session, by, contact_id=practice.contact_id, subject=Subject.RESIDENCE if natural else Subject.SEAT,
            instead_of=None, fields={name: value or "" for name, value in place_fields(place).items()},
            told=proposals.Told(note=details.note),
        )  # fmt: skip
    for one in person.addresses:
        if one.id is not None and one.kind is kind and (place is None or one.key != place.key):
            told.judge(session, by, detail=Detail.ADDRESS, row_id=one.id, verification=Verification.WRONG)


def _noted(outcome: Outcome, details: Details) -> str:
    return " ".join(filter(None, (NOTES.get(outcome, DECIDE), details.note)))[:MAX_NOTE]


def _ask(session: Session, by: Principal, practice: Practice, wanted: Asked, note: str) -> None:
    """It is a request, unless nobody serves the ente any more."""
    heard = cases.Heard(practice.contact_id, practice.ente_id, wanted, CaseChannel.VISIT, note)
    with contextlib.suppress(ConflictError), session.begin_nested():
        cases.ask(session, by, heard)


def _owe(
    session: Session, by: Principal, practice: Practice, outcome: Outcome, details: Details, work_days: int
) -> None:
    note, kind = _noted(outcome, details), FollowUpKind.CHECK
    now = clock.now(session)
    try:
        with session.begin_nested():
            contract_id = min(enti.contracts_of(session, practice.ente_id))
            timetable = enti.timetable(session, contract_id, practice.ente_id)
            day = working_day_after(clock.business_day(now), work_days, timetable.patron)
            at = due(Day.CHOSEN, chosen=day, hour=END, now=now, timetable=timetable).at
            follow_ups.make(
                session, by, contact_id=practice.contact_id, kind=kind, due_at=at, to=To(), note=note
            )  # fmt: skip
    except (DomainError, ValueError):  # the ente has no contract any more, or he may not act for it
        follow_ups.owe(session, ente_id=practice.ente_id, contact_id=practice.contact_id, kind=kind, note=note)
