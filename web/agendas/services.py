"""What people come for: the services of an ente, in three languages, and by which rules they are booked."""

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.agendas import preparing, queries
from crm.agendas.preparing import LANGUAGES, LONGEST, RANGES, ServiceTold
from crm.core.errors import InvalidError, NotFoundError
from crm.enti.details import offices
from crm.enti.queries import badges
from web.agendas.parts import Box, Several, ids_in, number_in, show
from web.edge.answers import shown_anew
from web.edge.fields import chosen
from web.edge.i18n import translations
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.enti.forms import TypedDep

router = APIRouter(prefix="/agendas/services", include_in_schema=False)


@router.get("/{ente_id}")
def services(request: Request, runtime: RuntimeDep, visit: VisitDep, ente_id: int) -> Response:
    """The services of an ente, and the form of each."""
    scope = visit.scope(Permission.AGENDA_MANAGE)
    if ente_id not in (scope.enti or ()):
        raise NotFoundError("Questo ente non esiste.")
    with runtime.database.begin(scope) as session:
        context = {
            "ente": badges(session)[ente_id], "services": queries.services(session, ente_id),
            "offices": offices(session, ente_id), "clerks": queries.clerks(session, ente_id),
            "able": preparing.able(session, ente_id), "ranges": RANGES, "languages": LANGUAGES, "longest": LONGEST,
            "kept_days": queries.kept_days(session, ente_id),
        }  # fmt: skip
    return show(request, visit, "agendas/services.html", **context)


@router.post("/{ente_id}")
def save(
    runtime: RuntimeDep, visit: ChangeDep, ente_id: int, fields: TypedDep, office: Several = None,
    clerk: Several = None,
) -> Response:  # fmt: skip
    """One more service, or what changed about one."""
    wrong: list[InvalidError] = []

    def number(field: str) -> int:
        try:
            return number_in(fields.get(field, ""), field)
        except InvalidError as error:
            wrong.extend(error.parts or [error])
            return 0

    numbers = {field: number(field) for field in RANGES}
    rank = number("rank")
    walk_ins = number("walk_ins") if fields.get("walk_ins", "").strip() else None
    if wrong:
        raise InvalidError("Ricontrolla i campi indicati.", parts=wrong)
    told = ServiceTold(
        {
            field: {language: fields.get(f"{field}_{language}", "") for language in LANGUAGES}
            for field in LONGEST
        },
        numbers, ids_in(office), ids_in(clerk), bool(fields.get("needs_code")), bool(fields.get("active")),
        min(rank, 999), by_voice=bool(fields.get("by_voice")), walk_ins=walk_ins,
    )  # fmt: skip

    def work(session: Session) -> None:
        preparing.save_service(
            session, visit.principal, ente_id=ente_id, service_id=chosen(fields.get("service", "")), told=told
        )

    runtime.database.transact(visit.scope(Permission.AGENDA_MANAGE), work)
    return shown_anew(translations(visit.language).gettext("Salvato."))


@router.post("/{ente_id}/kept")
def kept(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, days: Box = "") -> Response:
    """For how long it is kept who came."""
    count = number_in(days, "days")
    runtime.database.transact(
        visit.scope(Permission.AGENDA_MANAGE),
        lambda session: preparing.set_kept_days(session, visit.principal, ente_id=ente_id, days=count),
    )
    return shown_anew(translations(visit.language).gettext("Salvato."))
