"""Agents before the enti: proposed, decided about, told to the Questura; found unfit, removed, replaced."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.access.service import scope_for
from crm.core.db import Scope
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from outbound.field.agents import accrediting, files, overview, queries, unfit
from outbound.field.agents.standing import REQUIRED
from web.edge.fields import id_of
from web.edge.templating import page
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.field.deeds import ApproveDep, DecideDep, ManageDep
from web.field.forms import Days, TypedDep, content_of, inline, told_anew
from web.field.paper import questura_letter

router = APIRouter(prefix="/field", include_in_schema=False)
TextField = Annotated[str, Form(max_length=1000)]
AnyFile = Annotated[UploadFile | None, File()]


@router.post("/agents/{agent_id}/propose")
def propose(
    deed: ManageDep, agent_id: int, ente: Annotated[list[str] | None, Form()] = None
) -> Response:  # fmt: skip
    """Ask enti to approve him."""
    chosen = {found for one in ente or [] if (found := id_of(one)) is not None}
    deed(accrediting.propose, agent_id=agent_id, ente_ids=chosen)
    return told_anew("Proposto: decide l'ente.", deed.visit)


@router.get("/accreditations/{accreditation_id}")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, accreditation_id: int) -> Response:
    """All that an ente has to know to decide about an agent, and what became of it."""
    scope = _scope(visit)
    with runtime.database.begin(scope) as session:
        found = overview.of_accreditation(session, visit.principal, accreditation_id)
        ente_id, agent_id = found.row.ente_id, found.agent.id
        context: dict[str, Any] = {
            "one": found, "papers": queries.papers(session, agent_id), "ente": enti.badges(session)[ente_id],
            "findings": unfit.findings(session, {ente_id}, agent_id=agent_id),
            "decides": ente_id in _held(session, visit, Permission.FIELD_APPROVE),
            "manages": ente_id in _held(session, visit, Permission.FIELD_MANAGE),
            "before": [row for row in queries.decisions(session, [agent_id], {ente_id}) if row.id != found.row.id],
        }  # fmt: skip
    return page(
        request, "field/accreditation.html", visit.language, visit=visit, csrf=visit.csrf_token, required=REQUIRED,
        **context,
    )  # fmt: skip


@router.post("/accreditations/{accreditation_id}/approve")
def approve(deed: ApproveDep, accreditation_id: int) -> Response:
    """The ente approves him."""
    deed(accrediting.decide, accreditation_id=accreditation_id, approves=True)
    return told_anew("Approvato: può agire quando la Questura lo sa.", deed.visit)


@router.post("/accreditations/{accreditation_id}/refuse")
def refuse(deed: ApproveDep, accreditation_id: int, reason: TextField = "") -> Response:
    """The ente refuses him."""
    deed(accrediting.decide, accreditation_id=accreditation_id, approves=False, reason=reason)
    return told_anew("Non approvato: la società lo sa.", deed.visit)


@router.post("/accreditations/{accreditation_id}/withdraw")
def withdraw(deed: ManageDep, accreditation_id: int, reason: TextField = "") -> Response:
    """The company withdraws him."""
    deed(accrediting.withdraw, accreditation_id=accreditation_id, reason=reason)
    return told_anew("Ritirato: per questo ente non agisce più.", deed.visit)


# -- the Questura -----------------------------------------------------------------------------------------------------


@router.post("/agents/{agent_id}/letter")
def write_letter(
    deed: ManageDep, agent_id: int, province: TextField = "", to: TextField = ""
) -> Response:  # fmt: skip
    """Make the letter to a Questura, and keep it."""
    said = deed(accrediting.compose, agent_id=agent_id, province=province, to=to)
    content = questura_letter(said)  # which takes a while, and no transaction meanwhile
    deed(accrediting.keep_letter, agent_id=agent_id, province=province, content=content)
    return told_anew("La lettera è pronta: spediscila, poi carica la prova.", deed.visit)


@router.get("/accreditations/{accreditation_id}/letter.pdf")
def letter(runtime: RuntimeDep, visit: VisitDep, accreditation_id: int) -> Response:
    """The letter that was made, as it was kept."""
    with runtime.database.begin(_scope(visit)) as session:
        found = files.read(session, overview.of_accreditation(session, visit.principal, accreditation_id).row.letter)
    return inline(found.content, found.media, f"questura-{accreditation_id}.pdf")


@router.post("/accreditations/{accreditation_id}/proof")
def prove(
    deed: ManageDep, accreditation_id: int, fields: TypedDep, file: AnyFile = None
) -> Response:  # fmt: skip
    """The Questura has it."""
    days = Days(fields)
    on = days.needed("on")
    days.check()
    content = content_of(file, files.MOST_BYTES)
    deed(
        accrediting.prove, accreditation_id=accreditation_id, on=on, number=fields.get("number", ""), content=content
    )  # fmt: skip
    return told_anew("La prova è registrata.", deed.visit)


@router.get("/accreditations/{accreditation_id}/proof")
def proof(runtime: RuntimeDep, visit: VisitDep, accreditation_id: int) -> Response:
    """What proves it."""
    with runtime.database.begin(_scope(visit)) as session:
        found = files.read(session, overview.of_accreditation(session, visit.principal, accreditation_id).row.proof)
    return inline(found.content, found.media, f"prova-{accreditation_id}")


# -- unfit ------------------------------------------------------------------------------------------------------------


@router.post("/agents/{agent_id}/unfit/{ente_id}")
def find_unfit(
    deed: DecideDep, agent_id: int, ente_id: int, grounds: TextField = ""
) -> Response:  # fmt: skip
    """He is unfit for an ente: out at once."""
    at = f"{deed.runtime.settings.public_url}/field/agents/{{}}"
    deed(unfit.find, agent_id=agent_id, ente_id=ente_id, grounds=grounds, link_to=at.format)
    return told_anew("Da adesso non agisce più per l'ente: le sue pratiche sono ferme.", deed.visit)


@router.post("/unfit/{finding_id}/withdraw")
def withdraw_finding(deed: ApproveDep, finding_id: int, reason: TextField = "") -> Response:
    """It was not so."""
    deed(unfit.withdraw, finding_id=finding_id, reason=reason)
    return told_anew("Segnalazione ritirata.", deed.visit)


@router.post("/unfit/{finding_id}/remove")
def remove(deed: ManageDep, finding_id: int) -> Response:
    """He gave everything back."""
    deed(unfit.remove, finding_id=finding_id)
    return told_anew("Allontanamento segnato.", deed.visit)


@router.post("/unfit/{finding_id}/undo-removal")
def undo_removal(deed: ManageDep, finding_id: int) -> Response:
    """It was marked by mistake."""
    deed(unfit.undo_removal, finding_id=finding_id)
    return told_anew("Tolto: il termine corre ancora.", deed.visit)


@router.post("/unfit/{finding_id}/replace")
def replace(deed: ManageDep, finding_id: int, substitute: TextField = "") -> Response:
    """Somebody takes his place."""
    deed(unfit.replace, finding_id=finding_id, substitute_id=id_of(substitute) or 0)
    return told_anew("Sostituito: le pratiche ferme gli sono state offerte.", deed.visit)


@router.post("/unfit/{finding_id}/undo-replacement")
def undo_replacement(deed: ManageDep, finding_id: int) -> Response:
    """He is no substitute after all."""
    deed(unfit.undo_replacement, finding_id=finding_id)
    return told_anew("Sostituzione annullata: ciò che non aveva accettato è di nuovo fermo.", deed.visit)


def _scope(visit: Visit) -> Scope:
    """Of whoever decides about agents, or looks after them. For others there is nothing here."""
    for one in (Permission.FIELD_MANAGE, Permission.FIELD_APPROVE):
        if visit.principal.can(one):
            return visit.scope(one)
    if visit.principal.can(Permission.FIELD_WATCH):
        raise NotFoundError("Questa pagina è per chi approva gli agenti.")
    return visit.scope(Permission.FIELD_APPROVE)


def _held(session: Session, visit: Visit, permission: Permission) -> frozenset[int]:
    if not visit.principal.can(permission):
        return frozenset()
    return frozenset(scope_for(session, visit.principal, permission).enti or ())
