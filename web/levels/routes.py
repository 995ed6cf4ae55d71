"""How the contracts' levels stand: for supervisors, administrators and the enti, each as far as his grants reach."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.enti import queries as enti
from crm.levels import remarks
from crm.levels.metrics import MetricName
from crm.levels.remarks import Step
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.levels.view import late_days, standings
from web.levels.watched import scope_of, watched

router = APIRouter(include_in_schema=False)


@router.get("/levels")
def levels(
    request: Request, runtime: RuntimeDep, visit: VisitDep, contract: int | None = None, begins: str = ""
) -> Response:
    """Each level of each contract, today and in a period; `begins` chooses the period of one `contract`."""
    scope = scope_of(visit)
    with runtime.database.begin(scope) as session:
        found = [
            standing
            for one, ente_id in watched(session, scope)
            if (standing := standings(session, one, ente_id=ente_id, begins=begins if one == contract else ""))
        ]
        badges = enti.badges(session, scope.enti)
        now = clock.now(session)
    return page(
        request, "levels/page.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found, badges=badges,
        now=now, manages=visit.principal.contracts_for(Permission.ENTE_MANAGE),
    )  # fmt: skip


@router.post("/levels/{contract_id}/remarks")
def remark(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, metric: Annotated[MetricName, Form()],
    subject: Annotated[str, Form(max_length=40)], leave_out: Annotated[bool, Form()] = False,
    text: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """A note on a call or a day over a limit, or the request to leave it out."""

    def work(session: Session) -> None:
        remarks.say(
            session, visit.principal, contract_id=contract_id, metric=metric, subject=subject, text=text,
            leave_out=leave_out, late=late_days,
        )  # fmt: skip

    runtime.database.transact(visit.scope(Permission.PENALTY_CONTEST), work)
    return shown_anew(translations(visit.language).gettext("Salvato."))


@router.post("/levels/remarks/{remark_id}/{step}")
def decide(
    runtime: RuntimeDep, visit: ChangeDep, remark_id: int, step: Step, reason: Annotated[str, Form()] = ""
) -> Response:
    """What becomes of a request."""
    needed = Permission.PENALTY_CONTEST if step is Step.WITHDRAW else Permission.PENALTY_DECIDE

    def work(session: Session) -> None:
        remarks.decide(session, visit.principal, remark_id=remark_id, step=step, reason=reason)

    runtime.database.transact(visit.scope(needed), work)
    return shown_anew(translations(visit.language).gettext("Salvato."))
