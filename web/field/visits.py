"""What who manages the visits sees of them: alarms, what was not as it has to be, telephones, each ente's words."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from crm.access.permissions import Permission
from crm.core import clock, topics
from crm.core.db import Scope
from crm.enti import queries as enti
from outbound.field.visits import alarms, devices, queries, settling, wording
from outbound.field.visits.door import Fault
from outbound.field.visits.signs import Sign
from outbound.field.visits.words import KEEP_DAYS, LONGEST, SPOKEN, Words
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.field.deeds import DecideDep, ManageDep, deciding
from web.field.forms import told_anew
from web.field.notice import sheets
from web.live.hub import Render, Rendered
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
REGIONS = ("field-alarms-open", "field-apart", "field-odd", "field-lately")
FieldText = Annotated[str, Form()]


@router.get("/field/visits")
def visits(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The alarms, what stands apart, visits with faults or signs, those of today and yesterday, the telephones."""
    scope = visit.scope(Permission.FIELD_MANAGE)
    with runtime.database.begin(scope) as session:
        telephones = devices.overseen(session, visit.principal)
    regions = _render(runtime, scope, visit.language).regions
    return page(
        request, "field/visits.html", visit.language, visit=visit, csrf=visit.csrf_token, regions=regions,
        telephones=telephones, here="visits",
    )  # fmt: skip


@router.get("/field/alarms/badge")
def badge_now(runtime: RuntimeDep, visit: VisitDep) -> Response:
    """How many need help, for pages that are not live."""
    rendered = _render_badge(runtime, visit.scope(Permission.FIELD_MANAGE), visit.language)
    return HTMLResponse(rendered.regions["field-alarms"])


@router.post("/field/alarms/{alarm_id}/answer")
def answer(deed: ManageDep, alarm_id: UUID, words: FieldText = "") -> Response:
    """Somebody looks after it."""
    deed(alarms.acknowledge, alarm_id=alarm_id, answer=words)
    return told_anew("Risposta inviata al telefono.", deed.visit)


@router.post("/field/entries/{entry_id}/settle")
def settle(deed: ManageDep, entry_id: UUID, words: FieldText = "") -> Response:
    """What stood apart has been looked at."""
    deed(settling.settle, entry_id=entry_id, words=words)
    return told_anew("Salvato.", deed.visit)


@router.post("/field/devices/{device_id}/revoke")
def revoke(deed: ManageDep, device_id: UUID) -> Response:
    """A telephone gets nothing more, and forgets what it has."""
    deed(devices.revoke, device_id=device_id)
    return told_anew("Tolto: al primo contatto dimentica tutto.", deed.visit)


# -- words ----------------------------------------------------------------------------------------------------------


@router.get("/field/words")
def all_words(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """What is said at the doors of each ente, and what may not be."""
    scope = deciding(visit)
    with runtime.database.begin(scope) as session:
        found = [
            (one, *wording.of_ente(session, one.id), wording.versions(session, one.id))
            for one in sorted(enti.badges(session, scope.enti).values(), key=lambda one: one.name)
        ]
    return page(
        request, "field/words.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found, spoken=SPOKEN,
        longest=LONGEST, keep=KEEP_DAYS, here="words",
    )  # fmt: skip


@router.post("/field/words/{ente_id}")
def write_words(
    deed: DecideDep, ente_id: int, introduction: FieldText = "", neutral: FieldText = "",
    reason: FieldText = "", consequences: FieldText = "", notice: FieldText = "",
    keep_days: Annotated[int, Form()] = 3,
) -> Response:  # fmt: skip
    """A new version of an ente's words."""
    words = Words(
        introduction=introduction.strip(), neutral=neutral.strip(), reason=reason.strip(),
        consequences=consequences.strip(), notice=notice.strip(), keep_days=keep_days,
    )  # fmt: skip
    deed(wording.write, ente_id=ente_id, words=words)
    return told_anew("Salvato: i telefoni le ricevono al prossimo contatto.", deed.visit)


# -- the courtesy notice --------------------------------------------------------------------------------------------


@router.get("/field/code")
def code(request: Request, visit: VisitDep) -> Response:
    """Where whoever answers types the code that a citizen reads from a notice."""
    visit.scope(Permission.FILE_READ)
    return page(request, "field/code.html", visit.language, visit=visit, csrf=visit.csrf_token)


@router.post("/field/code")
def find(runtime: RuntimeDep, visit: ChangeDep, code: FieldText = "") -> Response:
    """The person behind it: his file, with the questions that come before it."""
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        _, contact_id = queries.by_code(session, visit.principal, text=code)
    return Response(status_code=204, headers={"HX-Redirect": f"/files/{contact_id}"})


@router.get("/door/notices.pdf")
def notices(runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The notices of his practices, to be printed beforehand: a sheet of A5 each, to be folded and closed."""
    with runtime.database.begin(visit.scope(Permission.FIELD_VISIT)) as session:
        content = sheets(session, runtime, visit.principal, clock.now(session))
    return Response(content, media_type="application/pdf", headers={"cache-control": "no-store"})


# -- live -----------------------------------------------------------------------------------------------------------


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Whoever manages the visits of the same enti sees the same."""
    scope = visit.scope(Permission.FIELD_MANAGE)
    return [(f"field-visits:{scope}:{visit.language}", partial(_render, runtime, scope, visit.language))]


def badge(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """In the head of live pages: somebody on the road needs help."""
    if not visit.principal.can(Permission.FIELD_MANAGE):
        return []
    scope = visit.scope(Permission.FIELD_MANAGE)
    return [(f"field-alarms:{scope}:{visit.language}", partial(_render_badge, runtime, scope, visit.language))]


def _render(runtime: Runtime, scope: Scope, language: str) -> Rendered:
    ente_ids = scope.enti or frozenset()
    with runtime.database.begin(scope) as session:
        told = {
            "alarms": alarms.of_enti(session, ente_ids), "apart": queries.apart(session, ente_ids),
            "odd": queries.odd(session, ente_ids), "lately": queries.lately(session, ente_ids),
            "badges": enti.badges(session),
        }  # fmt: skip
        regions = {
            one: fragment(f"field/_{one.removeprefix('field-').replace('-', '_')}.html", language, **told, **KINDS)
            for one in REGIONS
        }
    return Rendered(regions, _topics(ente_ids))


def _render_badge(runtime: Runtime, scope: Scope, language: str) -> Rendered:
    with runtime.database.begin(scope) as session:
        count, latest = alarms.unanswered(session, scope.enti or frozenset())
    html = fragment("field/_badge.html", language, count=count, latest=latest)
    return Rendered({"field-alarms": html}, _topics(scope.enti or frozenset()))


def _topics(ente_ids: frozenset[int] | tuple[int, ...]) -> frozenset[str]:
    return frozenset(topics.field(one) for one in ente_ids)


KINDS = {"Sign": Sign, "Fault": Fault}  # by which the templates read what is kept as text
