"""What a campaign writes by SMS and e-mail: its texts, a look at them on real contacts, what became of them."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core.db import Scope
from crm.core.errors import InvalidError
from crm.enti import queries as enti
from outbound.campaigns import plan as plans
from outbound.campaigns import queries as campaigns
from outbound.campaigns import running, spending
from outbound.campaigns.lifecycle import Deed, State, may
from outbound.campaigns.plan import DIGITAL, Phase
from outbound.compliance.rules import Written
from outbound.messages import preview as previews
from outbound.messages import queries, service, text
from outbound.messages.cost import CENT, UNIT, Tally
from outbound.messages.service import Outreach
from outbound.messages.text import TELLING, Field, Words
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep

router = APIRouter(prefix="/campaigns/{campaign_id}/messages", include_in_schema=False)
_PRICE = re.compile(r"\d{1,3}([.,]\d{1,4})?")


async def typed(request: Request) -> dict[str, str]:
    """All fields of the form."""
    sent = await request.form()
    return {name: value for name, value in sent.items() if isinstance(value, str)}


TypedDep = Annotated[dict[str, str], Depends(typed)]


@router.get("")
def messages(request: Request, runtime: RuntimeDep, visit: VisitDep, campaign_id: int) -> Response:
    """What a campaign writes, to whom, and how it goes."""
    with runtime.database.begin(_scope(visit)) as session:
        context = _shown(session, visit, campaign_id)
    return page(
        request, "outreach/messages.html", visit.language, visit=visit, csrf=visit.csrf_token, prices=_as_typed,
        told=_length, fields=Field, telling=TELLING, **context,
    )  # fmt: skip


@router.post("")
def write(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, fields: TypedDep) -> Response:
    """Write the texts of a draft."""

    def work(session: Session) -> None:
        plan = campaigns.one(session, campaign_id).plan
        outreach = _outreach(plan, fields)
        service.write(
            session, visit.principal, campaign_id=campaign_id, outreach=outreach, public_url=runtime.settings.public_url
        )

    runtime.database.transact(visit.scope(Permission.CAMPAIGN_MANAGE), work)
    return shown_anew(
        translations(visit.language).gettext("Salvati: sotto vedi come arrivano."),
        at=f"/campaigns/{campaign_id}/messages",
    )


@router.post("/length/{phase}")
def length(visit: ChangeDep, phase: Phase, fields: TypedDep) -> Response:
    """How long an SMS is as it is being typed."""
    visit.principal.require(Permission.CAMPAIGN_MANAGE)
    words = Words(body=_plain(fields.get(f"{Written.SMS}-{phase}-body", "")[: text.LONGEST_BODY]))
    return HTMLResponse(fragment("outreach/_length.html", visit.language, **_length(words)))


@router.get("/now")
def now(runtime: RuntimeDep, visit: VisitDep, campaign_id: int) -> Response:
    """How it goes, anew."""
    with runtime.database.begin(_scope(visit)) as session:
        context = _shown(session, visit, campaign_id)
    return HTMLResponse(fragment("outreach/_now.html", visit.language, visit=visit, **context))


@router.get("/preview/{channel}/{phase}")
def preview(runtime: RuntimeDep, visit: VisitDep, campaign_id: int, channel: Written, phase: Phase) -> Response:
    """A text on real contacts: five messages, what all come to, and who is left out."""

    def work(session: Session) -> previews.Preview:
        return previews.preview(
            session, visit.principal, campaign_id=campaign_id, channel=channel, phase=phase,
            public_url=runtime.settings.public_url,
        )  # fmt: skip

    seen = runtime.database.transact(_scope(visit), work)
    return HTMLResponse(
        fragment("outreach/_preview.html", visit.language, seen=seen, channel=channel, phase=phase, euros=_euros)
    )


def _scope(visit: Visit) -> Scope:
    """Of whoever runs campaigns, or decides about them for an ente."""
    manages = visit.principal.can(Permission.CAMPAIGN_MANAGE)
    return visit.scope(Permission.CAMPAIGN_MANAGE if manages else Permission.CAMPAIGN_APPROVE)


def _shown(session: Session, visit: Visit, campaign_id: int) -> dict[str, Any]:
    found = campaigns.one(session, campaign_id)
    manages = visit.principal.can(Permission.CAMPAIGN_MANAGE)
    became = queries.became(session, campaign_id)
    spent = sum(one.tally.cost for one in became.values())
    whole = spending.cost(session, running.get(session, campaign_id))
    budget = found.plan.budget_cents
    cheapest = min((found.plan.prices.get(one, 0) for one in found.plan.written), default=0)
    return {
        "one": found, "ente": enti.badges(session)[found.ente_id], "manages": manages, "euros": _euros,
        "writes": manages and found.state is State.DRAFT, "running": found.state is State.RUNNING,
        "pauses": manages and may(found.state, Deed.PAUSE), "resumes": manages and may(found.state, Deed.RESUME),
        "became": {one: became[one] for one in DIGITAL if one in became}, "spent": Tally(cost=spent),
        "broke": budget is not None and budget * CENT - whole < max(cheapest, 1), "lacks": plans.missing(found.plan),
    }  # fmt: skip


def _length(words: Words) -> dict[str, Any]:
    return {"measured": text.length(words), "costly": text.costly(words), "most": text.MOST_SEGMENTS}


def _outreach(plan: plans.Plan, fields: Mapping[str, str]) -> Outreach:
    """The form; what the plan has of channels and phases that it does not show stays. Raises `InvalidError`."""
    wrong: list[InvalidError] = []
    messages = {channel: dict(by_phase) for channel, by_phase in plan.messages.items()}
    prices = dict(plan.prices)
    for channel in plan.written:
        for phase in plan.phases:
            words = Words(**{part: _plain(fields.get(f"{channel}-{phase}-{part}", "")) for part in PARTS[channel]})
            messages.setdefault(channel, {})[phase] = words
        price = fields.get(f"price-{channel}", "").strip()
        if price and not _PRICE.fullmatch(price):
            wrong.append(InvalidError("Scrivi il prezzo in euro, come 0,0365.", field=f"price-{channel}"))
        elif price:
            prices[channel] = int(Decimal(price.replace(",", ".")) * UNIT)
        else:
            prices.pop(channel, None)
    week = fields.get("written_a_week", "").strip()
    if not week.isdecimal() or len(week) > 2:
        wrong.append(InvalidError("Scrivi un numero intero.", field="written_a_week"))
    if wrong:
        raise InvalidError("Qualcosa non si legge.", parts=wrong)
    return Outreach(messages, prices, int(week), consent_to_messages="consent" in fields)


PARTS = {Written.SMS: ("body",), Written.EMAIL: ("subject", "body", "telling")}


def _plain(typed_text: str) -> str:
    """Lines end as everywhere."""
    return typed_text.replace("\r\n", "\n").strip()


def _as_typed(price: int | None) -> str:
    """A price as people write it: 0,0365."""
    return "" if price is None else f"{Decimal(price) / UNIT:f}".replace(".", ",")


def _euros(tally: Tally) -> int:
    """A cost in cents, for the page."""
    return tally.cents
