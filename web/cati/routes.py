"""Questionnaires: their list, uploading and what is wrong with a form, versions, trying one out, putting it to use."""

import json
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import FieldError, NotFoundError
from crm.enti import queries as enti
from outbound.cati import queries, ready, service
from outbound.cati.aapor import Cases, Group, Rate, rates
from outbound.cati.models import InterviewState
from outbound.cati.questionnaire import interview as engine
from outbound.cati.questionnaire.interview import Answers, RefusedError
from outbound.cati.questionnaire.look import Setting
from outbound.cati.questionnaire.mistakes import Flaw, Mistake
from outbound.cati.questionnaire.workbook import MOST_BYTES
from outbound.cati.questionnaire.xlsform import Compiled, code_of, compiled
from outbound.cati.templates import TEMPLATES, template
from outbound.lists import queries as lists
from outbound.lists.models import ListState
from outbound.lists.sheets import named
from web.cati.questions import SaidField, buttons, reason, sent, shown
from web.edge.answers import shown_anew
from web.edge.fields import id_of
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep

router = APIRouter(prefix="/questionnaires", include_in_schema=False)
WRITE, CONDUCT, EXPORT = (
    Permission.QUESTIONNAIRE_WRITE, Permission.INTERVIEW_CONDUCT, Permission.INTERVIEW_EXPORT,
)  # fmt: skip
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FileField = Annotated[UploadFile, Form()]
PREVIEW_SEED = 1


@dataclass(frozen=True, slots=True)
class Place:
    """For whom somebody may upload: all enti of a contract, or one."""

    contract_id: int
    ente_id: int | None
    name: str

    @property
    def key(self) -> str:
        return f"{self.contract_id}:{self.ente_id or ''}"


def scope_of(visit: Visit) -> Scope:
    """All that somebody may see for any of what is done with questionnaires. Raises `ForbiddenError` for nothing."""
    held = [visit.scope(one) for one in (WRITE, CONDUCT, EXPORT) if visit.principal.can(one)]
    if not held:
        visit.principal.require(CONDUCT)
    whole = frozenset[int]().union(*(one.enti or frozenset() for one in held))
    return Scope.of_enti(whole, frozenset().union(*(one.contracts for one in held)))


@router.get("")
def listed(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """All of them, and the form that uploads one."""
    return _list(request, runtime, visit)


@router.post("")
def upload(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, file: FileField, place: Annotated[str, Form()] = ""
) -> Response:
    """A new questionnaire, or what is wrong with its form."""
    scope = visit.scope(WRITE)
    contract, _, ente = place.partition(":")
    contract_id = id_of(contract)
    if contract_id is None:
        raise NotFoundError("Questa scelta non esiste: ricarica la pagina.")
    name, content, found = _read(file)
    form = found.form
    if form is None:
        return _list(request, runtime, visit, wrong=found.mistakes, file_name=name, place=place, status=422)

    def work(session: Session) -> int:
        return service.upload(
            session, visit.principal, contract_id=contract_id, ente_id=id_of(ente), file_name=name, content=content,
            form=form,
        )  # fmt: skip

    return _to(f"/questionnaires/{runtime.database.transact(scope, work)}")


@router.post("/satisfaction")
def satisfaction(runtime: RuntimeDep, visit: ChangeDep, list_id: Annotated[str, Form(max_length=20)] = "") -> Response:
    """The half-year's survey of satisfaction, of those on a list: its draft."""
    if (chosen := id_of(list_id)) is None:
        raise FieldError("Scegli una lista.", "list_id")
    campaign_id = runtime.database.transact(
        visit.scope(WRITE), lambda session: ready.satisfaction(session, visit.principal, list_id=chosen)
    )
    return shown_anew(translations(visit.language).gettext("Ora scegli chi chiama, e con quale numero."),
                      at=f"/campaigns/{campaign_id}/edit")  # fmt: skip


@router.get("/templates/{name}.xlsx")
def ready_made(visit: VisitDep, name: str) -> Response:
    """A form to begin from."""
    visit.principal.require(WRITE)
    if name not in TEMPLATES:
        raise NotFoundError("Questo modello non esiste.")
    return _file(f"{name}.xlsx", template(name))


@router.get("/{form_id}")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, form_id: int) -> Response:
    """A questionnaire: its versions, its interviews, its rates."""
    return _one(request, runtime, visit, form_id)


@router.post("/{form_id}/versions")
def revise(request: Request, runtime: RuntimeDep, visit: ChangeDep, form_id: int, file: FileField) -> Response:
    """A further version, or what is wrong with its form."""
    name, content, found = _read(file)
    form = found.form
    if form is None:
        return _one(request, runtime, visit, form_id, wrong=found.mistakes, file_name=name, status=422)

    def work(session: Session) -> int:
        return service.revise(session, visit.principal, form_id=form_id, file_name=name, content=content, form=form)

    runtime.database.transact(visit.scope(WRITE), work)
    return _to(f"/questionnaires/{form_id}")


@router.get("/{form_id}/versions/{number}/file")
def download(runtime: RuntimeDep, visit: VisitDep, form_id: int, number: int) -> Response:
    """The file as it was uploaded."""
    with runtime.database.begin(visit.scope(WRITE)) as session:
        _, content = queries.uploaded(session, form_id, number)
    return _file(f"questionnaire-{form_id}-{number}.xlsx", content)


@router.post("/{form_id}/publish")
def publish(runtime: RuntimeDep, visit: ChangeDep, form_id: int, number: Annotated[int, Form()]) -> Response:
    """Interviews begin with this version from now on."""
    runtime.database.transact(
        visit.scope(WRITE), lambda session: service.publish(session, visit.principal, form_id=form_id, number=number)
    )
    return _to(f"/questionnaires/{form_id}")


@router.post("/{form_id}/withdraw")
def withdraw(runtime: RuntimeDep, visit: ChangeDep, form_id: int) -> Response:
    """No interview begins any more."""
    runtime.database.transact(
        visit.scope(WRITE), lambda session: service.withdraw(session, visit.principal, form_id=form_id)
    )
    return _to(f"/questionnaires/{form_id}")


# -- trying one out ----------------------------------------------------------------------------------------------------


@router.get("/{form_id}/versions/{number}/preview")
def preview(
    request: Request, runtime: RuntimeDep, visit: VisitDep, form_id: int, number: int, language: str = ""
) -> Response:
    """Walk through it as the interviewer would; nothing is stored."""
    return _preview(request, runtime, visit, form_id, number, language, "", "", [])


@router.post("/{form_id}/versions/{number}/preview")
def try_out(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, form_id: int, number: int,
    state: Annotated[str, Form()] = "", deed: Annotated[str, Form()] = "answer", language: Annotated[str, Form()] = "",
    said: SaidField = [], of: SaidField = [], rank: SaidField = [],  # noqa: B006  # FastAPI copies them
) -> Response:  # fmt: skip
    """A step of it: what was answered so far goes back and forth with the page."""
    return _preview(request, runtime, visit, form_id, number, language, state, deed, sent(said, of, rank))


def _preview(
    request: Request, runtime: RuntimeDep, visit: Visit, form_id: int, number: int, language: str, state: str,
    deed: str, said: list[str],
) -> Response:  # fmt: skip
    with runtime.database.begin(scope_of(visit)) as session:
        view = queries.form(session, form_id)
        known = queries.questionnaire(session, queries.version_id(session, form_id, number))
        now = clock.in_rome(clock.now(session)).replace(tzinfo=None, microsecond=0)
    language = language if language in known.languages else known.default_language
    setting, answers, wrong, typed = Setting(now, now, PREVIEW_SEED, language), _answers(state), "", None
    if deed == "back":
        answers = engine.back(known, answers, setting)
    elif deed == "forward":
        answers = engine.forward(known, answers, setting)
    elif deed == "answer" and engine.step(known, answers, setting) is not None:
        try:
            answers = engine.answer(known, answers, setting, said)
        except RefusedError as error:
            wrong, typed = reason(error, visit.language), said
    screen = engine.step(known, answers, setting)
    return page(
        request, "cati/preview.html", visit.language, status=422 if wrong else 200, visit=visit, csrf=visit.csrf_token,
        view=view, number=number, known=known, chosen=language, screen=screen, wrong=wrong, code=code_of(language),
        buttons=buttons(screen, typed) if screen else (), places=[],
        shown=(shown(screen) if typed is None else " ".join(typed)) if screen else "",
        state=json.dumps({"values": dict(answers.values), "at": answers.at}),
        told=engine.given(known, answers, setting) if screen is None else {},
    )  # fmt: skip


def _answers(state: str) -> Answers:
    """What the page sent back; nothing for what no page of ours sends."""
    try:
        read: Any = json.loads(state) if state else {}
        values, at = read.get("values", {}), read.get("at", "")
        return Answers({_sayable(path): _sayable(value) for path, value in values.items()}, _sayable(at))
    except (ValueError, AttributeError, RecursionError):
        return Answers()


def _sayable(text: object) -> str:
    return str(text).encode("utf-8", "replace").decode()  # JSON may hold half a character


# -- parts -------------------------------------------------------------------------------------------------------------


def _read(file: UploadFile) -> tuple[str, bytes, Compiled]:
    content = file.file.read(MOST_BYTES + 1)
    name = named(file.filename or "", 200)
    return name or "questionnaire.xlsx", content, compiled(content)


def _to(address: str) -> Response:
    return RedirectResponse(address, status_code=303)


def _file(name: str, content: bytes) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=XLSX, headers=headers)


def _list(
    request: Request, runtime: RuntimeDep, visit: Visit, *, wrong: tuple[Mistake, ...] = (), file_name: str = "",
    place: str = "", status: int = 200,
) -> Response:  # fmt: skip
    with runtime.database.begin(scope_of(visit)) as session:
        lines = queries.lines(session)
        badges = enti.badges(session)
        places = _places(session, visit)
        whom = (
            [
                (str(one.id), f"{one.name} ({badges[one.ente_id].name})")
                for one in lists.lists(session, visit.principal)
                if one.state is ListState.READY
            ]
            if {Permission.LIST_MANAGE, Permission.CAMPAIGN_MANAGE, WRITE} <= _held(visit)
            else None
        )
    return page(
        request, "cati/list.html", visit.language, status=status, visit=visit, csrf=visit.csrf_token, lines=lines,
        badges=badges, places=places, states=tuple(InterviewState), wrong=wrong, file_name=file_name, place=place,
        templates=TEMPLATES, flaws=Flaw, whom=whom,
    )  # fmt: skip


def _held(visit: Visit) -> set[Permission]:
    return {one for one in Permission if visit.principal.can(one)}


def _places(session: Session, visit: Visit) -> list[Place]:
    by, badges, found = visit.principal, enti.badges(session), []
    for contract_id in sorted(by.contracts_for(WRITE)):
        name = enti.contract_name(session, contract_id)
        found.append(Place(contract_id, None, name))
        covered = sorted(enti.enti_of(session, contract_id) - by.kept_from, key=lambda one: badges[one].name)
        found += [Place(contract_id, one, f"{badges[one].name} · {name}") for one in covered]
    for ente_id in sorted(by.enti_for(WRITE)):
        for contract_id in sorted(enti.contracts_of(session, ente_id) - by.contracts_for(WRITE)):
            name = enti.contract_name(session, contract_id)
            found.append(Place(contract_id, ente_id, f"{badges[ente_id].name} · {name}"))
    return found


def _one(
    request: Request, runtime: RuntimeDep, visit: Visit, form_id: int, *, wrong: tuple[Mistake, ...] = (),
    file_name: str = "", status: int = 200,
) -> Response:  # fmt: skip
    by = visit.principal
    with runtime.database.begin(scope_of(visit)) as session:
        view = queries.form(session, form_id)
        current = (
            queries.questionnaire(session, queries.version_id(session, form_id, view.current)) if view.current else None
        )
        hinder = queries.hindrances(session, form_id, view.versions[0].number)
        badges = enti.badges(session)
        covered = enti.enti_of(session, view.contract_id)
    conducted: list[Any] = []
    served: list[int] = []
    if by.can(CONDUCT):
        with runtime.database.begin(visit.scope(CONDUCT)) as session:
            conducted = queries.interviews(session, form_id)
            mine = visit.scope(CONDUCT).enti or frozenset()
            served = sorted(
                mine & covered if view.ente_id is None else mine & {view.ente_id}, key=lambda one: badges[one].name
            )
    cases = None
    if by.can(EXPORT):
        with runtime.database.begin(visit.scope(EXPORT)) as session:
            cases = queries.dispositions(session, form_id)
    return page(
        request, "cati/form.html", visit.language, status=status, visit=visit, csrf=visit.csrf_token, view=view,
        current=current, badges=badges, served=served, interviews=conducted, cases=cases, groups=tuple(Group),
        rates=rates(Cases.of(cases)) if cases is not None else None, all_rates=tuple(Rate), wrong=wrong,
        file_name=file_name, may_write=by.can(WRITE), may_conduct=by.can(CONDUCT), may_export=by.can(EXPORT),
        manages=by.can(Permission.CAMPAIGN_MANAGE), hinder=hinder,
    )  # fmt: skip
