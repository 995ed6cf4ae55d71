"""What the pages of offices have in common: whose office it is, what forms hold, and what stands against a change."""

from collections.abc import Callable, Iterable
from datetime import date, time
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.agendas import queries
from crm.agendas.errors import DisplacedError
from crm.core.db import Scope
from crm.core.errors import FieldError, NotFoundError
from crm.enti.details import OfficeView
from web.edge.answers import shown_anew
from web.edge.fields import day_of, id_of
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import Visit
from web.wiring import Runtime

Box = Annotated[str, Form()]
Several = Annotated[list[str] | None, Form()]


def office_in(session: Session, scope: Scope, office_id: int) -> OfficeView:
    """An office of an ente that the visitor may see. Raises `NotFoundError`."""
    office = queries.office(session, office_id)
    if office.ente_id not in (scope.enti or ()):
        raise NotFoundError("Questo ufficio non esiste.")
    return office


def day_in(text: str, usual: date, field: str = "day") -> date:
    """A day as an address or a form says it. Raises `FieldError`."""
    try:
        return day_of(text) if text else usual
    except ValueError:
        raise FieldError("Scrivi la data come giorno, mese e anno.", field) from None


def day_needed(text: str, field: str) -> date:
    """The same, where there is no usual one."""
    found = day_in(text, date.min, field)
    if found == date.min:
        raise FieldError("Scrivi la data come giorno, mese e anno.", field)
    return found


def hour_in(text: str, field: str) -> time:
    """A time of day to the minute. Raises `FieldError`."""
    try:
        found = time.fromisoformat(text.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None or found.second or found.microsecond:
        raise FieldError("Scrivi l'ora, per esempio 9:30.", field)
    return found


def number_in(text: str, field: str) -> int:
    """A whole number. Raises `FieldError`."""
    if (found := id_of(text.strip())) is None or found > 1_000_000:
        raise FieldError("Scrivi un numero.", field)
    return found


def ids_in(texts: Iterable[str] | None) -> frozenset[int]:
    """Choices among rows; what is no number is none of them. Raises `NotFoundError`."""
    found = [id_of(one) for one in texts or ()]
    if None in found:
        raise NotFoundError("Questa scelta non esiste: ricarica la pagina.")
    return frozenset(one for one in found if one is not None)


def uuids_in(texts: Iterable[str] | None) -> frozenset[UUID]:
    """The same of appointments."""
    try:
        return frozenset(UUID(one) for one in texts or ())
    except ValueError:
        raise NotFoundError("Questa scelta non esiste: ricarica la pagina.") from None


def uuid_in(text: str) -> UUID:
    """The same of one."""
    (found,) = uuids_in([text])
    return found


def show(request: Request, visit: Visit, template: str, **context: Any) -> Response:
    """A page of somebody who is signed in."""
    return page(request, template, visit.language, visit=visit, csrf=visit.csrf_token, **context)


def prepare(
    runtime: Runtime, visit: Visit, office_id: int, work: Callable[[Session, OfficeView], object], *,
    at: str | None = None,
) -> Response:  # fmt: skip
    """Change what an office prepares, and show the page anew; where it would displace somebody, who that is.

    What is shown then lies within the form, which says once more that they were seen.
    """
    scope = visit.scope(Permission.AGENDA_MANAGE)
    try:
        runtime.database.transact(scope, lambda session: work(session, office_in(session, scope, office_id)))
    except DisplacedError as displaced:
        with runtime.database.begin(scope) as session:
            found = [queries.get(session, one) for one in displaced.appointment_ids]
        return HTMLResponse(fragment("agendas/_displaced.html", visit.language, displaced=found, words=str(displaced)))
    return shown_anew(translations(visit.language).gettext("Salvato."), at=at)
