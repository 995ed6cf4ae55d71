"""Entering and withdrawing a contract's agreement, its document, and a worker's word that he has read it."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission
from crm.core.db import Scope
from crm.core.errors import InvalidError, NotFoundError
from crm.enti import queries as enti
from crm.monitoring import queries, service
from crm.monitoring.lock import Agreement, AgreementKind, Lock, Use, locked
from crm.monitoring.queries import Version
from crm.monitoring.service import Entered
from telephony.calls import supervision
from web.edge.answers import shown_anew
from web.edge.fields import day_of
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.enti.forms import TypedDep

router = APIRouter(include_in_schema=False)
PDF = "application/pdf"
USUAL_MONTHS = 12
DATES = {"signed_on", "valid_from", "valid_until"}


@dataclass(frozen=True, slots=True)
class OnContract:
    """How it stands on a contract."""

    id: int
    name: str
    state: dict[Use, Lock | None]
    counts: Agreement | None
    read: int
    workers: int
    versions: list[Version]


@router.get("/monitoring")
def agreements(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """How it stands on each contract."""
    with runtime.database.begin(visit.scope(Permission.MONITORING_MANAGE)) as session:
        contracts = [
            _on(session, one) for one in sorted(visit.principal.contracts_for(Permission.MONITORING_MANAGE))
        ]  # fmt: skip
    return page(
        request, "monitoring/list.html", visit.language, visit=visit, csrf=visit.csrf_token, contracts=contracts
    )


@router.get("/monitoring/{contract_id}")
def versions(request: Request, runtime: RuntimeDep, visit: VisitDep, contract_id: int) -> Response:
    """One contract's versions, and the form for the next."""
    scope = visit.scope(Permission.MONITORING_MANAGE)
    if contract_id not in visit.principal.contracts_for(Permission.MONITORING_MANAGE):
        raise NotFoundError("Questo contratto non c'è.")
    with runtime.database.begin(scope) as session:
        one, today = _on(session, contract_id), queries.today(session)
    return page(
        request, "monitoring/one.html", visit.language, visit=visit, csrf=visit.csrf_token, one=one,
        kinds=tuple(AgreementKind), uses=tuple(Use), today=today, usual_months=USUAL_MONTHS,
    )  # fmt: skip


@router.post("/monitoring/{contract_id}")
def enter(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, fields: TypedDep,
    document: Annotated[UploadFile | None, File()] = None,
) -> Response:  # fmt: skip
    """A version of a contract's agreement."""
    content = document.file.read(service.MOST_BYTES + 1) if document is not None else b""
    entered = _entered(fields, content)
    runtime.database.transact(
        visit.granted_scope(Permission.MONITORING_MANAGE),
        lambda session: service.enter(session, visit.principal, contract_id=contract_id, entered=entered),
    )
    return shown_anew(translations(visit.language).gettext("Accordo inserito."), at=f"/monitoring/{contract_id}")


@router.post("/monitoring/agreements/{agreement_id}/withdraw")
def withdraw(
    runtime: RuntimeDep, visit: ChangeDep, agreement_id: int, because: Annotated[str, Form()] = ""
) -> Response:
    """It holds no longer; whoever listens goes with it."""

    def work(session: Session) -> None:
        contract_id = service.withdraw(session, visit.principal, agreement_id=agreement_id, because=because)
        supervision.end_locked(session, contract_id)

    runtime.database.transact(visit.granted_scope(Permission.MONITORING_MANAGE), work)
    return shown_anew(translations(visit.language).gettext("Revocato: da adesso tutto è di nuovo bloccato."))


@router.get("/monitoring/agreements/{agreement_id}/document")
def document(runtime: RuntimeDep, visit: VisitDep, agreement_id: int) -> Response:
    """The document, for whoever enters it and whoever works under it."""
    with runtime.database.begin(Scope.nothing()) as session:
        content = queries.document(session, visit.principal, agreement_id=agreement_id)
    headers = {"content-disposition": f'attachment; filename="accordo-{agreement_id}.pdf"', "cache-control": "no-store"}
    return Response(content, media_type=PDF, headers=headers)


@router.post("/me/monitoring/{agreement_id}/read")
def confirm(runtime: RuntimeDep, visit: ChangeDep, agreement_id: int) -> Response:
    """A worker has read what may be watched."""
    runtime.database.transact(
        Scope.nothing(), lambda session: service.confirm(session, visit.principal, agreement_id=agreement_id)
    )
    return shown_anew(translations(visit.language).gettext("Grazie: è scritto che l'hai letta."))


def _on(session: Session, contract_id: int) -> OnContract:
    found, today = queries.versions(session, contract_id), queries.today(session)
    counts = queries.in_force(session, contract_id)
    workers = set(access.able(session, Permission.CALLS_ANSWER, contract_id=contract_id))
    read = workers & set(queries.readers(session, counts.id)) if counts else set()
    return OnContract(
        contract_id, enti.contract_name(session, contract_id), {use: locked(found, use, today) for use in Use}, counts,
        len(read), len(workers), queries.history(session, contract_id),
    )  # fmt: skip


def _entered(fields: dict[str, str], content: bytes) -> Entered:
    """What somebody typed. Raises `InvalidError`, field by field."""
    wrong: list[InvalidError] = []

    def day(name: str) -> date:
        try:
            return day_of(fields.get(name, ""))
        except ValueError:
            wrong.append(InvalidError("Scrivi la data come giorno, mese e anno.", field=name))
            return date.max

    kind = fields.get("kind", "")
    if kind not in set(AgreementKind):
        wrong.append(InvalidError("Scegli se è un accordo o un'autorizzazione.", field="kind"))
        kind = AgreementKind.UNION
    months = fields.get("keep_months", "").strip()
    entered = Entered(
        AgreementKind(kind), day("signed_on"), " ".join(fields.get("reference", "").split()),
        service.parse_uses([one.value for one in Use if fields.get(f"use-{one.value}")]), day("valid_from"),
        day("valid_until") if fields.get("valid_until", "").strip() else None, fields.get("told", "").strip(),
        int(months) if months.isascii() and months.isdigit() and len(months) < 4 else 0, content,
    )  # fmt: skip
    if wrong:
        told = {one.field for one in wrong}
        undated = set() if told == {"kind"} else DATES  # nothing is said of days while one is missing
        others = [one for one in service.problems(entered, date.max) if one.field not in told | undated]
        raise InvalidError("Controlla i campi segnati.", parts=wrong + others)
    return entered
