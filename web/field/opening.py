"""Opening practices: whom, from a list or one by one, and before it is done why not the others."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts.search import search
from crm.core.errors import FieldError, InvalidError
from crm.enti import queries as enti
from outbound.field.practices import opening, settings
from outbound.field.practices.rights import require_deciding
from outbound.field.practices.settings import Settings
from outbound.lists.models import ContactList, ContactListMember, ListState
from web.edge.answers import shown_anew
from web.edge.fields import id_of
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.field.deeds import DecideDep, deciding
from web.field.forms import told_anew
from web.field.practices import options

router = APIRouter(prefix="/field", include_in_schema=False)
TextField = Annotated[str, Form(max_length=120)]
NumberField = Annotated[str, Form(max_length=12)]
SHOWN = 200  # of those considered, on the page
MOST_PRIORITY = 9
DAYS = 7


async def typed(request: Request) -> dict[str, list[str]]:
    """All fields of the form, with all their values."""
    sent = await request.form()
    return {name: [one for one in sent.getlist(name) if isinstance(one, str)] for name in sent}


TypedDep = Annotated[dict[str, list[str]], Depends(typed)]


@router.get("/practices/new")
def new(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """Whom: those of a list, or somebody who is looked for."""
    scope = deciding(visit)
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session, scope.enti)
        ready = select(ContactList).where(ContactList.state == ListState.READY).order_by(ContactList.id.desc())
        lists = [
            (str(one.id), f"{badges[one.ente_id].name}: {one.name} ({one.members})") for one in session.scalars(ready)
        ]
    return _page(request, visit, "field/new_practices.html", badges=badges, lists=lists, ente_options=options(badges))


@router.post("/practices/find")
def find(
    deed: DecideDep, ente_id: NumberField = "", typed_name: TextField = ""
) -> Response:  # fmt: skip
    """Somebody of an ente, by name, codice fiscale or telephone. Posted, so that no name stands in an address."""
    ente = _ente(ente_id)

    def work(session: Session, by: Principal) -> list[Any]:
        require_deciding(session, by, ente)
        found = search(session, typed_name, among=[ente], limit=20).people
        return opening.dry(session, by, ente_id=ente, contact_ids=[one.id for one in found])

    return _considered(deed.visit, ente, deed(work), list_id=None)


@router.post("/practices/consider")
def consider(deed: DecideDep, list_id: NumberField = "") -> Response:
    """Those of a list: of whom a practice would be opened, and why not of the others. Changes nothing."""

    def work(session: Session, by: Principal) -> tuple[int, list[Any]]:
        ente, members = _members(session, list_id)
        return ente, opening.dry(session, by, ente_id=ente, contact_ids=members)

    ente, considered = deed(work)
    return _considered(deed.visit, ente, considered, list_id=id_of(list_id))


@router.post("/practices/open")
def open_them(deed: DecideDep, fields: TypedDep) -> Response:
    """Open the practices of those who may have one: of a list, or of those who are marked."""
    priority = min(id_of(_one(fields, "priority")) or 0, MOST_PRIORITY)

    def work(session: Session, by: Principal) -> int:
        if _one(fields, "list_id"):
            ente, chosen = _members(session, _one(fields, "list_id"))
        else:
            ente, chosen = (
                _ente(_one(fields, "ente_id")),
                [one for text in fields.get("who", ()) if (one := id_of(text))],
            )
        if not chosen:
            raise InvalidError("Segna almeno una persona.", field="who")
        return len(opening.decide(session, by, ente_id=ente, contact_ids=chosen, priority=priority))

    opened = deed(work)
    words = translations(deed.visit.language).ngettext("Aperta %(num)s pratica.", "Aperte %(num)s pratiche.", opened)
    return shown_anew(words % {"num": opened}, at="/field/practices")


@router.get("/practices/settings")
def shown_settings(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """How each ente has its people visited."""
    scope = deciding(visit)
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session, scope.enti)
        own = {one: settings.get(session, one) for one in badges}
    return _page(request, visit, "field/settings.html", badges=badges, own=own)


@router.post("/practices/settings")
def set_them(deed: DecideDep, fields: TypedDep) -> Response:
    """Write those of an ente."""
    ente = _ente(_one(fields, "ente_id"))
    hours, days, visits = (id_of(_one(fields, name)) or 0 for name in ("fresh_hours", "mandate_days", "most_visits"))
    week = tuple(_one(fields, f"day-{day}").strip() for day in range(DAYS))
    new_ones = Settings(week, hours, days, visits, may_photograph=bool(_one(fields, "may_photograph")))
    deed(settings.write, ente_id=ente, new=new_ones)
    return told_anew("Salvato.", deed.visit)


def _considered(visit: Visit, ente: int, considered: list[Any], *, list_id: int | None) -> Response:
    able = [one for one in considered if not one.refused]
    reasons = Counter(reason for one in considered for reason in one.refused)
    return HTMLResponse(
        fragment(
            "field/_considered.html", visit.language, visit=visit, ente_id=ente, list_id=list_id,
            able=able, refused=[one for one in considered if one.refused][:SHOWN], shown=SHOWN,
            reasons=reasons.most_common(), cents=sum(one.cents for one in able), of=len(considered),
        )
    )  # fmt: skip


def _members(session: Session, list_id: str) -> tuple[int, list[int]]:
    chosen = session.get(ContactList, id_of(list_id) or 0)
    if chosen is None or chosen.state is not ListState.READY:
        raise FieldError("Scegli una lista pronta.", "list_id")
    rows = select(ContactListMember.contact_id).where(ContactListMember.list_id == chosen.id)
    return chosen.ente_id, list(session.scalars(rows.order_by(ContactListMember.contact_id)))


def _ente(text: str) -> int:
    found = id_of(text)
    if found is None:
        raise FieldError("Scegli l'ente.", "ente_id")
    return found


def _one(fields: dict[str, list[str]], name: str) -> str:
    return next(iter(fields.get(name, ())), "")


def _page(request: Request, visit: Visit, template: str, **context: Any) -> Response:
    return page(request, template, visit.language, visit=visit, csrf=visit.csrf_token, **context)
