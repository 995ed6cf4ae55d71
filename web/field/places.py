"""Civic numbers: the files that were read, another one, and practices that could not be placed by them."""

import io
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response, UploadFile
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.core.errors import InvalidError
from outbound.field.places import queries, reading
from outbound.field.practices import placed
from outbound.field.practices import queries as practices
from outbound.field.practices.queries import Filter
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.field.deeds import ManageDep

router = APIRouter(prefix="/field/places", include_in_schema=False)
FileField = Annotated[UploadFile | None, Form()]
TextField = Annotated[str, Form(max_length=80)]
MOST_UPLOAD = 200 * 1024**2
MEGABYTE = 1024**2


@router.get("")
def all_of_them(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """What was read, and what could not be placed."""
    with runtime.database.begin(visit.scope(Permission.FIELD_MANAGE)) as session:
        lost, more = practices.practices(session, Filter(unplaced=True))
        context = {
            "files": queries.files(session), "towns": queries.known_towns(session), "lost": lost, "more": more,
            "count": practices.unplaced(session), "most": MOST_UPLOAD // MEGABYTE,
        }  # fmt: skip
    return _page(request, visit, "field/places.html", **context)


@router.post("")
def read(deed: ManageDep, file: FileField = None, town: TextField = "") -> Response:
    """Read a file; what there was of its towns goes, and practices that are not surely placed are looked for anew."""
    if file is None or not file.filename:
        raise InvalidError("Scegli il file.", field="file")
    if file.size is not None and file.size > MOST_UPLOAD:
        raise InvalidError(f"Al massimo {MOST_UPLOAD // MEGABYTE} MB.", field="file")
    name, raw = file.filename, file.file

    def work(session: Session, by: Principal) -> tuple[int, int]:
        raw.seek(0)
        lines = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
        try:
            reading.read(session, by, name=name, lines=lines, town=town)
        except UnicodeDecodeError:
            raise InvalidError("Il file non è in UTF-8: salvalo così e caricalo di nuovo.", field="file") from None
        finally:
            lines.detach()
        return placed.anew(session, by, ente_ids=deed.scope.enti or ())

    _, better = deed(work)
    words = translations(deed.visit.language).ngettext(
        "Letto. Si è trovato meglio %(num)s indirizzo.", "Letto. Si sono trovati meglio %(num)s indirizzi.", better
    )
    return shown_anew(words % {"num": better})


def _page(request: Request, visit: Visit, template: str, **context: Any) -> Response:
    return page(request, template, visit.language, visit=visit, csrf=visit.csrf_token, **context)
