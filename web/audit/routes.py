"""The access log: by ente, period, user, kind and person; as a page, to be printed, and as CSV."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from crm.access.permissions import Permission
from crm.audit import queries, watch
from crm.audit import service as audit
from crm.contacts import queries as contacts
from crm.core.clock import in_rome
from crm.enti import queries as enti
from web.audit.sentences import HEAD, SENTENCES
from web.audit.view import Line, choice_of, cursor_of, lines, next_page, render_alerts, say_in, wanted
from web.contacts.box import look
from web.edge.spreadsheets import csv_answer
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204
MOST_EXPORTED = 100_000


@router.get("/access-log")
def access_log(
    request: Request, runtime: RuntimeDep, visit: VisitDep, ente: str = "", since: str = "", until: str = "",
    user: str = "", kind: str = "", contact: str = "", uncalled: str = "", after: str = "",
) -> Response:  # fmt: skip
    """A page of the log. Whoever looks a person up is in the log, too."""
    scope = visit.scope(Permission.ACCESS_READ)
    say = say_in(visit.language)
    with runtime.database.begin(scope) as session:
        choice = choice_of(
            session, ente=ente, since=since, until=until, user=user, kind=kind, contact=contact, uncalled=uncalled
        )
        asked = wanted(session, visit.principal, choice)
        found = queries.page(session, visit.principal, asked, after=cursor_of(after))
        person = contacts.get(session, choice.contact) if choice.contact is not None else None
        if person is not None:
            audit.note_once(session, visit.principal, kind="log.read", ente_id=person.ente_id, contact_id=person.id)
        shown = lines(session, found, visit.language)
        badges = enti.badges(session, scope.enti)
        actors = queries.actors(session, scope.enti or frozenset())
    regions = render_alerts(runtime, scope, visit).regions
    return page(
        request, "audit/page.html", visit.language, visit=visit, csrf=visit.csrf_token, choice=choice, lines=shown,
        enti=badges, actors=actors, kinds={one: say(text) for one, text in SENTENCES.items()}, person=person,
        more=next_page(found), regions=regions, is_first=not after,
    )  # fmt: skip


@router.post("/access-log/search")
def search(
    runtime: RuntimeDep, visit: ChangeDep, q: Annotated[str, Form()] = "", follows: Annotated[bool, Form()] = False
) -> Response:
    """Of whom the log is wanted. Posted, so that no name stands in an address."""
    with runtime.database.begin(visit.scope(Permission.ACCESS_READ)) as session:
        found = look(session, visit, q, follows=follows)
    return HTMLResponse(fragment("audit/_found.html", visit.language, look=found))


@router.get("/access-log.csv")
def export(
    runtime: RuntimeDep, visit: VisitDep, ente: str = "", since: str = "", until: str = "", user: str = "",
    kind: str = "", contact: str = "", uncalled: str = "",
) -> Response:  # fmt: skip
    """The chosen entries as CSV. Who took which is in the log."""
    say = say_in(visit.language)
    with runtime.database.begin(visit.scope(Permission.ACCESS_READ)) as session:
        choice = choice_of(
            session, ente=ente, since=since, until=until, user=user, kind=kind, contact=contact, uncalled=uncalled
        )
        asked = wanted(session, visit.principal, choice)
        rows = [
            *_rows(lines(session, queries.every(session, visit.principal, asked, most=MOST_EXPORTED), visit.language))
        ]
        for ente_id in sorted(asked.enti):
            after = {"entries": len(rows), "since": choice.since.isoformat(), "until": choice.until.isoformat()}
            audit.note(session, visit.principal, kind="log.exported", ente_id=ente_id, after=after)
    return csv_answer(f"registro-accessi-{choice.since}-{choice.until}.csv", [say(word) for word in HEAD], rows)


@router.post("/access-log/alerts/{alert_id}")
def explain(
    runtime: RuntimeDep, visit: ChangeDep, alert_id: int, explanation: Annotated[str, Form()] = ""
) -> Response:  # fmt: skip
    """A supervisor looked into unusual reading."""
    with runtime.database.begin(visit.scope(Permission.ACCESS_READ)) as session:
        watch.explain(session, visit.principal, alert_id=alert_id, explanation=explanation)
    return Response(status_code=NO_CONTENT)


def _rows(shown: list[Line]) -> Iterator[tuple[object, ...]]:
    for one in shown:
        noted = one.noted
        yield (
            f"{in_rome(noted.occurred_at):%Y-%m-%d %H:%M:%S}", noted.actor or "—", noted.place, one.ente or "—",
            one.what, one.whom or "", noted.subject, noted.reason,
            "; ".join(f"{name}: {before} → {after}" for name, before, after in one.changes), one.call_id or "",
        )  # fmt: skip
