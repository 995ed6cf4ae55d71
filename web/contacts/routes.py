"""The contact's card: read, and what people tell of reaches, addresses, conditions, wishes and consents."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.contacts import card as cards
from crm.contacts import conditions, consents, preferences, told
from crm.contacts.addresses import Address
from crm.contacts.models import (
    AddressKind,
    Channel,
    Collected,
    ConditionKind,
    LastOutcome,
    Purpose,
    ReachKind,
    Source,
    Verification,
)
from crm.contacts.preferences import Refusal, Wishes
from crm.contacts.told import Detail
from crm.core.errors import InvalidError
from crm.enti import queries as enti
from web.contacts.answers import Done, FieldText, Maybe, call_about, do, telling
from web.contacts.view import read, shown
from web.edge.fields import NearDay, NearInstant
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep

router = APIRouter(include_in_schema=False)
SourceField = Annotated[Source, Form()]


@router.get("/contacts/{contact_id}")
def contact(request: Request, runtime: RuntimeDep, visit: VisitDep, contact_id: int) -> Response:
    """The card on a page of its own. Who read it is recorded."""
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        card = read(session, visit, contact_id)
        cards.opened(session, visit.principal, card, call_id=call_about(session, visit, contact_id))
        ente, html = enti.badges(session)[card.contact.ente_id], shown(session, visit, card)
    return page(
        request, "contacts/page.html", visit.language, region=html, contact_id=contact_id, ente=ente, visit=visit,
        csrf=visit.csrf_token,
    )  # fmt: skip


@router.get("/contacts/{contact_id}/card")
def card_alone(runtime: RuntimeDep, visit: VisitDep, contact_id: int) -> Response:
    """The card beside a file or a call. Who read it is recorded."""
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        card = read(session, visit, contact_id)
        cards.opened(session, visit.principal, card, call_id=call_about(session, visit, contact_id))
        html = shown(session, visit, card, beside=True)
    return Response(html, media_type="text/html")


# -- reaches and addresses ----------------------------------------------------------------------------------------


@router.post("/contacts/{contact_id}/reaches")
def add_reach(
    runtime: RuntimeDep, visit: ChangeDep, contact_id: int, kind: Annotated[ReachKind, Form()],
    value: FieldText = "", source: SourceField = Source.TAXPAYER,
) -> Response:  # fmt: skip
    """Somebody tells a phone or an address of e-mail."""

    def work(session: Session) -> Done:
        who = telling(session, visit, contact_id, source)
        row = told.add_reach(
            session, visit.principal, contact_id=contact_id, kind=kind, value=value, telling=who
        )  # fmt: skip
        return _written(Detail.REACH, row)

    return do(runtime, visit, work)


@router.post("/contacts/{contact_id}/addresses")
def add_address(
    runtime: RuntimeDep, visit: ChangeDep, contact_id: int, kind: Annotated[AddressKind, Form()],
    street: FieldText = "", postcode: FieldText = "", town: FieldText = "", province: FieldText = "",
    country: FieldText = "IT", source: SourceField = Source.TAXPAYER,
) -> Response:  # fmt: skip
    """Somebody tells where he lives or has his seat."""

    def work(session: Session) -> Done:
        who = telling(session, visit, contact_id, source)
        row = told.add_address(
            session, visit.principal, contact_id=contact_id, kind=kind, telling=who,
            address=Address(street, postcode, town, province, country),
        )  # fmt: skip
        return _written(Detail.ADDRESS, row)

    return do(runtime, visit, work)


@router.post("/contacts/details/{detail}/{row_id}/verification")
def verification(
    runtime: RuntimeDep, visit: ChangeDep, detail: Detail, row_id: int, to: Annotated[Verification, Form()],
    outcome: Maybe[LastOutcome] = None,
) -> Response:  # fmt: skip
    """It was found right or wrong, and perhaps by what came of trying it."""

    def work(session: Session) -> Done:
        was = told.judge(session, visit.principal, detail=detail, row_id=row_id, verification=to)
        if outcome is not None:
            told.tried(session, visit.principal, detail=detail, row_id=row_id, outcome=outcome)
        return replace(_JUDGED[to], undo=f"/contacts/details/{detail}/{row_id}/verification", fields={"to": was.value})

    return do(runtime, visit, work)


@router.post("/contacts/details/{detail}/{row_id}/outcome")
def outcome(
    runtime: RuntimeDep, visit: ChangeDep, detail: Detail, row_id: int, outcome: Maybe[LastOutcome] = None
) -> Response:
    """What came of trying it."""

    def work(session: Session) -> Done:
        was = told.tried(session, visit.principal, detail=detail, row_id=row_id, outcome=outcome)
        undo = {"outcome": was.value if was else ""}
        return Done("Esito segnato.", f"/contacts/details/{detail}/{row_id}/outcome", undo)

    return do(runtime, visit, work)


@router.post("/contacts/details/{detail}/{row_id}/remove")
def remove(runtime: RuntimeDep, visit: ChangeDep, detail: Detail, row_id: int) -> Response:
    """It was written by mistake."""

    def work(session: Session) -> Done:
        told.remove(session, visit.principal, detail=detail, row_id=row_id)
        return Done("Tolto.")

    return do(runtime, visit, work)


# -- conditions ---------------------------------------------------------------------------------------------------


@router.post("/contacts/{contact_id}/conditions")
def report(
    runtime: RuntimeDep, visit: ChangeDep, contact_id: int, kind: Annotated[ConditionKind, Form()],
    since: Maybe[NearDay] = None, note: FieldText = "", source: SourceField = Source.RELATED,
) -> Response:  # fmt: skip
    """Somebody tells of a death, a cessation, an insolvency."""

    def work(session: Session) -> Done:
        one = conditions.report(
            session, visit.principal, contact_id=contact_id, kind=kind, since=since, note=note,
            telling=telling(session, visit, contact_id, source),
        )  # fmt: skip
        back = f"{one.replaced_id}/reinstate" if one.replaced_id else f"{one.id}/withdraw"
        return Done("Segnato.", f"/contacts/conditions/{back}")

    return do(runtime, visit, work)


@router.post("/contacts/conditions/{condition_id}/withdraw")
def withdraw(runtime: RuntimeDep, visit: ChangeDep, condition_id: int) -> Response:
    """It was not so."""

    def work(session: Session) -> Done:
        conditions.withdraw(session, visit.principal, condition_id=condition_id)
        return Done("Tolto: non era così.", f"/contacts/conditions/{condition_id}/reinstate")

    return do(runtime, visit, work)


@router.post("/contacts/conditions/{condition_id}/reinstate")
def reinstate(runtime: RuntimeDep, visit: ChangeDep, condition_id: int) -> Response:
    """It was so after all."""

    def work(session: Session) -> Done:
        conditions.reinstate(session, visit.principal, condition_id=condition_id)
        return Done("Rimesso.")

    return do(runtime, visit, work)


# -- wishes -------------------------------------------------------------------------------------------------------


@router.post("/contacts/{contact_id}/preferences")
def prefer(
    runtime: RuntimeDep, visit: ChangeDep, contact_id: int, language: Maybe[str] = None,
    residential: Maybe[bool] = None, channel: Maybe[Channel] = None,
    weekdays: Annotated[Sequence[int], Form()] = (), hours_from: Maybe[time] = None, hours_to: Maybe[time] = None,
) -> Response:  # fmt: skip
    """How he wants to be dealt with."""
    wishes = Wishes(language, residential, channel, tuple(weekdays), hours_from, hours_to)

    def work(session: Session) -> Done:
        was = preferences.wish(session, visit.principal, contact_id=contact_id, wishes=wishes)
        return Done("Preferenze scritte.", f"/contacts/{contact_id}/preferences", _fields(was))

    return do(runtime, visit, work)


@router.post("/contacts/{contact_id}/do-not-call")
def do_not_call(runtime: RuntimeDep, visit: ChangeDep, contact_id: int, why: FieldText = "") -> Response:
    """He asks not to be called."""

    def work(session: Session) -> Done:
        was = preferences.do_not_call(session, visit.principal, contact_id=contact_id, why=why)
        return Done("Non va più chiamato.", "/contacts/calls-as-before", _refusals(was))

    return do(runtime, visit, work)


@router.post("/contacts/{contact_id}/call-again")
def call_again(runtime: RuntimeDep, visit: ChangeDep, contact_id: int) -> Response:
    """He may be called."""

    def work(session: Session) -> Done:
        was = preferences.call_again(session, visit.principal, contact_id=contact_id)
        return Done("Può essere chiamato.", "/contacts/calls-as-before" if was else "", _refusals(was))

    return do(runtime, visit, work)


@router.post("/contacts/calls-as-before")
def calls_as_before(
    runtime: RuntimeDep, visit: ChangeDep, row: Annotated[Sequence[int], Form()],
    since: Annotated[Sequence[Annotated[NearInstant | None, BeforeValidator(lambda text: text or None)]], Form()],
    why: Annotated[Sequence[str], Form()],
) -> Response:  # fmt: skip
    """Whether he may be called was changed by mistake: each of these rows says what it said."""
    if not len(row) == len(since) == len(why):
        raise InvalidError("Questa scelta non esiste: ricarica la pagina.")
    before = {id_: Refusal(at, words) for id_, at, words in zip(row, since, why, strict=True)}

    def work(session: Session) -> Done:
        preferences.call_as_before(session, visit.principal, before=before)
        return Done("Rimesso.")

    return do(runtime, visit, work)


# -- consents -----------------------------------------------------------------------------------------------------


@router.post("/contacts/{contact_id}/consents")
def consent(
    runtime: RuntimeDep, visit: ChangeDep, contact_id: int, purpose: Annotated[Purpose, Form()],
    given: Annotated[bool, Form()], collected: Annotated[Collected, Form()] = Collected.SPOKEN,
    on: Maybe[NearDay] = None,
) -> Response:  # fmt: skip
    """He consents, or withdraws it."""

    def work(session: Session) -> Done:
        consent_id = consents.record(
            session, visit.principal, contact_id=contact_id, purpose=purpose, given=given, collected=collected, on=on,
            call_id=call_about(session, visit, contact_id),
        )  # fmt: skip
        done = Done("Consenso scritto.") if given else Done("Revoca scritta.")
        return replace(done, undo=f"/contacts/consents/{consent_id}/annul")

    return do(runtime, visit, work)


@router.post("/contacts/consents/{consent_id}/annul")
def annul(runtime: RuntimeDep, visit: ChangeDep, consent_id: int) -> Response:
    """It was written by mistake."""

    def work(session: Session) -> Done:
        consents.annul(session, visit.principal, consent_id=consent_id)
        return Done("Annullato: era scritto per errore.")

    return do(runtime, visit, work)


_JUDGED = {
    Verification.VERIFIED: Done("Segnato come verificato."),
    Verification.WRONG: Done("Segnato come errato."),
    Verification.UNVERIFIED: Done("Di nuovo da verificare."),
}


def _written(detail: Detail, row: told.Written) -> Done:
    """What is new can be taken away again; what was there and held to be wrong, be held so again."""
    path = f"/contacts/details/{detail}/{row.id}"
    if row.new:
        return Done("Aggiunto.", f"{path}/remove")
    if row.verification is not Verification.WRONG:
        return Done("Aggiunto.")
    return Done("Aggiunto.", f"{path}/verification", {"to": row.verification.value, "outcome": row.outcome or ""})


def _refusals(was: Mapping[int, Refusal]) -> dict[str, list[object]]:
    """The form that brings these back."""
    return {
        "row": list(was), "since": [one.since.isoformat() if one.since else "" for one in was.values()],
        "why": [one.why for one in was.values()],
    }  # fmt: skip


def _fields(wishes: Wishes) -> dict[str, object]:
    """The form that brings these wishes back."""
    return {
        "language": wishes.language or "", "channel": wishes.channel.value if wishes.channel else "",
        "residential": "" if wishes.residential is None else str(wishes.residential).lower(),
        "weekdays": list(wishes.weekdays),
        "hours_from": wishes.hours_from.isoformat("minutes") if wishes.hours_from else "",
        "hours_to": wishes.hours_to.isoformat("minutes") if wishes.hours_to else "",
    }  # fmt: skip
