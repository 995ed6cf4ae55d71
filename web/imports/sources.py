"""The sources of feeds: what each is, when it is read, and reading it at once."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.collection.models import SourceKind
from crm.collection.sources import endpoints, queries, service
from crm.collection.sources.folder import INBOX
from crm.collection.sources.queries import SourceView
from crm.collection.sources.service import Timetable
from crm.core.errors import InvalidError
from crm.enti import queries as enti
from web.edge.i18n import said
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep

router = APIRouter(include_in_schema=False)
NO_CONTENT, UNPROCESSABLE = 204, 422
TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})")


@dataclass(frozen=True, slots=True)
class SourceForm:
    """What a person wrote, as he wrote it."""

    ente: int = 0
    name: str = ""
    kind: str = SourceKind.FOLDER.value
    endpoint: str = ""
    when: str = "every"
    every_min: str = "60"
    at: str = "06:00"
    active: bool = True
    takes_proposals: bool = False
    answers_one: bool = False
    answer_minutes: str = str(service.ANSWER_MINUTES)

    @classmethod
    def of(cls, source: SourceView) -> "SourceForm":
        """A source as its form shows it."""
        when = "every" if source.every_min else "daily" if source.at else "hand"
        return cls(
            source.ente_id, source.name, source.kind.value, source.endpoint or "", when,
            str(source.every_min or 60), source.at or "06:00", source.active,
            source.takes_proposals, source.answers_one, str(source.answer_minutes),
        )  # fmt: skip

    def minutes(self) -> int:
        """For how long an answer about one taxpayer will do. Raises `InvalidError`."""
        if not (self.answer_minutes.isascii() and self.answer_minutes.isdigit() and len(self.answer_minutes) < 5):
            raise InvalidError("Scrivi quanti minuti, in cifre.", field="answer_minutes")
        return int(self.answer_minutes)

    def timetable(self) -> Timetable:
        """When to read. Raises `InvalidError`."""
        if self.when == "every":
            if not (self.every_min.isascii() and self.every_min.isdigit() and len(self.every_min) < 9):
                raise InvalidError("Scrivi quanti minuti, in cifre.", field="every_min")
            return Timetable(every_min=int(self.every_min))
        if self.when == "daily":
            time = TIME.fullmatch(self.at)
            if time is None:
                raise InvalidError("Scrivi un'ora, come 06:00.", field="at")
            return Timetable(at_minute=int(time[1]) * 60 + int(time[2]))
        return Timetable()


def form_of(
    ente: Annotated[int, Form()],
    name: Annotated[str, Form(max_length=200)] = "",
    kind: Annotated[SourceKind, Form()] = SourceKind.FOLDER,
    endpoint: Annotated[str, Form(max_length=200)] = "",
    when: Annotated[str, Form(max_length=10)] = "hand",
    every_min: Annotated[str, Form(max_length=20)] = "",
    at: Annotated[str, Form(max_length=20)] = "",
    active: Annotated[bool, Form()] = False,
    takes_proposals: Annotated[bool, Form()] = False,
    answers_one: Annotated[bool, Form()] = False,
    answer_minutes: Annotated[str, Form(max_length=20)] = str(service.ANSWER_MINUTES),
) -> SourceForm:
    """The form as it was sent."""
    return SourceForm(
        ente, name, kind.value, endpoint, when, every_min.strip(), at.strip(), active, takes_proposals, answers_one,
        answer_minutes.strip(),
    )  # fmt: skip


FormDep = Annotated[SourceForm, Depends(form_of)]


@router.get("/imports/sources/new")
def new(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The form of a new source."""
    return _form(request, runtime, visit, None, SourceForm())


@router.get("/imports/sources/{source_id}")
def source(request: Request, runtime: RuntimeDep, visit: VisitDep, source_id: int) -> Response:
    """A source: its form, and what its readings came to."""
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    with runtime.database.begin(scope) as session:
        view = queries.source(session, source_id)
    return _form(request, runtime, visit, view, SourceForm.of(view))


@router.post("/imports/sources")
def create(request: Request, runtime: RuntimeDep, visit: ChangeDep, form: FormDep) -> Response:
    """Set up a source."""
    return _save(request, runtime, visit, None, form)


@router.post("/imports/sources/{source_id}")
def change(request: Request, runtime: RuntimeDep, visit: ChangeDep, source_id: int, form: FormDep) -> Response:
    """Change a source; it stays with its ente."""
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    with runtime.database.begin(scope) as session:
        view = queries.source(session, source_id)
    return _save(request, runtime, visit, view, replace(form, ente=view.ente_id))


@router.post("/imports/sources/{source_id}/read")
def read(runtime: RuntimeDep, visit: ChangeDep, source_id: int) -> Response:
    """Read it now."""
    return _read(runtime, visit, source_id, service.read_now)


@router.post("/imports/sources/{source_id}/read-whole")
def read_whole(runtime: RuntimeDep, visit: ChangeDep, source_id: int) -> Response:
    """Read its whole state anew."""
    return _read(runtime, visit, source_id, service.read_whole)


def _read(runtime: RuntimeDep, visit: ChangeDep, source_id: int, how: Callable[..., int]) -> Response:
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    data = runtime.settings.data
    runtime.database.transact(scope, lambda session: how(session, visit.principal, source_id=source_id, data=data))
    return Response(status_code=NO_CONTENT)


def _save(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, view: SourceView | None, form: SourceForm
) -> Response:
    scope = visit.scope(Permission.COLLECTION_IMPORT)

    def work(session: Session) -> int:
        return service.save(
            session, visit.principal, ente_id=form.ente, source_id=view.id if view else None,
            kind=SourceKind(form.kind), name=form.name, endpoint=form.endpoint or None, timetable=form.timetable(),
            active=form.active, takes_proposals=form.takes_proposals, answers_one=form.answers_one,
            answer_minutes=form.minutes(),
        )  # fmt: skip

    try:
        runtime.database.transact(scope, work)
    except InvalidError as wrong:
        return _form(request, runtime, visit, view, form, wrong)
    return RedirectResponse("/imports#sources", status_code=303)


def _form(
    request: Request, runtime: RuntimeDep, visit: VisitDep, view: SourceView | None, form: SourceForm,
    wrong: InvalidError | None = None,
) -> Response:  # fmt: skip
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session, scope.enti)
    parts = (wrong.parts or (wrong,)) if wrong else ()
    return page(
        request, "imports/source.html", visit.language, status=UNPROCESSABLE if wrong else 200, visit=visit,
        csrf=visit.csrf_token, source=view, form=form, enti=badges, endpoints=endpoints.names(),
        wrong={part.field: said(visit.language, str(part)) for part in parts},
        inbox=runtime.settings.data.resolve() / INBOX,
    )  # fmt: skip
