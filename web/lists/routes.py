"""Lists of contacts: all of them, making one by conditions, and each with what became of it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core.errors import FieldError, InvalidError
from crm.drafts import service as drafts
from crm.drafts.places import FormKind, Place
from crm.enti import queries as enti
from crm.enti.queries import Badge
from outbound.lists import queries, service
from outbound.lists.checking import KEPT, UPLOADS, remove
from outbound.lists.queries import Example, ListView
from outbound.lists.sheets import MOST_BYTES, MOST_ROWS
from outbound.segments.conditions import CHOICES, Field, Kind, Segment, kind_of, operators
from outbound.segments.counting import Count
from outbound.segments.wording import Voice, in_words
from web.drafts.written import Written
from web.edge.answers import shown_anew
from web.edge.fields import id_of
from web.edge.i18n import said, translations
from web.edge.spreadsheets import csv_answer
from web.edge.templating import environment, fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.lists import builder
from web.lists.builder import Builder

router = APIRouter(prefix="/lists", include_in_schema=False)
TextField = Annotated[str, Form(max_length=200)]
FileField = Annotated[UploadFile, Form()]
PLACE = Place(FormKind.LIST, 0)
FIELDS = {kind: tuple(one for one in Field if kind_of(one) is kind) for kind in Kind}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a form comes to as it stands: a sentence, how many, and a few of them; or what is to be completed."""

    sentence: str = ""
    count: Count | None = None
    examples: tuple[Example, ...] = ()
    error: str = ""


async def typed(request: Request) -> dict[str, list[str]]:
    """All fields of the form, with all their values."""
    sent = await request.form()
    return {name: [one for one in sent.getlist(name) if isinstance(one, str)] for name in sent}


TypedDep = Annotated[dict[str, list[str]], Depends(typed)]


def voice(language: str) -> Voice:
    """How a language reads segments."""
    filters = environment(language).filters
    return Voice(translations(language).gettext, filters["word"], filters["euro"], filters["number"])


@router.get("")
def all_of_them(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The lists of the enti for which the visitor makes them."""
    with runtime.database.begin(visit.scope(Permission.LIST_MANAGE)) as session:
        context = _listed(session, visit)
    return page(request, "lists/all.html", visit.language, visit=visit, csrf=visit.csrf_token, **context)


@router.get("/rows")
def rows(runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The same, while a worker has to do with one of them."""
    with runtime.database.begin(visit.scope(Permission.LIST_MANAGE)) as session:
        context = _listed(session, visit)
    return HTMLResponse(fragment("lists/_rows.html", visit.language, visit=visit, **context))


@router.get("/new")
def new(request: Request, runtime: RuntimeDep, visit: VisitDep, like: int = 0) -> Response:
    """The form: as it was left, or as another list was made."""
    scope = visit.scope(Permission.LIST_MANAGE)
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session, scope.enti)
        if like and (other := queries.one(session, visit.principal, like)).segment is not None:
            form, resumed = Builder.showing(other.segment, ente_id=other.ente_id), False
        else:
            kept = Written.of(session, visit, [PLACE]).fields(str(PLACE))
            form, resumed = (Builder.of(kept), True) if kept else (Builder(), False)
    return page(
        request, "lists/new.html", visit.language, visit=visit, csrf=visit.csrf_token, resumed=resumed,
        recount=False, showing=uuid4(), ente_options=_options(badges), **_form(form),
    )  # fmt: skip


@router.post("/new/rows")
def changed(runtime: RuntimeDep, visit: ChangeDep, fields: TypedDep) -> Response:
    """The form after a row was added, taken away, or is about something else."""
    form, focus = Builder.of(fields).done(_one(fields, "do"))
    runtime.database.transact(
        visit.scope(Permission.LIST_MANAGE), lambda session: _keep(session, visit, form, fields)
    )  # fmt: skip
    return HTMLResponse(fragment("lists/_conditions.html", visit.language, recount=True, **_form(form, focus)))


@router.post("/new/answer")
def answer(runtime: RuntimeDep, visit: ChangeDep, fields: TypedDep) -> Response:
    """Whom the form means as it stands. What is typed into it is kept."""
    form = Builder.of(fields)
    scope = visit.scope(Permission.LIST_MANAGE)
    runtime.database.transact(scope, lambda session: _keep(session, visit, form, fields))
    with runtime.database.begin(scope) as session:
        badge = enti.badges(session, scope.enti).get(id_of(form.ente) or 0)
        found = _answer(session, visit, form, badge)
    return HTMLResponse(fragment("lists/_answer.html", visit.language, answer=found, kept=True))


@router.post("/new")
def make(runtime: RuntimeDep, visit: ChangeDep, fields: TypedDep) -> Response:
    """Make the list."""
    form = Builder.of(fields)

    def work(session: Session) -> int:
        made = service.make(
            session, visit.principal, ente_id=id_of(form.ente) or 0, name=form.name, segment=form.segment()
        )
        if (showing := _showing(fields)) is not None:
            drafts.forget(session, visit.principal, place=PLACE, writing=showing)
        return made

    list_id = runtime.database.transact(visit.scope(Permission.LIST_MANAGE), work)
    return shown_anew(translations(visit.language).gettext("La lista è in preparazione."), at=f"/lists/{list_id}")


@router.get("/file")
def file_form(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The form that takes a file in."""
    scope = visit.scope(Permission.LIST_MANAGE)
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session, scope.enti)
    return page(
        request, "lists/file.html", visit.language, visit=visit, csrf=visit.csrf_token,
        ente_options=_options(badges), most_bytes=MOST_BYTES, most_rows=MOST_ROWS,
    )  # fmt: skip


@router.post("/file")
def send(
    runtime: RuntimeDep, visit: ChangeDep, ente: TextField = "", name: TextField = "",
    file: FileField | None = None,
) -> Response:  # fmt: skip
    """Take a file in; a worker reads it."""
    scope = visit.scope(Permission.LIST_MANAGE)
    if file is None or not file.filename:
        raise FieldError("Scegli il file.", "file")
    path = _kept(runtime.settings.data / UPLOADS, file)
    file_name = file.filename

    def work(session: Session) -> int:
        return service.take_in(
            session, visit.principal, ente_id=id_of(ente) or 0, name=name, path=path, file_name=file_name
        )

    try:
        list_id = runtime.database.transact(scope, work)
    except Exception:
        remove(path)  # nobody would ever read it
        raise
    return shown_anew(translations(visit.language).gettext("Il file si sta leggendo."), at=f"/lists/{list_id}")


@router.post("/new/drop")
def drop(runtime: RuntimeDep, visit: ChangeDep, fields: TypedDep) -> Response:
    """Begin anew: what was typed is let go of."""
    if (showing := _showing(fields)) is not None:
        runtime.database.transact(
            visit.scope(Permission.LIST_MANAGE),
            lambda session: drafts.forget(session, visit.principal, place=PLACE, writing=showing),
        )
    return shown_anew(translations(visit.language).gettext("Si ricomincia da capo."), at="/lists/new")


@router.post("/{list_id}/accept")
def accept(runtime: RuntimeDep, visit: ChangeDep, list_id: int) -> Response:
    """What was found in a file becomes the list."""
    runtime.database.transact(
        visit.scope(Permission.LIST_MANAGE), lambda session: service.accept(session, visit.principal, list_id=list_id)
    )
    return shown_anew(translations(visit.language).gettext("Lista creata."))


@router.get("/{list_id}/refused.csv")
def refused(runtime: RuntimeDep, visit: VisitDep, list_id: int) -> Response:
    """The rows that made nobody a member, as they were written, with what is wrong."""
    with runtime.database.begin(visit.scope(Permission.LIST_MANAGE)) as session:
        found = queries.one(session, visit.principal, list_id)
        rows = list(queries.refusals(session, list_id, most=KEPT))
        service.took_refused(session, visit.principal, list_id=list_id)
    catalogue = translations(visit.language)
    head = (catalogue.gettext("riga"), catalogue.gettext("motivo"), catalogue.gettext("colonna"), *found.headings)
    return csv_answer(
        f"righe-scartate-{list_id}.csv", head,
        [(row.line, said(visit.language, row.reason), row.heading, *row.cells) for row in rows],
    )  # fmt: skip


@router.get("/{list_id}")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, list_id: int) -> Response:
    """A list, and a few of those who are on it."""
    with runtime.database.begin(visit.scope(Permission.LIST_MANAGE)) as session:
        context = _shown(session, visit, list_id)
    return page(request, "lists/one.html", visit.language, visit=visit, csrf=visit.csrf_token, **context)


@router.get("/{list_id}/state")
def state(runtime: RuntimeDep, visit: VisitDep, list_id: int) -> Response:
    """The same, while a worker has to do with it."""
    with runtime.database.begin(visit.scope(Permission.LIST_MANAGE)) as session:
        context = _shown(session, visit, list_id)
    return HTMLResponse(fragment("lists/_one.html", visit.language, visit=visit, **context))


@router.post("/{list_id}/withdraw")
def withdraw(runtime: RuntimeDep, visit: ChangeDep, list_id: int) -> Response:
    """Nothing begins with it any more."""
    runtime.database.transact(
        visit.scope(Permission.LIST_MANAGE),
        lambda session: service.withdraw(session, visit.principal, list_id=list_id),
    )
    return shown_anew(translations(visit.language).gettext("Lista ritirata."))


@router.post("/{list_id}/delete")
def delete(runtime: RuntimeDep, visit: ChangeDep, list_id: int) -> Response:
    """Let go of it."""
    runtime.database.transact(
        visit.scope(Permission.LIST_MANAGE), lambda session: service.remove(session, visit.principal, list_id=list_id)
    )
    return shown_anew(translations(visit.language).gettext("La lista si sta eliminando."), at="/lists")


def _kept(folder: Path, file: UploadFile) -> Path:
    """Write an upload where the workers find it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = (folder / uuid4().hex).resolve()
    with path.open("wb") as target:
        shutil.copyfileobj(file.file, target)
    return path


def _listed(session: Session, visit: Visit) -> dict[str, Any]:
    found, badges = queries.lists(session, visit.principal), enti.badges(session)
    return {"lists": found, "badges": badges, "sentences": {one.id: _sentence(visit, one, badges) for one in found}}


def _shown(session: Session, visit: Visit, list_id: int) -> dict[str, Any]:
    found, badges = queries.one(session, visit.principal, list_id), enti.badges(session)
    people = queries.first_members(session, visit.principal, found) if found.members and not found.is_moving else []
    return {
        "one": found, "ente": badges[found.ente_id], "sentence": _sentence(visit, found, badges), "people": people,
        "refusals": list(queries.refusals(session, list_id, most=50)) if found.refused else [], "kept": KEPT,
    }  # fmt: skip


def _sentence(visit: Visit, found: ListView, badges: Mapping[int, Badge]) -> str:
    return in_words(found.segment, badges[found.ente_id].name, voice(visit.language)) if found.segment else ""


def _form(form: Builder, focus: int | None = None) -> dict[str, Any]:
    return {
        "form": form, "focus": focus, "kinds": FIELDS, "operators": operators, "choices": CHOICES,
        "full": len(form.rows) >= builder.MOST_ROWS,
    }  # fmt: skip


def _options(badges: Mapping[int, Badge]) -> list[tuple[str, str]]:
    return [(str(one.id), one.name) for one in badges.values()]


def _answer(session: Session, visit: Visit, form: Builder, badge: Badge | None) -> Answer:
    if badge is None:
        return Answer(error="Scegli l'ente: il conto si fa sui suoi contribuenti.")
    try:
        segment: Segment = form.segment()
    except InvalidError:
        return Answer(error="Completa le condizioni: il conto si fa quando sono intere.")
    found, few = queries.preview(session, visit.principal, segment, ente_id=badge.id)
    return Answer(in_words(segment, badge.name, voice(visit.language)), found, tuple(few))


def _keep(session: Session, visit: Visit, form: Builder, fields: Mapping[str, list[str]]) -> None:
    if (showing := _showing(fields)) is not None:
        drafts.save(session, visit.principal, place=PLACE, writing=showing, fields=form.typed())


def _showing(fields: Mapping[str, list[str]]) -> UUID | None:
    try:
        return UUID(_one(fields, "showing"))
    except ValueError:
        return None


def _one(fields: Mapping[str, list[str]], name: str) -> str:
    return next(iter(fields.get(name, ())), "")
