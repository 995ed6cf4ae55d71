"""Keeping what is typed into forms, giving it up, and saying which forms have something of it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from crm.access.permissions import Permission
from crm.contacts import queries as contacts
from crm.core.errors import InvalidError
from crm.drafts import service
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep, Writing

router = APIRouter(prefix="/drafts", include_in_schema=False)
NO_CONTENT = 204
OURS = frozenset({"csrf", "call", "thread", "contact", "contract", "once"})  # of the page, and not typed by anybody


async def typed(request: Request) -> dict[str, list[str]]:
    """All fields of the form, whatever they are."""
    sent = await request.form()
    return {
        name: [one for one in sent.getlist(name) if isinstance(one, str)] for name in sent if name not in OURS
    }  # fmt: skip


@router.post("")
def save(runtime: RuntimeDep, visit: ChangeDep, fields: Annotated[dict[str, list[str]], Depends(typed)]) -> Response:
    """Keep what the form holds now."""
    at = _writing(visit)
    runtime.database.transact(
        visit.scope(service.needs(at.place)),
        lambda session: service.save(session, visit.principal, place=at.place, writing=at.showing, fields=fields),
    )
    return Response(status_code=NO_CONTENT)


@router.post("/drop")
def drop(runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """Let go of it."""
    at = _writing(visit)
    runtime.database.transact(visit.scope(service.needs(at.place)), visit.sent)
    return Response(status_code=NO_CONTENT)


@router.get("/of/{contact_id}")
def of_contact(runtime: RuntimeDep, visit: VisitDep, contact_id: int) -> list[str]:
    """The forms about a person in which the visitor has left something."""
    with runtime.database.begin(visit.scope(Permission.CONTACT_RECORD)) as session:
        same = contacts.same_person(session, contact_id)
        found = service.of_contacts(session, visit.principal, [one.id for one in same])
    return [str(place) for place in found]


def _writing(visit: Visit) -> Writing:
    if visit.writing is None:
        raise InvalidError("Questo modulo non esiste: ricarica la pagina.")
    return visit.writing
