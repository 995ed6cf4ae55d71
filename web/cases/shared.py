"""Sharing cases out: who works on which topics, what would go to whom, and doing it."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.cases import owners, teams
from crm.cases.lifecycle import Topic
from crm.core.errors import FieldError
from crm.enti import queries as enti
from web.edge.answers import shown_anew
from web.edge.fields import id_of
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.field.forms import typed

router = APIRouter(prefix="/cases", include_in_schema=False)
TypedDep = Annotated[Mapping[str, str], Depends(typed)]


@router.get("/sharing")
def sharing(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """Of each contract: who works on cases, and who would get those that nobody has."""

    def work(session: Session) -> dict[str, Any]:
        contracts = []
        for contract_id in sorted(visit.principal.contracts_for(Permission.CASE_MANAGE)):
            lines, loads = owners.plan(session, visit.principal, contract_id=contract_id)
            contracts.append(
                {
                    "id": contract_id, "name": enti.contract_name(session, contract_id), "lines": lines,
                    "loads": loads, "workers": owners.workers(session, contract_id),
                    "teams": teams.of_contract(session, contract_id),
                }
            )  # fmt: skip
        return {"contracts": contracts, "topics": Topic, "most": owners.MOST}

    return page(
        request, "cases/sharing.html", visit.language, visit=visit, csrf=visit.csrf_token,
        **runtime.database.transact(visit.scope(Permission.CASE_MANAGE), work),
    )  # fmt: skip


@router.post("/sharing/{contract_id}")
def share(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, fields: TypedDep) -> Response:
    """Give the cases as the plan said, those that are still nobody's. `case-N` names who gets case N."""
    wanted = {
        case_id: user_id
        for name, value in fields.items()
        if name.startswith("case-")
        and (case_id := id_of(name.removeprefix("case-"))) is not None
        and (user_id := id_of(value)) is not None
    }
    given = runtime.database.transact(
        visit.scope(Permission.CASE_MANAGE),
        lambda session: owners.apply(session, visit.principal, contract_id=contract_id, wanted=wanted),
    )
    said = translations(visit.language).ngettext("%(n)s richiesta affidata.", "%(n)s richieste affidate.", given)
    return shown_anew(said % {"n": given})


@router.post("/workers/{contract_id}/{user_id}")
def worker(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, user_id: int,
    topics: Annotated[tuple[Topic, ...], Form()] = (), most: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """On which topics somebody works, and how many cases at once."""
    number = id_of(most.strip())
    if number is None:
        raise FieldError(f"Un numero intero, da 1 a {owners.MOST}.", "most")
    runtime.database.transact(
        visit.scope(Permission.CASE_MANAGE),
        lambda session: owners.set_worker(
            session, visit.principal, contract_id=contract_id, user_id=user_id, topics=topics, most=number
        ),
    )
    return shown_anew(translations(visit.language).gettext("Scritto."))


@router.post("/teams/of/{contract_id}")
def team(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, name: Annotated[str, Form()] = "",
    topics: Annotated[tuple[Topic, ...], Form()] = (), members: Annotated[tuple[int, ...], Form()] = (),
) -> Response:  # fmt: skip
    """A new one."""
    runtime.database.transact(
        visit.scope(Permission.CASE_MANAGE),
        lambda session: teams.make(
            session, visit.principal, contract_id=contract_id, name=name, topics=topics, members=members
        ),
    )
    return shown_anew(translations(visit.language).gettext("Squadra formata."))


@router.post("/teams/{team_id}")
def change_team(
    runtime: RuntimeDep, visit: ChangeDep, team_id: int, name: Annotated[str, Form()] = "",
    topics: Annotated[tuple[Topic, ...], Form()] = (), members: Annotated[tuple[int, ...], Form()] = (),
) -> Response:  # fmt: skip
    """Its name, its topics, and who is of it."""
    runtime.database.transact(
        visit.scope(Permission.CASE_MANAGE),
        lambda session: teams.change(
            session, visit.principal, team_id=team_id, name=name, topics=topics, members=members
        ),
    )
    return shown_anew(translations(visit.language).gettext("Scritto."))


@router.post("/teams/{team_id}/close")
def close_team(runtime: RuntimeDep, visit: ChangeDep, team_id: int) -> Response:
    """There is none such any more, of the enti that keep the visitor away neither."""
    runtime.database.transact(
        visit.granted_scope(Permission.CASE_MANAGE),
        lambda session: teams.close(session, visit.principal, team_id=team_id),
    )
    return shown_anew(translations(visit.language).gettext("Squadra sciolta."))
