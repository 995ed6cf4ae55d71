"""What an agent's page sends: an outcome with what was told beside it, or that it was a mistake."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import HTMLResponse
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.contacts.addresses import Address
from crm.contacts.models import Source
from crm.core import clock
from crm.core.clock import ROME
from crm.core.errors import FieldError, NotFoundError
from crm.positions.summary import owed_cents
from outbound.campaigns import running
from outbound.outcomes import queries, service
from outbound.outcomes.catalogue import Said
from outbound.outcomes.deeds import Heard
from outbound.promises import service as promises
from outbound.promises.service import Wanted
from telephony.calls import conversation
from web.edge.fields import NearDay, cents_of
from web.edge.templating import fragment
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
T = TypeVar("T")
Chosen = Annotated[T | None, BeforeValidator(lambda text: text or None), Form()]  # an empty field chooses nothing
FieldText = Annotated[str, Form(max_length=400)]
NO_CONTENT = 204
NOON = time(12)


@dataclass(frozen=True, slots=True)
class Fields:
    """The form, as it was sent."""

    day: date | None
    amount: str
    call_day: date | None
    call_hour: time | None
    note: str
    since: date | None
    address: Address | None
    by_another: bool

    def heard(self, said: Said) -> Heard:
        """What was told beside the outcome. Raises `FieldError`."""
        promise = None
        if said is Said.PROMISE:
            if self.day is None:
                raise FieldError("Scegli il giorno.", "day")
            cents = cents_of(self.amount)
            if self.amount.strip() and cents is None:
                raise FieldError("Scrivi un importo in euro, come 200 oppure 1.200,50.", "amount")
            promise = Wanted(self.day, cents)
        source = Source.RELATED if self.by_another else Source.TAXPAYER
        return Heard(
            " ".join(self.note.split()), promise, self._call_after(), self.address if said is Said.MOVED else None,
            self.since, source,
        )  # fmt: skip

    def _call_after(self) -> datetime | None:
        if self.call_day is None:
            if self.call_hour is not None:
                raise FieldError("Scegli anche il giorno.", "call_day")
            return None
        return datetime.combine(self.call_day, self.call_hour or NOON, ROME)


def fields(
    day: Chosen[NearDay] = None, amount: FieldText = "", call_day: Chosen[NearDay] = None,
    call_hour: Chosen[time] = None, note: FieldText = "", since: Chosen[NearDay] = None, street: FieldText = "",
    postcode: FieldText = "", town: FieldText = "", province: FieldText = "",
    by_another: Annotated[bool, Form()] = False,
) -> Fields:  # fmt: skip
    """What may come with an outcome."""
    there = any(text.strip() for text in (street, postcode, town, province))
    address = Address(street, postcode, town, province) if there else None
    return Fields(day, amount, call_day, call_hour, note, since, address, by_another)


FieldsDep = Annotated[Fields, Depends(fields)]


@router.get("/outcomes/{call}/form")
def form(runtime: RuntimeDep, visit: VisitDep, call: UUID, said: Said) -> Response:
    """What is asked for with an outcome."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        current = conversation.current_call(session, visit.principal.user_id)
        late = conversation.unfinished(session, visit.principal.user_id)
        owed = queries.owing(session, visit.principal.user_id)
        mine = {owed, *(one.id for one in (current, late) if one is not None)}
        of = queries.of_call(session, call) if call in mine else None
        if of is None:
            raise NotFoundError("Questa non è più la tua chiamata.")
        rules = running.get(session, of.campaign_id).plan.outcomes
        known = current is not None and current.id == call and queries.reached(session, current, of.contact_id)
        asked = promises.payable(session, [of.contact_id]) if known and said is Said.PROMISE else []
        today = clock.business_day(clock.now(session))
    return HTMLResponse(
        fragment(
            "outcomes/_form.html", visit.language, call=call, said=said, due=sum(owed_cents(one) for one in asked),
            today=today, last=today + timedelta(days=rules.promise_days), grace=rules.grace_days,
        )
    )  # fmt: skip


@router.post("/outcomes/{call}")
def give(runtime: RuntimeDep, visit: ChangeDep, call: UUID, said: Annotated[Said, Form()], told: FieldsDep) -> Response:
    """Say what came of it. What follows comes through the live socket."""

    def work(session: Session) -> None:
        service.give(session, visit.principal, call_id=call, said=said, heard=told.heard(said))

    return _do(runtime, visit, work)


@router.post("/outcomes/{call}/undo")
def undo(runtime: RuntimeDep, visit: ChangeDep, call: UUID) -> Response:
    """It was a mistake."""
    return _do(runtime, visit, lambda session: service.undo(session, visit.principal, call_id=call))


def _do(runtime: Runtime, visit: Visit, work: Callable[[Session], None]) -> Response:
    runtime.database.transact(visit.scope(Permission.CALLS_ANSWER), work)
    return Response(status_code=NO_CONTENT)
