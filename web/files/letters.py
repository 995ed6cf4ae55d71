"""The relief letter of an open file: printed, and handed over."""

from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from crm.access.permissions import Permission
from crm.core import clock
from crm.files import letters
from crm.files.letters import Letter
from web.edge.fields import NearDay
from web.edge.paper import pdf
from web.edge.templating import environment, fragment
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.files.documents import POLICIES

router = APIRouter(include_in_schema=False)
SOURCE = Path(__file__).parent / "letter.typ"
PDF = "application/pdf"


@router.get("/files/positions/{position_id}/relief/{on}")
def letter(runtime: RuntimeDep, visit: VisitDep, position_id: int, on: NearDay) -> Response:
    """The letter about the relief of a day, as a PDF."""
    found = runtime.database.transact(
        visit.scope(Permission.FILE_READ),
        lambda session: letters.write(session, visit.principal, position_id=position_id, on=on),
    )
    headers = {
        "content-disposition": 'inline; filename="sgravio.pdf"', "content-security-policy": POLICIES[PDF],
        "cache-control": "no-store", "cross-origin-resource-policy": "same-origin",
    }  # fmt: skip
    return Response(pdf(SOURCE, _said(found), found.printed_at), media_type=PDF, headers=headers)


@router.post("/files/positions/{position_id}/relief/{on}")
def hand_over(runtime: RuntimeDep, visit: ChangeDep, position_id: int, on: NearDay) -> Response:
    """It was handed over."""
    runtime.database.transact(
        visit.scope(Permission.FILE_READ),
        lambda session: letters.hand_over(session, visit.principal, position_id=position_id, on=on),
    )
    return HTMLResponse(fragment("files/_handed_over.html", visit.language))


def _said(found: Letter) -> dict[str, object]:
    """In Italian, whatever the clerk's language: it is the ente's letter."""
    filters = environment("it").filters
    as_of, printed = filters["at"](found.as_of), filters["at"](found.printed_at)
    return {
        "ente": found.ente, "title": f"sgravio, atto n. {found.act_number}", "name": found.name,
        "code": f"Codice fiscale {found.codice_fiscale}", "day": filters["day"](clock.business_day(found.printed_at)),
        "paragraphs": list(found.paragraphs),
        "footer": f"Stampata il {printed}, sui dati della riscossione comunicati il {as_of}. "
        f"Riferimento {found.reference}.",
    }  # fmt: skip
