"""Who may speak for a contact: relations, mandates, and the list of mandates with their ends."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.contacts import mandates, relations
from crm.contacts.disclosure import Matter, RelationKind, Term
from crm.contacts.models import Source
from crm.contacts.relations import Said
from crm.core import clock
from crm.core.errors import FieldError
from crm.enti import queries as enti
from web.contacts.answers import Done, FieldText, Maybe, do, telling
from web.edge.fields import NearDay
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep

router = APIRouter(include_in_schema=False)
LISTED = 50
SourceField = Annotated[Source, Form()]
MattersField = Annotated[Sequence[Matter], Form()]


@router.post("/contacts/{contact_id}/relations")
def relate(
    runtime: RuntimeDep, visit: ChangeDep, contact_id: int, kind: Annotated[RelationKind, Form()],
    codice_fiscale: FieldText = "", name: FieldText = "", phone: FieldText = "", valid_from: Maybe[NearDay] = None,
    valid_to: Maybe[NearDay] = None, source: SourceField = Source.RELATED,
) -> Response:  # fmt: skip
    """Somebody has to do with the contact."""

    def work(session: Session) -> Done:
        who = telling(session, visit, contact_id, source)
        row = relations.relate(
            session, visit.principal, contact_id=contact_id, kind=kind, codice_fiscale=codice_fiscale, name=name,
            phone=phone, term=Term(valid_from, valid_to), source=source, call_id=who.call_id,
        )  # fmt: skip
        path = f"/contacts/relations/{row.id}"
        back: tuple[str, dict[str, object]] = (f"{path}/remove", {})
        if row.before is not None:
            back = f"{path}/restore", _fields(row.before)
        if _is_over(session, valid_to):
            return Done("Relazione scritta, ma è già finita: oggi non gli si può dire nulla in questa veste.", *back)
        return Done("Relazione scritta.", *back)

    return do(runtime, visit, work)


@router.post("/contacts/relations/{relation_id}/restore")
def restore(
    runtime: RuntimeDep, visit: ChangeDep, relation_id: int, source: SourceField, name: FieldText = "",
    phone: FieldText = "", valid_from: Maybe[NearDay] = None, valid_to: Maybe[NearDay] = None,
) -> Response:  # fmt: skip
    """It was told anew by mistake: what was known before stands again."""
    was = Said(name, phone, Term(valid_from, valid_to), source)

    def work(session: Session) -> Done:
        relations.restore(session, visit.principal, relation_id=relation_id, was=was)
        return Done("Rimesso.")

    return do(runtime, visit, work)


@router.post("/contacts/relations/{relation_id}/end")
def end(
    runtime: RuntimeDep, visit: ChangeDep, relation_id: int, on: Maybe[NearDay] = None,
    source: SourceField = Source.TAXPAYER,
) -> Response:  # fmt: skip
    """It holds until this day."""

    def work(session: Session) -> Done:
        who = telling(session, visit, relations.get(session, relation_id).contact_id, source)
        was = relations.end(session, visit.principal, relation_id=relation_id, on=on, telling=who)
        return Done("Fine scritta.", f"/contacts/relations/{relation_id}/end", {"on": was.isoformat() if was else ""})

    return do(runtime, visit, work)


@router.post("/contacts/relations/{relation_id}/remove")
def remove(runtime: RuntimeDep, visit: ChangeDep, relation_id: int) -> Response:
    """It was written by mistake."""

    def work(session: Session) -> Done:
        relations.remove(session, visit.principal, relation_id=relation_id)
        return Done("Relazione tolta.")

    return do(runtime, visit, work)


@router.post("/contacts/relations/{relation_id}/mandate")
def mandate(
    runtime: RuntimeDep, visit: ChangeDep, relation_id: int, document: FieldText = "", covers: MattersField = (),
    valid_from: Maybe[NearDay] = None, valid_to: Maybe[NearDay] = None, mandate: Maybe[int] = None,
    source: SourceField = Source.RELATED,
) -> Response:  # fmt: skip
    """He showed a mandate: a new one, or one that he gave for another client before."""

    def work(session: Session) -> Done:
        who = telling(session, visit, relations.get(session, relation_id).contact_id, source)
        if mandate is not None:
            mandates.extend(session, visit.principal, relation_id=relation_id, mandate_id=mandate, telling=who)
            return Done("Il mandato vale anche per questo contatto.")
        mandates.give(
            session, visit.principal, relation_id=relation_id, document=document, covers=covers,
            term=Term(valid_from, valid_to), telling=who,
        )  # fmt: skip
        if _is_over(session, valid_to):
            return Done("Mandato scritto, ma è già finito: oggi non vale.")
        return Done("Mandato scritto.")

    return do(runtime, visit, work)


@router.get("/mandates")
def listed(
    request: Request, runtime: RuntimeDep, visit: VisitDep, ended: bool = False,
    ente: Annotated[int | None, BeforeValidator(lambda text: text or None), Query()] = None,
    part: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> Response:  # fmt: skip
    """Every mandate, the next to end first."""
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        found = mandates.listed(session, ended=ended, ente_id=ente, limit=LISTED + 1, offset=part * LISTED)
        badges = enti.badges(session)
        readable = [badges[one] for one in visit.scope(Permission.FILE_READ).enti or () if one in badges]
        today = clock.business_day(clock.now(session))
    return page(
        request, "contacts/mandates.html", visit.language, found=found[:LISTED], more=len(found) > LISTED,
        badges=badges, enti=sorted(readable, key=lambda one: one.name), ended=ended, ente=ente, part=part, today=today,
        may_record=visit.principal.can(Permission.CONTACT_RECORD), visit=visit, csrf=visit.csrf_token,
    )  # fmt: skip


@router.post("/mandates/{mandate_id}/end")
def end_mandate(
    runtime: RuntimeDep, visit: ChangeDep, mandate_id: int, on: Maybe[NearDay] = None,
    endless: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """It holds until this day, for everybody it is about; no day only when that is said."""
    if on is None and not endless:
        raise FieldError("Scegli l'ultimo giorno in cui il mandato vale.", "on")

    def work(session: Session) -> str:
        was = mandates.end(session, visit.principal, mandate_id=mandate_id, on=on)
        back = {"on": was.isoformat()} if was else {"endless": "true"}
        done = Done(
            "Fine del mandato scritta." if on else "Il mandato non ha scadenza.", f"/mandates/{mandate_id}/end", back
        )
        today = clock.business_day(clock.now(session))
        one = {"id": mandate_id, "ends": on, "standing": mandates.standing_of(Term(None, on), today), "today": today}
        return fragment("contacts/mandate_ended.html", visit.language, done=done, **one)

    html = runtime.database.transact(visit.scope(Permission.CONTACT_RECORD), work)
    return Response(html, media_type="text/html")


def _is_over(session: Session, ends: date | None) -> bool:
    """Whether what was just written has ended already: allowed, because it may explain the past, but easily a slip."""
    return ends is not None and ends < clock.business_day(clock.now(session))


def _fields(said: Said) -> dict[str, object]:
    """The form that brings this back."""
    return {
        "name": said.name, "phone": said.phone or "", "source": said.source.value,
        "valid_from": said.term.starts.isoformat() if said.term.starts else "",
        "valid_to": said.term.ends.isoformat() if said.term.ends else "",
    }  # fmt: skip
