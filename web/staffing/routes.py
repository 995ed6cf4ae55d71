"""The supervisor's pages of forecasts and of extra operators."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.errors import FieldError, NotFoundError
from crm.enti import queries as enti
from telephony.staffing import queries, service
from telephony.staffing.forecast import NOTHING, QUARTERS
from telephony.staffing.known_days import Kind
from telephony.staffing.need import Basis
from web.edge.answers import shown_anew
from web.edge.fields import day_of, id_of
from web.edge.i18n import translations
from web.edge.spreadsheets import csv_answer
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.staffing import view
from web.staffing.view import WhatIf
from web.wiring import Runtime

router = APIRouter(prefix="/staffing", include_in_schema=False)
Box = Annotated[str, Form()]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which contract and which day, as an address says them."""

    contract: str = ""
    day: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What is tried, as its form has it."""

    calls: str = ""
    handling: str = ""
    share: str = ""
    within: str = ""
    shrinkage: str = ""
    occupancy: str = ""

    def read(self) -> WhatIf:
        told = {name: id_of(text.strip()) for name in self.__slots__ if (text := getattr(self, name))}
        return WhatIf(**{name: value for name, value in told.items() if value is not None})


AskedDep = Annotated[Asked, Depends(Asked)]
TriedDep = Annotated[Tried, Depends(Tried)]


def contract_of(visit: Visit, asked: str) -> int | None:
    """The contract that an address names, else the first that the visitor plans; none where there is none.

    Raises `NotFoundError` for one that he does not plan.
    """
    visit.principal.require(Permission.STAFFING_PLAN)
    ours = sorted(visit.principal.contracts_for(Permission.STAFFING_PLAN))
    if not asked:
        return ours[0] if ours else None
    found = id_of(asked)
    if found not in ours:
        raise NotFoundError("Questo contratto non c'è.")
    return found


def names(session: Session, visit: Visit) -> dict[int, str]:
    """The contracts that the visitor plans."""
    ours = visit.principal.contracts_for(Permission.STAFFING_PLAN)
    return {one: enti.contract_name(session, one) for one in sorted(ours)}


def day_in(text: str, usual: date) -> date:
    """A day as an address says it. Raises `FieldError`."""
    try:
        return day_of(text) if text else usual
    except ValueError:
        raise FieldError("Scrivi la data come giorno, mese e anno.", "day") from None


@router.get("")
def staffing(request: Request, runtime: RuntimeDep, visit: VisitDep, asked: AskedDep) -> Response:
    """What is expected, what it takes, how far earlier forecasts were off, extra operators."""
    contract_id = contract_of(visit, asked.contract)
    context: dict[str, Any] = {"contract_id": contract_id}
    with runtime.database.begin(visit.scope(Permission.STAFFING_PLAN)) as session:
        today = clock.business_day(clock.now(session))
        on = day_in(asked.day, today)
        context |= {"contracts": names(session, visit), "on": on, "now": clock.now(session)}
        if contract_id is not None:
            context |= {
                "all": view.overview(session, contract_id), "made_at": queries.made_at(session, contract_id),
                "shown": _day(session, contract_id, on, WhatIf()),
                "written": queries.written_days(session, contract_id, today - timedelta(days=20)),
                "setting": queries.setting(session, contract_id), "kinds": tuple(Kind),
            }  # fmt: skip
    return page(request, "staffing/page.html", visit.language, visit=visit, csrf=visit.csrf_token, **context)


@router.get("/need")
def need(runtime: RuntimeDep, visit: VisitDep, asked: AskedDep, tried: TriedDep) -> Response:
    """The day's need anew, by what is tried. Nothing is kept."""
    contract_id = contract_of(visit, asked.contract)
    if contract_id is None:
        raise NotFoundError("Questo contratto non c'è.")
    with runtime.database.begin(visit.scope(Permission.STAFFING_PLAN)) as session:
        on = day_in(asked.day, clock.business_day(clock.now(session)))
        shown = _day(session, contract_id, on, tried.read())
    return HTMLResponse(fragment("staffing/_day.html", visit.language, shown=shown, contract_id=contract_id))


@router.get("/need.csv")
def download(runtime: RuntimeDep, visit: VisitDep, asked: AskedDep) -> Response:
    """The day's quarter hours, for a spreadsheet."""
    contract_id = contract_of(visit, asked.contract)
    if contract_id is None:
        raise NotFoundError("Questo contratto non c'è.")
    with runtime.database.begin(visit.scope(Permission.STAFFING_PLAN)) as session:
        on = day_in(asked.day, clock.business_day(clock.now(session)))
        shown, *_ = _day(session, contract_id, on, WhatIf())
    words = translations(visit.language)
    head = [
        words.gettext("Ora"),
        words.gettext("Previste"),
        words.gettext("Da"),
        words.gettext("A"),
        "Erlang C",
        "Erlang A",
    ]
    head += [words.gettext("Da mettere in turno"), words.gettext("In turno")]
    rows = (
        (one.at, round(one.expected, 1), round(one.low, 1), round(one.high, 1), one.need.by_c, one.need.by_a,
         one.need.plan, one.planned)
        for one in shown.quarters
    )  # fmt: skip
    return csv_answer(f"need-{on.isoformat()}.csv", head, rows)


def _day(session: Session, contract_id: int, on: date, tried: WhatIf) -> tuple[view.DayView, Basis, bool]:
    """A day's need, by what it is reckoned, and whether anything was foretold of it."""
    found = queries.forecasts(session, contract_id, on, on)
    basis, told = tried.applied(queries.basis(session, contract_id), found.get(on, NOTHING))
    there = view.planned(session, contract_id, on, on).get(on, [0] * QUARTERS)
    return view.day_view(on, told, basis, there), basis, on in found


@router.post("/{contract_id}/forecast")
def make(runtime: RuntimeDep, visit: ChangeDep, contract_id: int) -> Response:
    """The forecast anew, with what came in until now."""
    visit.principal.require(Permission.STAFFING_PLAN, contract_id=contract_id)
    made = _change(runtime, visit, lambda session: service.make(session, contract_id=contract_id))
    words = translations(visit.language)
    return shown_anew(
        words.gettext("Previsione rifatta.") if made else words.gettext("Non ci sono ancora chiamate da cui prevedere.")
    )


@router.post("/{contract_id}/days")
def know_day(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, day: Box = "", kind: Box = "", name: Box = ""
) -> Response:  # fmt: skip
    """A due date, or notices that arrive."""
    known = next((one for one in Kind if one.value == kind), None)
    if known is None:
        raise FieldError("Scegli che cosa succede.", "kind")
    on = day_in(day, date.min)
    if on == date.min:
        raise FieldError("Scrivi la data come giorno, mese e anno.", "day")
    _change(
        runtime, visit,
        lambda session: service.know_day(
            session, visit.principal, contract_id=contract_id, day=on, kind=known, name=name
        ),
    )  # fmt: skip
    return _saved(visit)


@router.post("/days/{known_id}/forget")
def forget_day(runtime: RuntimeDep, visit: ChangeDep, known_id: int) -> Response:
    """Take it back."""
    _change(runtime, visit, lambda session: service.forget_day(session, visit.principal, known_id=known_id))
    return _saved(visit)


@router.post("/{contract_id}/basis")
def set_basis(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, shrinkage: Box = "", occupancy: Box = "",
    handling: Box = "",
) -> Response:  # fmt: skip
    """By what the need is reckoned."""
    shares = [_share(shrinkage, "shrinkage"), _share(occupancy, "occupancy")]
    if handling.strip() and id_of(handling.strip()) is None:
        raise FieldError("Scrivi i secondi, da 10 a 3600, o lascia vuoto.", "handling")
    _change(
        runtime, visit,
        lambda session: service.set_basis(
            session, visit.principal, contract_id=contract_id, shrinkage=shares[0], occupancy=shares[1],
            handling_s=id_of(handling.strip()),
        ),
    )  # fmt: skip
    return _saved(visit)


@router.post("/{contract_id}/reinforcements/{due_on}")
def decide(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, due_on: date, accepted: Annotated[bool, Form()] = False,
    reason: Box = "",
) -> Response:  # fmt: skip
    """Accept extra operators as they are proposed now, or refuse them."""
    visit.principal.require(Permission.STAFFING_PLAN, contract_id=contract_id)

    def work(session: Session) -> None:
        found = view.overview(session, contract_id).proposed
        proposal = next((one for one in found if one.due_on == due_on), None)
        if proposal is None:
            raise NotFoundError("Questa proposta non c'è più: ricarica la pagina.")
        service.decide(
            session, visit.principal, contract_id=contract_id, proposal=proposal, accepted=accepted, reason=reason
        )

    _change(runtime, visit, work)
    return _saved(visit)


def _change(runtime: Runtime, visit: Visit, work: Any) -> Any:
    return runtime.database.transact(visit.scope(Permission.STAFFING_PLAN), work)


def _saved(visit: Visit) -> Response:
    return shown_anew(translations(visit.language).gettext("Salvato."))


def _share(text: str, field: str) -> Decimal:
    try:
        return Decimal(text.strip().replace(",", ".")) / 100
    except InvalidOperation:
        raise FieldError("Scrivi una percentuale.", field) from None
