"""Agents' pages: what waits, the register, one agent with his papers, photo, badge and ties; what the company is."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import FieldError
from crm.enti import queries as enti
from outbound.field.agents import (
    accrediting,
    company,
    declaring,
    files,
    leaving,
    overview,
    photos,
    queries,
    register,
    unfit,
)
from outbound.field.agents.company import Company
from outbound.field.agents.models import Accreditation
from outbound.field.agents.questure import of_province
from outbound.field.agents.register import Personal, TypedPaper
from outbound.field.agents.standing import REQUIRED, STANDS, Paper, lacks
from outbound.field.waiting import waiting
from web.edge.fields import id_of
from web.edge.templating import fragment, page
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.field.deeds import ManageDep
from web.field.forms import Days, TypedDep, content_of, inline, pdf, told_anew
from web.field.paper import badge_card

router = APIRouter(prefix="/field", include_in_schema=False)
TextField = Annotated[str, Form(max_length=400)]
AnyFile = Annotated[UploadFile | None, File()]
PERSONAL = tuple(Personal.__dataclass_fields__)


@router.get("")
def first(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """What waits, and who acts for the enti that the visitor sees."""
    scope = visit.scope(Permission.FIELD_WATCH)
    with runtime.database.begin(scope) as session:
        whose = frozenset(scope.enti or ())
        before = overview.before_enti(session, whose)
        found = unfit.findings(session, whose, owed=True)
        agents = overview.of_manager(session, visit.principal) if visit.principal.can(Permission.FIELD_MANAGE) else []
        badges = enti.badges(session, whose)
        todo = waiting(session, visit.principal, whose)
    return page(
        request, "field/overview.html", visit.language, visit=visit, csrf=visit.csrf_token, before=before,
        findings=found, agents=agents, badges=badges, todo=todo, decides=visit.principal.can(Permission.FIELD_APPROVE),
        manages=visit.principal.can(Permission.FIELD_MANAGE),
    )  # fmt: skip


@router.get("/news")
def news(runtime: RuntimeDep, visit: VisitDep) -> Response:
    """What waits for the visitor, beside his name."""
    found = overview.News()
    if visit.principal.can(Permission.FIELD_MANAGE) or visit.principal.can(Permission.FIELD_APPROVE):
        with runtime.database.begin(visit.scope(Permission.FIELD_WATCH)) as session:
            found = overview.news(session, visit.principal)
    return HTMLResponse(fragment("field/_news.html", visit.language, news=found))


# -- the company ------------------------------------------------------------------------------------------------------


@router.get("/company")
def company_form(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """Whose agents they are."""
    with runtime.database.begin(visit.scope(Permission.FIELD_MANAGE)) as session:
        found = company.of_installation(session)
    return page(
        request, "field/company.html", visit.language, visit=visit, csrf=visit.csrf_token, company=found,
        years=(found.kept_years if found else company.USUAL_YEARS, company.MOST_YEARS),
    )  # fmt: skip


@router.post("/company")
def write_company(deed: ManageDep, fields: TypedDep) -> Response:
    """Write it."""
    days = Days(fields)
    since = days.needed("licence_on")
    days.check()
    years = fields.get("kept_years", "").strip()
    told = Company(
        **{name: fields.get(name, "") for name in company.LONGEST}, licence_on=since,
        kept_years=int(years) if years.isascii() and years.isdecimal() and len(years) < 3 else -1,
        alarm_phone=fields.get("alarm_phone", ""),
        alarm_minutes=id_of(fields.get("alarm_minutes", str(company.MINUTES))) or 0,
    )  # fmt: skip
    deed(company.write, told=told)
    return told_anew("Salvata.", deed.visit, at="/field/company")


# -- the register -----------------------------------------------------------------------------------------------------


@router.get("/agents")
def all_of_them(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The agents whom the visitor looks after."""
    scope = visit.scope(Permission.FIELD_MANAGE)
    with runtime.database.begin(scope) as session:
        found = overview.of_manager(session, visit.principal)
        waiting = register.candidates(session, visit.principal)
        badges, known = enti.badges(session, scope.enti), company.of_installation(session)
    return page(
        request, "field/agents.html", visit.language, visit=visit, csrf=visit.csrf_token, agents=found,
        waiting=waiting, badges=badges, company=known,
    )  # fmt: skip


@router.get("/agents/new")
def new(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The form by which somebody with the role becomes an agent."""
    with runtime.database.begin(visit.scope(Permission.FIELD_MANAGE)) as session:
        waiting = register.candidates(session, visit.principal)
    options = [(str(user_id), name) for user_id, name in waiting.items()]
    return page(request, "field/new.html", visit.language, visit=visit, csrf=visit.csrf_token, waiting=options)


@router.post("/agents/new")
def enter(deed: ManageDep, fields: TypedDep) -> Response:
    """He is one."""
    told, user_id = _personal(fields), id_of(fields.get("user_id", ""))
    if user_id is None:
        raise FieldError("Scegli una persona che ha il ruolo di agente sul territorio.", "user_id")
    made = deed(register.enter, user_id=user_id, told=told)
    return told_anew("È nel registro: ora servono la foto e i documenti.", deed.visit, at=f"/field/agents/{made}")


@router.get("/agents/{agent_id}")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, agent_id: int) -> Response:
    """An agent: what keeps him from acting, his papers, the badge, his ties."""
    scope = visit.scope(Permission.FIELD_MANAGE)
    with runtime.database.begin(scope) as session:
        by, whose = visit.principal, frozenset(scope.enti or ())
        view = overview.one_of_manager(session, by, agent_id)
        badges, today = enti.badges(session, whose), clock.business_day(clock.now(session))
        years = company.kept_years(session)
        telling = accrediting.to_tell(session, by, agent_id=agent_id)
        latest: dict[int, Accreditation] = {}
        for row in queries.decisions(session, [agent_id], whose):
            latest.setdefault(row.ente_id, row)
        standing = {ente for ente, row in latest.items() if row.decision in STANDS}
        context: dict[str, Any] = {
            "one": view, "papers": queries.papers(session, agent_id), "badges": badges, "today": today,
            "lacks": lacks(queries.worker_of(session, view.agent), today),
            "latest": latest, "telling": telling,
            "free": [(str(one.id), one.name) for one in badges.values() if one.id not in standing],
            "questure": {province: of_province(province) for province in telling},
            "ties": declaring.of_agent(session, by, agent_id=agent_id, ente_ids=whose),
            "findings": unfit.findings(session, whose, agent_id=agent_id),
            "substitutes": {
                one: [
                    (str(each.id), each.name)
                    for each in unfit.possible(session, one, clock.now(session))
                    if each.id != agent_id
                ]
                for one in latest
            },
            "company": company.of_installation(session), "kept_years": years,
            "goes_on": leaving.goes_on(view.agent.ended_on, years) if view.agent.ended_on else None,
        }  # fmt: skip
    return page(
        request, "field/agent.html", visit.language, visit=visit, csrf=visit.csrf_token, papers_of=Paper,
        required=REQUIRED, usual=today + timedelta(days=365), **context,
    )  # fmt: skip


@router.post("/agents/{agent_id}/edit")
def edit(deed: ManageDep, agent_id: int, fields: TypedDep) -> Response:
    """Another name, address, telephone."""
    told = _personal(fields)
    deed(register.edit, agent_id=agent_id, told=told)
    return told_anew("Salvato.", deed.visit)


@router.post("/agents/{agent_id}/end")
def end(deed: ManageDep, agent_id: int, fields: TypedDep) -> Response:
    """His last day, or none."""
    days = Days(fields)
    last = days.wished("on")
    days.check()
    deed(register.end, agent_id=agent_id, on=last)
    return told_anew("Salvato.", deed.visit)


@router.post("/agents/{agent_id}/papers")
def bring(
    deed: ManageDep, agent_id: int, fields: TypedDep, file: AnyFile = None
) -> Response:  # fmt: skip
    """A paper of his."""
    days = Days(fields)
    issued, expires = days.needed("issued_on"), days.wished("expires_on")
    days.check()
    if fields.get("paper") not in set(Paper):
        raise FieldError("Scegli che documento è.", "paper")
    told = TypedPaper(
        Paper(fields["paper"]), fields.get("number", ""), fields.get("issuer", ""), issued, expires,
        content_of(file, files.MOST_BYTES),
    )  # fmt: skip
    deed(register.bring_paper, agent_id=agent_id, told=told)
    return told_anew("Documento registrato.", deed.visit)


@router.post("/papers/{paper_id}/withdraw")
def withdraw_paper(deed: ManageDep, paper_id: int) -> Response:
    """A paper is no longer his."""
    deed(register.withdraw_paper, paper_id=paper_id)
    return told_anew("Documento tolto.", deed.visit)


@router.post("/agents/{agent_id}/photo")
def portray(deed: ManageDep, agent_id: int, photo: AnyFile = None) -> Response:
    """His photo."""
    content = content_of(photo, photos.MOST_BYTES)
    deed(register.portray, agent_id=agent_id, content=content)
    return told_anew("Foto salvata.", deed.visit)


@router.get("/agents/{agent_id}/photo")
def photo_of(runtime: RuntimeDep, visit: VisitDep, agent_id: int) -> Response:
    """The same, for whoever may look at him."""
    with runtime.database.begin(_any_scope(visit)) as session:
        found = files.read(session, overview.seen(session, visit.principal, agent_id).photo)
    return inline(found.content, found.media, "foto.jpg")


@router.get("/agents/{agent_id}/papers/{paper_id}/file")
def paper_file(runtime: RuntimeDep, visit: VisitDep, agent_id: int, paper_id: int) -> Response:
    """The file of a paper, for whoever may look at him."""
    with runtime.database.begin(_any_scope(visit)) as session:
        agent = overview.seen(session, visit.principal, agent_id)
        its = next((one.sha256 for one in queries.papers(session, agent.id) if one.id == paper_id), None)
        found = files.read(session, its)
    return inline(found.content, found.media, f"documento-{paper_id}")


# -- the badge --------------------------------------------------------------------------------------------------------


@router.post("/agents/{agent_id}/badge")
def issue(deed: ManageDep, agent_id: int, fields: TypedDep) -> Response:
    """A badge with a new code."""
    days = Days(fields)
    wish = days.wished("until")
    days.check()
    deed(register.issue_badge, agent_id=agent_id, wish=wish)
    return told_anew("Tesserino pronto da stampare: quello di prima, se c'era, non vale più.", deed.visit)


@router.post("/agents/{agent_id}/badge/revoke")
def revoke(deed: ManageDep, agent_id: int) -> Response:
    """It was lost, or taken back."""
    deed(register.revoke_badge, agent_id=agent_id)
    return told_anew("Il tesserino non vale più.", deed.visit)


@router.get("/agents/{agent_id}/badge.pdf")
def printed(runtime: RuntimeDep, visit: VisitDep, agent_id: int) -> Response:
    """The badge, to be printed as a card."""
    with runtime.database.begin(visit.scope(Permission.FIELD_MANAGE)) as session:
        agent = register.managed(session, visit.principal, agent_id)
        card = badge_card(
            agent, files.read(session, agent.photo).content, company.required(session), clock.now(session),
            url=runtime.settings.public_url,
        )  # fmt: skip
    return pdf(card, f"tesserino-{agent.badge_number}")


def _any_scope(visit: Visit) -> Scope:
    which = (Permission.FIELD_MANAGE, Permission.FIELD_APPROVE, Permission.FIELD_VISIT)
    return visit.scope(next((one for one in which if visit.principal.can(one)), Permission.FIELD_VISIT))


def _personal(fields: dict[str, str]) -> Personal:
    days = Days(fields)
    born = days.needed("born_on")
    days.check()
    return Personal(**{name: fields.get(name, "") for name in PERSONAL if name != "born_on"}, born_on=born)
