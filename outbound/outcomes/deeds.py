"""What an outcome does to the person's data (requirement O6), and how it is taken back.

A number that is another's is marked so, an address at which he no longer lives as well, and the new one is proposed to
the ente; a death is written down as told, with who told it, so that nobody calls, and somebody has to verify it.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases import asking as cases
from crm.cases.lifecycle import Channel as CaseChannel
from crm.contacts import conditions, preferences, told
from crm.contacts import queries as contacts
from crm.contacts.addresses import Address
from crm.contacts.models import AddressKind, ConditionKind, LastOutcome, PersonKind, ReachKind, Source, Verification
from crm.contacts.preferences import Refusal
from crm.contacts.queries import ContactView
from crm.contacts.recording import Telling
from crm.contacts.told import Detail
from crm.core import clock
from crm.core.errors import InvalidError
from crm.enti import queries as enti
from crm.enti.days import working_day_after
from crm.follow_ups import queries as owed
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUpKind, FollowUpState
from crm.follow_ups.service import To
from crm.follow_ups.when import Day, due
from crm.proposals import service as proposals
from crm.proposals.subjects import Subject
from outbound.outcomes.catalogue import CATALOGUE, Said
from outbound.promises import service as promises
from outbound.promises.service import Wanted

END = time(18)
NOTES = {  # of what is to be done, before what the agent wrote
    Said.INSTALMENTS: "Chiede la rateizzazione.",
    Said.DISPUTE: "Contesta quanto gli viene chiesto.",
    Said.ALREADY_PAID: "Dice di aver già pagato: verificare il pagamento.",
    Said.DECEASED: "Risulta deceduto: verificare prima di chiamare ancora.",
}
Deeds = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """What was told beside the outcome. `since`: the day of a death; `source`: who told it."""

    note: str = ""
    promise: Wanted | None = None
    call_after: datetime | None = None
    address: Address | None = None
    since: date | None = None
    source: Source = Source.TAXPAYER


@dataclass(frozen=True, slots=True)
class About:
    """Whom it is about, and at which number he was called."""

    outcome_id: UUID
    ente_id: int
    contract_id: int
    campaign_id: int
    contact_id: int
    call_id: UUID
    number: str | None
    most_days: int
    grace_days: int


def do(session: Session, by: Principal, about: About, said: Said, heard: Heard) -> Deeds:
    """Do it; what was done. Raises `InvalidError`, field by field."""
    deeds: Deeds = {}
    person = contacts.of_ente(contacts.same_person(session, about.contact_id), about.ente_id)
    reached = CATALOGUE[said].reached
    if reached is not None:
        deeds["reaches"] = _number(session, by, person, about.number, his=reached)
    match said:
        case Said.PROMISE:
            if heard.promise is None:
                raise _missing("Scegli il giorno.", "day")
            deeds["promise"] = promises.make(
                session, by, ente_id=about.ente_id, campaign_id=about.campaign_id, contact_id=about.contact_id,
                outcome_id=about.outcome_id, wanted=heard.promise, most_days=about.most_days,
                grace_days=about.grace_days,
            )  # fmt: skip
        case Said.NO_MORE_CALLS:
            before = preferences.do_not_call(session, by, contact_id=about.contact_id, why=heard.note)
            deeds["refusals"] = {
                str(one): [was.since.isoformat() if was.since else None, was.why] for one, was in before.items()
            }
        case Said.MOVED:
            deeds |= _moved(session, by, about, person, heard)
        case Said.DECEASED:
            telling = Telling(heard.source, about.call_id)
            told_of = conditions.report(
                session, by, contact_id=about.contact_id, kind=ConditionKind.DECEASED, since=heard.since,
                note=heard.note, telling=telling,
            )  # fmt: skip
            deeds["condition"], deeds["replaced"] = told_of.id, told_of.replaced_id
    if CATALOGUE[said].asks is not None:
        deeds["case"] = _asked(session, by, about, said, heard)
    if CATALOGUE[said].work_days is not None:
        deeds["follow_up"] = _owed(session, by, about, said, heard)
    return deeds


def undo(session: Session, by: Principal, deeds: Deeds) -> None:
    """Take it all back; what somebody has gone on with stays as he left it."""
    for detail, row_id, verification, outcome in deeds.get("reaches", ()):
        told.judge(session, by, detail=Detail(detail), row_id=row_id, verification=Verification(verification))
        last = LastOutcome(outcome) if outcome else None
        told.tried(session, by, detail=Detail(detail), row_id=row_id, outcome=last)
    if "added" in deeds:
        told.remove(session, by, detail=Detail.ADDRESS, row_id=deeds["added"])
    if "proposal" in deeds:
        proposal_id, voice_id = deeds["proposal"]
        proposals.take_back(session, by, proposal_id=UUID(proposal_id), voice_id=voice_id)
    if "promise" in deeds:
        promises.withdraw(session, promise_id=deeds["promise"])
    if "refusals" in deeds:
        before = {
            int(one): Refusal(datetime.fromisoformat(since) if since else None, why)
            for one, (since, why) in deeds["refusals"].items()
        }
        preferences.call_as_before(session, by, before=before)
    if "condition" in deeds:
        conditions.withdraw(session, by, condition_id=deeds["condition"])
        if deeds.get("replaced"):
            conditions.reinstate(session, by, condition_id=deeds["replaced"])
    if deeds.get("case") is not None:
        cases.take_back(session, by, case_id=deeds["case"])
    if "follow_up" in deeds:
        found = owed.get(session, deeds["follow_up"])
        if found is not None and found.state is FollowUpState.OPEN:
            follow_ups.cancel(session, by, follow_up_id=found.id)


def _number(
    session: Session, by: Principal, person: list[ContactView], number: str | None, *, his: bool
) -> list[list[Any]]:  # fmt: skip
    """The number at which he was called is his after all, or is another's. What was thought of it before."""
    before: list[list[Any]] = []
    for reach in (one for row in person for one in row.reaches):
        if reach.kind is not ReachKind.PHONE or reach.value != number or reach.id is None:
            continue
        outcome = LastOutcome.REACHED if his else LastOutcome.WRONG_PERSON
        last = told.tried(session, by, detail=Detail.REACH, row_id=reach.id, outcome=outcome)
        thought = reach.verification
        if not his:
            thought = told.judge(
                session, by, detail=Detail.REACH, row_id=reach.id, verification=Verification.WRONG
            )  # fmt: skip
        before.append([Detail.REACH.value, reach.id, thought.value, last.value if last else None])
    return before


def _moved(session: Session, by: Principal, about: About, person: list[ContactView], heard: Heard) -> Deeds:
    """He no longer lives there. Where he does, when that was told, is proposed to the ente."""
    deeds: Deeds = {}
    place = None
    natural = person[0].kind is PersonKind.NATURAL
    kind = AddressKind.RESIDENCE if natural else AddressKind.SEAT
    if heard.address is not None:
        place = told.parse_address(heard.address)
        telling = Telling(heard.source, about.call_id)
        written = told.add_address(
            session, by, contact_id=about.contact_id, kind=kind, address=place, telling=telling
        )  # fmt: skip
        if written.new:
            deeds["added"] = written.id
        fields = {name: value or "" for name, value in place_fields(place).items()}
        made = proposals.propose_correction(
            session, by, contact_id=about.contact_id, subject=Subject.RESIDENCE if natural else Subject.SEAT,
            instead_of=None, fields=fields, told=proposals.Told(note=heard.note, call_id=about.call_id),
        )  # fmt: skip
        deeds["proposal"] = [str(made.proposal_id), made.voice_id]
    deeds["reaches"] = [
        [
            Detail.ADDRESS.value, one.id,
            told.judge(
                session, by, detail=Detail.ADDRESS, row_id=one.id, verification=Verification.WRONG
            ).value,
            one.outcome.value if one.outcome else None,
        ]
        for row in person
        for one in row.addresses
        if one.id is not None and one.kind is kind and (place is None or one.key != place.key)
    ]  # fmt: skip
    return deeds


def place_fields(place: Address) -> dict[str, str | None]:
    """An address by the names that proposals have for its parts."""
    return {
        "street": place.street, "postcode": place.postcode, "town": place.town, "province": place.province,
        "country": place.country,
    }  # fmt: skip


def _asked(session: Session, by: Principal, about: About, said: Said, heard: Heard) -> int | None:
    """It is a request: nobody calls about a debt while it is open."""
    wanted = CATALOGUE[said].asks
    assert wanted is not None
    return cases.ask(
        session, by,
        cases.Heard(
            about.contact_id, about.ente_id, wanted, CaseChannel.PHONE, _noted(said, heard), about.call_id
        ),
    )  # fmt: skip


def _owed(session: Session, by: Principal, about: About, said: Said, heard: Heard) -> int:
    """Somebody has to look at it, within the back office's working days."""
    now = clock.now(session)
    timetable = enti.timetable(session, about.contract_id, about.ente_id)
    day = working_day_after(clock.business_day(now), CATALOGUE[said].work_days or 0, timetable.patron)
    when = due(Day.CHOSEN, chosen=day, hour=END, now=now, timetable=timetable)
    return follow_ups.make(
        session, by, contact_id=about.contact_id, kind=FollowUpKind.CHECK, due_at=when.at, to=To(),
        note=_noted(said, heard), call_id=about.call_id,
    )  # fmt: skip


def _noted(said: Said, heard: Heard) -> str:
    return " ".join(filter(None, (NOTES[said], heard.note)))


def _missing(message: str, field: str) -> InvalidError:
    return InvalidError(message, parts=(InvalidError(message, field=field),))
