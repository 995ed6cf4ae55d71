"""Which debts a case is about, changed on its page."""

from typing import Annotated

from fastapi import APIRouter, Form, Response

from crm.access.permissions import Permission
from crm.cases import concerning
from web.edge.visits import ChangeDep, RuntimeDep
from web.field.forms import told_anew

router = APIRouter(prefix="/cases", include_in_schema=False)
FieldText = Annotated[str, Form()]
Version = Annotated[int, Form()]


@router.post("/{case_id}/debts")
def debts(
    runtime: RuntimeDep, visit: ChangeDep, case_id: int, version: Version,
    references: Annotated[tuple[str, ...], Form()] = (), why: FieldText = "",
) -> Response:  # fmt: skip
    """It is about these debts."""
    runtime.database.transact(
        visit.scope(Permission.CASE_WORK),
        lambda session: concerning.change(
            session, visit.principal, case_id=case_id, version=version, references=references, why=why
        ),
    )
    return told_anew("Posizioni cambiate.", visit)


@router.post("/{case_id}/debts/named")
def named(
    runtime: RuntimeDep, visit: ChangeDep, case_id: int, version: Version, reference: FieldText = ""
) -> Response:  # fmt: skip
    """It is about a debt whose number he wrote, too."""
    runtime.database.transact(
        visit.scope(Permission.CASE_WORK),
        lambda session: concerning.add_named(
            session, visit.principal, case_id=case_id, version=version, reference=reference
        ),
    )
    return told_anew("Posizione aggiunta.", visit)
