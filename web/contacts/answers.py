"""What the card answers to a change: a sentence and, where a slip is easy, the way back. The change is pushed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Form, Response
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.contacts import queries as contacts
from crm.contacts.models import Source
from crm.contacts.recording import Telling
from telephony.calls import conversation
from web.edge.templating import fragment
from web.edge.visits import Visit
from web.wiring import Runtime

T = TypeVar("T")
FieldText = Annotated[str, Form()]
Maybe = Annotated[T | None, BeforeValidator(lambda text: text or None), Form()]  # an empty field says nothing


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, an Italian sentence; how it is undone: where to post, and what."""

    text: str
    undo: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


def do(runtime: Runtime, visit: Visit, work: Callable[[Session], Done]) -> Response:
    """Do it in one transaction, and say so."""

    def sent(session: Session) -> Done:
        visit.sent(session)
        return work(session)

    done = runtime.database.transact(visit.scope(Permission.CONTACT_RECORD), sent)
    return Response(fragment("contacts/_done.html", visit.language, done=done), media_type="text/html")


def telling(session: Session, visit: Visit, contact_id: int, source: Source) -> Telling:
    """Who tells, in the call that is about this person, if there is one."""
    return Telling(source, call_about(session, visit, contact_id))


def call_about(session: Session, visit: Visit, contact_id: int) -> UUID | None:
    """The visitor's call, when it is about this contact or the same person elsewhere."""
    call = conversation.current_call(session, visit.principal.user_id)
    if call is None or call.contact_id is None:
        return None
    person = contacts.same_person(session, contact_id)
    return call.id if call.contact_id in {one.id for one in person} else None
