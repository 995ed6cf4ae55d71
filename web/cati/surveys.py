"""A survey's page: its sample, quotas, outcomes, interviewers, refusals and verification; for whoever runs it."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.contacts import queries as people
from crm.contacts.models import PersonKind
from crm.core.db import Scope
from crm.core.errors import FieldError, NotFoundError
from crm.enti import queries as enti
from crm.positions.models import Tax
from outbound.campaigns import queries as campaigns
from outbound.cati import checking, drawing, figures, places, quota_setting, surveys
from outbound.cati.aapor import Cases, Rate, rates
from outbound.cati.models import Found
from outbound.cati.quotas import STRATUM, distance
from outbound.cati.sampling import Age, Allocation, By
from web.campaigns.routes import typed
from web.edge.answers import shown_anew
from web.edge.fields import id_of
from web.edge.i18n import translations
from web.edge.spreadsheets import csv_answer
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.edge.words import word_for

router = APIRouter(prefix="/campaigns/{campaign_id}/survey", include_in_schema=False)
MANAGE, EXPORT = Permission.CAMPAIGN_MANAGE, Permission.INTERVIEW_EXPORT
TypedDep = Annotated[dict[str, str], Depends(typed)]
TextField = Annotated[str, Form(max_length=200)]
MOST_SHOWN = 50  # refusals


@router.get("")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, campaign_id: int) -> Response:
    """All of it."""
    with runtime.database.begin(_scope(visit)) as session:
        found = _shown(session, visit, campaign_id)
        found |= _managed(session, visit, campaign_id) if found["manages"] else {}
    return _page(request, visit, "cati/survey.html", **found)


@router.get("/now")
def now(runtime: RuntimeDep, visit: VisitDep, campaign_id: int) -> Response:
    """Quotas and outcomes, as they are by now."""
    with runtime.database.begin(_scope(visit)) as session:
        found = _shown(session, visit, campaign_id)
    return HTMLResponse(fragment("cati/_survey.html", visit.language, visit=visit, **found))


@router.get("/cases.csv")
def as_csv(runtime: RuntimeDep, visit: VisitDep, campaign_id: int) -> Response:
    """A row for each case of the sample, with its weight and disposition, and nobody's name."""
    with runtime.database.begin(visit.scope(EXPORT)) as session:
        rows = list(figures.sheet(session, visit.principal, campaign_id=campaign_id))
    return csv_answer(f"cases-{campaign_id}.csv", figures.SHEET, rows)


@router.get("/rates.csv")
def sums(runtime: RuntimeDep, visit: VisitDep, campaign_id: int) -> Response:
    """How many cases stand how, and all rates with the e that was used."""
    with runtime.database.begin(visit.scope(EXPORT)) as session:
        rows = list(figures.sums(session, visit.principal, campaign_id=campaign_id))
    return csv_answer(f"rates-{campaign_id}.csv", figures.SUMS, rows)


@router.get("/sample")
def strata(request: Request, runtime: RuntimeDep, visit: VisitDep, campaign_id: int, by: str = "") -> Response:
    """The form that draws the sample, with the strata that a choice makes."""
    by = by or By.NOTHING.value
    with runtime.database.begin(visit.scope(MANAGE)) as session:
        found = _head(session, campaign_id)
        counts = drawing.populations(session, visit.principal, campaign_id=campaign_id, strata=by)
        columns = drawing.columns(session, campaign_id)
    say = translations(visit.language).gettext
    options = [(one.value, say(word_for(one))) for one in By] + [(one, one) for one in columns]
    return _page(
        request, visit, "cati/sample.html", **found, by=by, options=options, allocations=Allocation,
        strata=[(name, _said(visit, by, name), count) for name, count in counts.items()],
        everybody=sum(counts.values()),
    )  # fmt: skip


@router.post("/sample")
def draw(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, fields: TypedDep) -> Response:
    """Draw it."""
    allocation = fields.get("allocation", "")
    if allocation not in {one.value for one in Allocation}:
        raise NotFoundError("Questa scelta non esiste: ricarica la pagina.")
    spread = {name: _spread(text) for name, text in fields.items() if name.startswith("spread:") and text.strip()}

    def work(session: Session) -> None:
        drawing.draw(
            session, visit.principal, campaign_id=campaign_id, strata=fields.get("by", ""),
            allocation=Allocation(allocation), size=_whole(fields, "size"), reserves=_whole(fields, "reserves"),
            spread={name.removeprefix("spread:"): one for name, one in spread.items()},
        )  # fmt: skip

    runtime.database.transact(visit.scope(MANAGE), work)
    return _done(campaign_id, translations(visit.language).gettext("Campione estratto."))


@router.post("/release")
def release(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int) -> Response:
    """The next reserve."""
    runtime.database.transact(
        visit.scope(MANAGE), lambda session: drawing.release(session, visit.principal, campaign_id=campaign_id)
    )
    return _done(campaign_id, translations(visit.language).gettext("La riserva fa parte del campione."))


@router.get("/quotas")
def cells(
    request: Request, runtime: RuntimeDep, visit: VisitDep, campaign_id: int, first: str = "", second: str = ""
) -> Response:
    """The form of the quotas, by what is chosen; at first by what they are."""
    with runtime.database.begin(visit.scope(MANAGE)) as session:
        found = _head(session, campaign_id)
        known, written = quota_setting.offered(session, campaign_id), places.cells(session, campaign_id)
        titles = quota_setting.titles(session, campaign_id)
    if not first and written:
        first, second = written[0].first, written[0].second
    if second == STRATUM:
        first, second = second, first
    first, second = first if first in known else "", second if second in known and second != first else ""
    targets = {
        (one.value, one.second_value): one.target for one in written if (one.first, one.second) == (first, second)
    }
    names = [(one, titles.get(one, "")) for one in known]
    return _page(
        request, visit, "cati/quotas.html", **found, first=first, second=second, names=names, targets=targets,
        rows=known.get(first, ()), columns=known.get(second, ()) if second else (("", ""),),
    )  # fmt: skip


@router.post("/quotas")
def save(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, fields: TypedDep) -> Response:
    """Write them: a cell left empty has no limit."""
    targets: dict[tuple[str, str], int] = {}
    for name, text in fields.items():
        if name.startswith("cell:") and text.strip():
            _, value, other = (*name.split(":", 2), "")[:3]
            targets[value, other] = _whole(fields, name)

    def work(session: Session) -> None:
        quota_setting.save(
            session, visit.principal, campaign_id=campaign_id, first=fields.get("first", ""),
            second=fields.get("second", ""), targets=targets,
        )  # fmt: skip

    runtime.database.transact(visit.scope(MANAGE), work)
    return _done(campaign_id, translations(visit.language).gettext("Quote salvate."))


@router.post("/refusals/{contact_id}")
def convert(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, contact_id: int) -> Response:
    """Whoever refused may be asked once more."""
    runtime.database.transact(
        visit.scope(MANAGE),
        lambda session: surveys.convert(session, visit.principal, campaign_id=campaign_id, contact_id=contact_id),
    )
    return _done(campaign_id, translations(visit.language).gettext("Sarà richiamata da un altro intervistatore."))


@router.post("/checks")
def check(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, percent: TextField = "") -> Response:
    """Draw interviews to be verified."""
    count = runtime.database.transact(
        visit.scope(MANAGE),
        lambda session: checking.draw(session, visit.principal, campaign_id=campaign_id, percent=id_of(percent) or 0),
    )
    words = translations(visit.language)
    told = words.ngettext("%(num)s intervista da verificare.", "%(num)s interviste da verificare.", count)
    return _done(campaign_id, told % {"num": count})


# -- parts -------------------------------------------------------------------------------------------------------------


def _scope(visit: Visit) -> Scope:
    return visit.scope(MANAGE if visit.principal.can(MANAGE) else EXPORT)


def _head(session: Session, campaign_id: int) -> dict[str, Any]:
    surveys.get(session, campaign_id)
    found = campaigns.one(session, campaign_id)
    return {"one": found, "ente": enti.badges(session)[found.ente_id]}


def _shown(session: Session, visit: Visit, campaign_id: int) -> dict[str, Any]:
    found = _head(session, campaign_id)
    ente_id = found["one"].ente_id
    counted = figures.dispositions(session, campaign_id)
    written, drawn = places.cells(session, campaign_id), drawing.sample(session, campaign_id)
    known = quota_setting.offered(session, campaign_id)
    labels = {name: dict(pairs) for name, pairs in known.items()}
    return {
        **found, "cases": counted, "rates": rates(Cases.of(counted)), "all_rates": tuple(Rate),
        "modes": figures.by_mode(session, campaign_id),
        "sample": drawn, "of_strata": _said_of(visit, drawn.by if drawn else ""),
        "quotas": [
            (
                labels.get(one.first, {}).get(one.value, one.value),
                labels.get(one.second, {}).get(one.second_value, one.second_value), one,
                distance(one.target, one.taken),
            )
            for one in written
        ],
        "manages": ente_id in (_scope_of(visit, MANAGE)), "exports": ente_id in (_scope_of(visit, EXPORT)),
    }  # fmt: skip


def _managed(session: Session, visit: Visit, campaign_id: int) -> dict[str, Any]:
    waiting = surveys.refusals(session, campaign_id)
    names = people.named(session, [one.contact_id for one in waiting[:MOST_SHOWN]])
    staff = figures.interviewers(session, visit.principal, campaign_id=campaign_id)
    return {
        "refused": [(one, names.get(one.contact_id, "")) for one in waiting[:MOST_SHOWN]],
        "refused_in_all": len(waiting), "interviewers": staff, "checks": checking.counts(session, campaign_id),
        "found": Found,
    }  # fmt: skip


def _scope_of(visit: Visit, permission: Permission) -> frozenset[int]:
    return (visit.scope(permission).enti or frozenset()) if visit.principal.can(permission) else frozenset()


def _said_of(visit: Visit, by: str) -> Any:
    return lambda name: _said(visit, by, name)


def _said(visit: Visit, by: str, name: str) -> str:
    """A stratum's name in words."""
    say = translations(visit.language).gettext
    known: Mapping[str, Mapping[str, str]] = {
        By.KIND: {one.value: word_for(one) for one in PersonKind}, By.TAX: {one.value: word_for(one) for one in Tax},
        By.AGE: {one.value: word_for(one) for one in Age}, By.NOTHING: {"—": word_for(By.NOTHING)},
    }  # fmt: skip
    word = known.get(by, {}).get(name)
    return say(word) if word else name


def _whole(fields: Mapping[str, str], name: str) -> int:
    text = fields.get(name, "").strip() or "0"
    if (found := id_of(text)) is None:
        raise FieldError("Scrivi un numero intero.", name)
    return min(found, 2**31 - 1)


def _spread(text: str) -> Fraction:
    try:
        found = Fraction(text.strip().replace(",", ".")[:12])
    except (ValueError, ZeroDivisionError):
        raise FieldError("Scrivi un numero, come 1,5.", "allocation") from None
    if found < 0:
        raise FieldError("Scrivi un numero, come 1,5.", "allocation")
    return found


def _done(campaign_id: int, told: str) -> Response:
    return shown_anew(told, at=f"/campaigns/{campaign_id}/survey")


def _page(request: Request, visit: Visit, template: str, **context: Any) -> Response:
    return page(request, template, visit.language, visit=visit, csrf=visit.csrf_token, **context)
