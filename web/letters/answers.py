"""Letters that answer requests: what waits for the next batch, the batches, what the post says."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.enti import queries as enti
from outbound.letters import answers, queries, returning, service
from outbound.letters.postage import Prices, Weight
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.field.forms import TypedDep, told_anew
from web.letters.forms import FileField, prices, with_file

router = APIRouter(prefix="/letters/answers", include_in_schema=False)


@router.get("")
def every(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """Of all enti of the visitor."""
    scope = visit.scope(Permission.CAMPAIGN_MANAGE)

    def work(session: Session) -> dict[str, Any]:
        of = sorted(scope.enti or ())
        waiting, badges = answers.waiting(session, of), enti.badges(session, frozenset(of))
        found = queries.batches_of_answers(session, of)
        concerned = {one.ente_id for one in waiting} | {one.ente_id for one in found}
        return {
            "waiting": waiting, "badges": badges, "batches": found, "steps": Weight,
            "prices": {
                one.contract_id: queries.last_prices(session, one.contract_id) or Prices() for one in waiting
            },
            "returns": [(one, badges[one].name) for one in sorted(concerned)],
            "readings": [each for one in sorted(concerned) for each in queries.readings(session, one)],
            "now": clock.now(session),
        }  # fmt: skip

    with runtime.database.begin(scope) as session:
        context = work(session)
    return page(request, "letters/answers.html", visit.language, visit=visit, csrf=visit.csrf_token, **context)


@router.post("/{ente_id}/{contract_id}")
def ask(
    runtime: RuntimeDep, visit: ChangeDep, ente_id: int, contract_id: int, fields: TypedDep
) -> Response:  # fmt: skip
    """Have the letters made of those that wait for an ente."""

    def work(session: Session) -> int:
        return service.ask_answers(
            session, visit.principal, ente_id=ente_id, contract_id=contract_id, prices=prices(fields)[0],
            duplex=bool(fields.get("duplex")),
        )  # fmt: skip

    batch_id = runtime.database.transact(visit.scope(Permission.CAMPAIGN_MANAGE), work)
    return told_anew("Le lettere sono in preparazione.", visit, at=f"/letters/batches/{batch_id}")


@router.post("/{ente_id}/returns/file")
def receive(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, file: FileField) -> Response:
    """A file that says what became of an ente's letters; nothing of it is believed yet."""

    def work(path: Path) -> int:
        return runtime.database.transact(
            visit.scope(Permission.CAMPAIGN_MANAGE),
            lambda session: returning.receive(
                session, visit.principal, ente_id=ente_id, name=file.filename or "", path=path
            ),
        )

    reading_id = with_file(file, work)
    return told_anew("Letto: guarda che cosa dice, poi confermalo.", visit, at=f"/letters/returns/{reading_id}")
