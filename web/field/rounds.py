"""The planner's pages of rounds: the days, one of them, whom and what it is about, an agent's sheet."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.errors import FieldError, NotFoundError
from crm.enti import queries as enti
from outbound.field.rounds import changing, publishing, queries, service
from outbound.field.rounds.admitting import refusal
from outbound.field.rounds.candidates import candidates
from web.edge.answers import shown_anew
from web.edge.fields import day_of, id_of
from web.edge.i18n import translations
from web.edge.requests import content_security_policy
from web.edge.spreadsheets import csv_answer
from web.edge.templating import fragment, page
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.field import rounds_forms as forms
from web.field.deeds import ManageDep
from web.field.forms import told_anew
from web.field.rounds_view import hour, length, name_of, points, shown
from web.field.schematic import HEIGHT, WIDTH
from web.wiring import Runtime

router = APIRouter(prefix="/field/rounds", include_in_schema=False)
Box = Annotated[str, Form(max_length=200)]
Boxes = Annotated[list[str], Form()]
MATRIX_BYTES = 20_000_000


@router.get("")
def all_of_them(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The days that are planned, and beginning with another."""
    with runtime.database.begin(visit.scope(Permission.FIELD_MANAGE)) as session:
        found = queries.plans(session, visit.principal)
        ours = sorted(visit.principal.contracts_for(Permission.FIELD_MANAGE))
        names = {one: enti.contract_name(session, one) for one in ours}
        today = clock.business_day(clock.now(session))
    return page(
        request, "field/rounds.html", visit.language, visit=visit, csrf=visit.csrf_token, plans=found, names=names,
        contracts=[(str(one), name) for one, name in names.items()], tomorrow=today + timedelta(days=1),
    )  # fmt: skip


@router.post("")
def begin(deed: ManageDep, contract: Box = "", day: Box = "") -> Response:
    """Begin with a day, or go to the plan that it has."""
    if (contract_id := id_of(contract)) is None:
        raise FieldError("Scegli il contratto.", "contract")
    try:
        on = day_of(day)
    except ValueError:
        raise FieldError("Scrivi la data come giorno, mese e anno.", "day") from None
    plan_id = deed(service.begin, contract_id=contract_id, day=on)
    return told_anew("Ora scegli chi va e da chi.", deed.visit, at=f"/field/rounds/{plan_id}/choose")


@router.get("/{plan_id}")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, plan_id: int) -> Response:
    """A day's rounds."""
    tiles = runtime.settings.map_tiles
    with runtime.database.begin(visit.scope(Permission.FIELD_MANAGE)) as session:
        context = _context(session, visit, plan_id)
    answer = page(
        request, "field/round.html", visit.language, visit=visit, csrf=visit.csrf_token, tiles=tiles,
        attribution=runtime.settings.map_attribution, **context,
    )  # fmt: skip
    if tiles is not None:  # the browser fetches them itself
        host = runtime.settings.map_host
        answer.headers["content-security-policy"] = content_security_policy(
            runtime.carrier.origins(), images=(host,)
        )  # fmt: skip
    return answer


@router.get("/{plan_id}/now")
def now(runtime: RuntimeDep, visit: VisitDep, plan_id: int) -> Response:
    """The same, while rounds are searched."""
    return _anew(runtime, visit, plan_id)


@router.get("/{plan_id}/choose")
def choose(
    request: Request, runtime: RuntimeDep, visit: VisitDep, plan_id: int, ente: str = "", town: str = ""
) -> Response:
    """Who works, from when and where; which practices are planned; how."""
    with runtime.database.begin(visit.scope(Permission.FIELD_MANAGE)) as session:
        of = queries.plan(session, visit.principal, plan_id)
        all_of_them = candidates(
            session,
            enti=enti.enti_of(session, of.plan.contract_id),
            day=of.plan.day,
            among=[of.known[one] for one in of.agents if one in of.known],
        )
        view, badges = shown(session, of), enti.badges(session)
        rest = [one for key, one in all_of_them.items() if key not in of.stops]
        refused = {one.id: refusal(one.case, of.plan.day) for one in rest}
    found = [one for one in rest if town in ("", one.town) and ente in ("", str(one.ente_id))]
    return page(
        request, "field/round_choose.html", visit.language, visit=visit, csrf=visit.csrf_token, of=of, view=view,
        settings=of.settings, badges=badges, candidates=found, refused=refused, town=town, ente=ente,
        towns=sorted({one.town for one in rest}), enti=sorted({one.ente_id for one in rest}),
        others=[known for key, known in of.known.items() if key not in of.agents], hour=hour,
        names={key: known.name for key, known in of.known.items()}, most_bytes=MATRIX_BYTES,
    )  # fmt: skip


@router.post("/{plan_id}/settings")
def settings(deed: ManageDep, plan_id: int, typed: forms.SettingsDep) -> Response:
    """How the day is planned."""
    deed(service.set_up, plan_id=plan_id, settings=typed.read())
    return told_anew("Salvato.", deed.visit)


@router.post("/{plan_id}/agents")
def add_agent(deed: ManageDep, plan_id: int, agent: Box = "") -> Response:
    """Somebody else works that day."""
    if (agent_id := id_of(agent)) is None:
        raise FieldError("Scegli un agente.", "agent")
    deed(service.put_agent, plan_id=plan_id, agent_id=agent_id)
    return told_anew("Agente aggiunto.", deed.visit)


@router.post("/{plan_id}/agents/{agent_id}")
def put_agent(deed: ManageDep, plan_id: int, agent_id: int, typed: forms.WorkingDep) -> Response:
    """How he works that day."""
    working = typed.read()
    deed(service.put_agent, plan_id=plan_id, agent_id=agent_id, working=working)
    return told_anew("Salvato.", deed.visit)


@router.post("/{plan_id}/agents/{agent_id}/drop")
def drop_agent(deed: ManageDep, plan_id: int, agent_id: int) -> Response:
    """He does not work that day."""
    deed(service.drop_agent, plan_id=plan_id, agent_id=agent_id)
    return told_anew("Agente tolto: le sue visite sono da assegnare.", deed.visit)


@router.post("/{plan_id}/practices")
def add(deed: ManageDep, plan_id: int, practice: Boxes | None = None) -> Response:
    """Put the chosen practices on the plan."""
    ids = [found for one in practice or () if (found := id_of(one)) is not None]
    if not ids:
        raise FieldError("Scegli almeno una pratica.", "practice")
    n = deed(service.add, plan_id=plan_id, practice_ids=ids)
    words = translations(deed.visit.language).ngettext("%(num)s visita aggiunta.", "%(num)s visite aggiunte.", n)
    return shown_anew(words % {"num": n})


@router.post("/{plan_id}/solve")
def solve(deed: ManageDep, plan_id: int) -> Response:
    """Search rounds."""
    deed(service.solve, plan_id=plan_id)
    return told_anew("Si calcolano i giri.", deed.visit, at=f"/field/rounds/{plan_id}")


@router.post("/{plan_id}/stop")
def stop(deed: ManageDep, plan_id: int) -> Response:
    """Be content with what was found."""
    deed(service.stop, plan_id=plan_id)
    return _anew(deed.runtime, deed.visit, plan_id)


@router.post("/{plan_id}/publish")
def publish(deed: ManageDep, plan_id: int) -> Response:
    """Give the agents their rounds."""
    n = deed(publishing.publish, plan_id=plan_id)
    words = translations(deed.visit.language).ngettext(
        "Pubblicato: %(num)s visita nei giri degli agenti.", "Pubblicato: %(num)s visite nei giri degli agenti.", n
    )
    return shown_anew(words % {"num": n})


@router.post("/{plan_id}/stops/{practice_id}/move")
def move(deed: ManageDep, plan_id: int, practice_id: int, agent: Box = "", position: Box = "") -> Response:
    """Give a visit to an agent, at a place of his round."""
    if (agent_id := id_of(agent)) is None:
        raise FieldError("Scegli un agente.", "agent")
    where = id_of(position.strip()) or service.MOST_STOPS
    deed(changing.move, plan_id=plan_id, practice_id=practice_id, agent_id=agent_id, position=where)
    return _anew(deed.runtime, deed.visit, plan_id)


@router.post("/{plan_id}/stops/{practice_id}/fix")
def fix(deed: ManageDep, plan_id: int, practice_id: int, at: Box = "") -> Response:
    """Keep a visit where it is; with an hour, at that hour."""
    seconds = forms.seconds_of(at, "at") if at else None
    deed(changing.fix, plan_id=plan_id, practice_id=practice_id, at=seconds)
    return _anew(deed.runtime, deed.visit, plan_id)


@router.post("/{plan_id}/stops/{practice_id}/release")
def release(deed: ManageDep, plan_id: int, practice_id: int) -> Response:
    """It may go elsewhere when the rest is searched."""
    deed(changing.release, plan_id=plan_id, practice_id=practice_id)
    return _anew(deed.runtime, deed.visit, plan_id)


@router.post("/{plan_id}/stops/{practice_id}/insist")
def insist(deed: ManageDep, plan_id: int, practice_id: int, must: Box = "") -> Response:
    """It has to be made; or may be left out again."""
    deed(changing.insist, plan_id=plan_id, practice_id=practice_id, must=bool(must))
    return _anew(deed.runtime, deed.visit, plan_id)


@router.post("/{plan_id}/stops/{practice_id}/take-out")
def take_out(deed: ManageDep, plan_id: int, practice_id: int) -> Response:
    """In no round."""
    deed(changing.take_out, plan_id=plan_id, practice_id=practice_id)
    return _anew(deed.runtime, deed.visit, plan_id)


@router.post("/{plan_id}/stops/{practice_id}/remove")
def remove(deed: ManageDep, plan_id: int, practice_id: int) -> Response:
    """Not on the plan any more."""
    deed(changing.remove, plan_id=plan_id, practice_id=practice_id)
    return _anew(deed.runtime, deed.visit, plan_id)


@router.get("/{plan_id}/sheet/{agent_id}")
def sheet(request: Request, runtime: RuntimeDep, visit: VisitDep, plan_id: int, agent_id: int) -> Response:
    """An agent's round on paper: what is needed at the doors, and nothing of any debt."""
    with runtime.database.begin(visit.scope(Permission.FIELD_MANAGE)) as session:
        of = queries.plan(session, visit.principal, plan_id)
        if agent_id not in of.agents:
            raise NotFoundError("Questo agente quel giorno non lavora.")
        view, badges = shown(session, of), enti.badges(session)
    walk = next(one for one in view.walks if one.agent_id == agent_id)
    return page(
        request, "field/round_sheet.html", visit.language, visit=visit, csrf=visit.csrf_token, of=of, walk=walk,
        badges=badges, hour=hour, length=length,
    )  # fmt: skip


@router.get("/{plan_id}/places.csv")
def places(runtime: RuntimeDep, visit: VisitDep, plan_id: int) -> Response:
    """The places of a plan, for whoever measures the ways between them."""
    with runtime.database.begin(visit.scope(Permission.FIELD_MANAGE)) as session:
        of = queries.plan(session, visit.principal, plan_id)
    rows = [(f"A{key}", row.latitude, row.longitude) for key, row in of.agents.items() if row.latitude is not None] + [
        (f"P{key}", one.place.latitude, one.place.longitude) for key, one in of.candidates.items() if one.place
    ]
    words = translations(visit.language)
    head = (words.gettext("luogo"), words.gettext("latitudine"), words.gettext("longitudine"))
    return csv_answer(f"luoghi-{of.plan.day}.csv", head, rows)


@router.post("/{plan_id}/matrix")
def matrix(deed: ManageDep, plan_id: int, file: forms.FileField | None = None, forget: Box = "") -> Response:
    """Ways that the company measured; or none any more."""
    legs = None if forget else forms.legs_of(file)
    deed(service.measure, plan_id=plan_id, legs=legs)
    return told_anew("Salvato.", deed.visit)


def _anew(runtime: Runtime, visit: Visit, plan_id: int) -> Response:
    """The plan as it is now."""
    with runtime.database.begin(visit.scope(Permission.FIELD_MANAGE)) as session:
        context = _context(session, visit, plan_id)
    return HTMLResponse(fragment("field/_round.html", visit.language, visit=visit, **context))


def _context(session: Session, visit: Visit, plan_id: int) -> dict[str, Any]:
    view, badges = shown(session, queries.plan(session, visit.principal, plan_id)), enti.badges(session)
    plan = view.of.plan
    gone = 0.0 if plan.searching_since is None else (clock.now(session) - plan.searching_since).total_seconds()
    return {
        "view": view, "plan": plan, "badges": badges, "hour": hour, "length": length, "wide": WIDTH, "high": HEIGHT,
        "contract": enti.contract_name(session, plan.contract_id), "searched": min(plan.seconds, int(gone)),
        "names": {one: name_of(view.of, one) for one in view.of.agents}, "points": points(view, badges),
    }  # fmt: skip
