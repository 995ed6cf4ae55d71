"""Campaigns' pages: all of them, one, its plan, what is done to it; and the agent's, who calls the next one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import ConflictError, FieldError, InvalidError
from crm.enti import queries as enti
from crm.enti.hours import DAYS
from outbound.campaigns import contacts, queries, running, sequence, service, spending
from outbound.campaigns import plan as plans
from outbound.campaigns.contacts import Chosen
from outbound.campaigns.lifecycle import Deed, State
from outbound.campaigns.models import ContactState, Skip
from outbound.campaigns.plan import Channel, Mode, Order, Phase, Plan, Purpose, Retry, Step
from outbound.campaigns.queries import CampaignView
from outbound.cati import queries as questionnaires
from outbound.compliance.calls import opens
from outbound.compliance.rules import Verdict
from outbound.dialer import calling, fit
from outbound.dialer import queries as dialer
from outbound.lists import queries as lists
from outbound.lists.models import ListState
from telephony.agents import queries as agents
from telephony.ivr.languages import Language
from telephony.lines import queries as phone_lines
from telephony.queues import queries as queues
from web.edge.answers import NO_CONTENT, shown_anew
from web.edge.fields import id_of
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.edge.words import word_for
from web.outcomes import rules as outcome_rules
from web.wiring import Runtime

E = TypeVar("E", bound=StrEnum)
router = APIRouter(include_in_schema=False)
TextField = Annotated[str, Form(max_length=400)]


async def typed(request: Request) -> dict[str, str]:
    """All fields of the form."""
    sent = await request.form()
    return {name: value for name, value in sent.items() if isinstance(value, str)}


OFFERED = (Channel.SMS, Channel.EMAIL, Channel.CALL, Channel.LETTER, Channel.VISIT)  # steps that a plan may have
SHOWN = (ContactState.DONE, ContactState.CLAIMED, ContactState.READY, ContactState.LATER, ContactState.OUT)
CENTS = 100
TypedDep = Annotated[dict[str, str], Depends(typed)]


@router.get("/campaigns")
def all_of_them(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The campaigns that the visitor runs, or decides about."""
    with runtime.database.begin(_scope(visit)) as session:
        found, badges = queries.campaigns(session), enti.badges(session)
    return _page(request, visit, "campaigns/all.html", campaigns=found, badges=badges)


@router.get("/campaigns/new")
def new(request: Request, runtime: RuntimeDep, visit: VisitDep, list_id: int = 0) -> Response:
    """The form of a new one: its name, and the list of those whom it is about."""
    with runtime.database.begin(visit.scope(Permission.CAMPAIGN_MANAGE)) as session:
        ready = [one for one in lists.lists(session, visit.principal) if one.state is ListState.READY]
        badges = enti.badges(session)
        several = sorted(
            {
                contract
                for ente_id in {one.ente_id for one in ready}
                if len(its := enti.contracts_of(session, ente_id)) > 1
                for contract in its
            }
        )
        contracts = [(str(one), enti.contract_name(session, one)) for one in several]
    options = [(str(one.id), f"{one.name} ({badges[one.ente_id].name})") for one in ready]
    return _page(
        request, visit, "campaigns/new.html", options=options, chosen=str(list_id or ""), contracts=contracts
    )  # fmt: skip


@router.post("/campaigns/new")
def begin(
    runtime: RuntimeDep, visit: ChangeDep, name: TextField = "", list_id: TextField = "", contract: TextField = ""
) -> Response:
    """Begin to write it."""

    def work(session: Session) -> int:
        if (chosen := id_of(list_id)) is None:
            raise FieldError("Scegli una lista.", "list_id")
        ente_id = lists.one(session, visit.principal, chosen).ente_id
        covering = enti.contracts_of(session, ente_id)
        contract_id = next(iter(covering)) if len(covering) == 1 else id_of(contract)
        if contract_id is None:
            raise FieldError("Questo ente è servito da più contratti: scegli per quale si chiama.", "contract")
        return service.begin(
            session, visit.principal, ente_id=ente_id, contract_id=contract_id, list_id=chosen, name=name
        )

    campaign_id = runtime.database.transact(visit.scope(Permission.CAMPAIGN_MANAGE), work)
    return shown_anew(
        translations(visit.language).gettext("Ora scrivi che cosa fa."), at=f"/campaigns/{campaign_id}/edit"
    )


@router.get("/campaigns/{campaign_id}")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, campaign_id: int) -> Response:
    """A campaign: what it does, how far it has come, and whether those it has would be called now."""
    with runtime.database.begin(_scope(visit)) as session:
        context = _shown(session, visit, campaign_id)
    return _page(request, visit, "campaigns/one.html", **context)


@router.get("/campaigns/{campaign_id}/now")
def now(runtime: RuntimeDep, visit: VisitDep, campaign_id: int) -> Response:
    """The same, as it goes on."""
    with runtime.database.begin(_scope(visit)) as session:
        context = _shown(session, visit, campaign_id)
    return HTMLResponse(fragment("campaigns/_one.html", visit.language, visit=visit, **context))


@router.get("/campaigns/{campaign_id}/edit")
def edit(request: Request, runtime: RuntimeDep, visit: VisitDep, campaign_id: int) -> Response:
    """The form of its plan."""
    with runtime.database.begin(visit.scope(Permission.CAMPAIGN_MANAGE)) as session:
        found = queries.one(session, campaign_id)
        badge = enti.badges(session)[found.ente_id]
        their = queues.queues(session, frozenset({found.contract_id}))
        numbers = [
            line
            for line in phone_lines.all_lines(session)
            if line.contract_id == found.contract_id and line.ente_id in {None, found.ente_id}
        ]
        forms = questionnaires.usable(session, contract_id=found.contract_id, ente_id=found.ente_id)
    return _page(
        request, visit, "campaigns/edit.html", one=found, ente=badge, plan=found.plan, modes=Mode, purposes=Purpose,
        phases=Phase, orders=Order, offered=OFFERED, changeable=plans.CHANGEABLE,
        outcome=outcome_rules.shown(found.plan.outcomes), most_steps=plans.MOST_STEPS,
        queue_options=[(str(queue.id), queue.name) for queue in their],
        languages=[one for one in Language if one.value in plans.SPOKEN],
        form_options=[(str(form.id), form.title) for form in forms],
        line_options=[(line.number, f"{line.label} {line.number}") for line in numbers],
    )  # fmt: skip


@router.post("/campaigns/{campaign_id}/edit")
def write(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, fields: TypedDep) -> Response:
    """Write its plan."""

    def work(session: Session) -> None:
        plan = _written(queries.one(session, campaign_id).plan, fields)
        service.write(session, visit.principal, campaign_id=campaign_id, name=fields.get("name", ""), plan=plan)

    runtime.database.transact(visit.scope(Permission.CAMPAIGN_MANAGE), work)
    return shown_anew(translations(visit.language).gettext("Salvata."), at=f"/campaigns/{campaign_id}")


@router.post("/campaigns/{campaign_id}/clone")
def clone(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int) -> Response:
    """Begin another one with the same plan."""
    catalogue = translations(visit.language)

    def work(session: Session) -> int:
        name = catalogue.gettext("%(name)s (copia)") % {"name": queries.one(session, campaign_id).name}
        return service.clone(session, visit.principal, campaign_id=campaign_id, name=name[: service.LONGEST_NAME])

    made = runtime.database.transact(visit.scope(Permission.CAMPAIGN_MANAGE), work)
    return shown_anew(catalogue.gettext("Questa è la copia: cambia ciò che serve."), at=f"/campaigns/{made}/edit")


@router.post("/campaigns/{campaign_id}/{deed}")
def act(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, deed: Deed, reason: TextField = "") -> Response:
    """Do something to it."""
    state = runtime.database.transact(
        _scope(visit),
        lambda session: service.act(session, visit.principal, campaign_id=campaign_id, deed=deed, reason=reason),
    )
    at = f"/campaigns/{campaign_id}/edit" if deed is Deed.CHANGE else f"/campaigns/{campaign_id}"
    catalogue = translations(visit.language)
    return shown_anew(catalogue.gettext(_SAID[state]), at=at)


_SAID = {
    State.DRAFT: "È di nuovo una bozza.", State.SUBMITTED: "L'ente la vede, e decide.",
    State.APPROVED: "Approvata: si può avviare.", State.RUNNING: "È in corso.", State.PAUSED: "È in pausa.",
    State.STOPPED: "Fermata: nessuno viene più chiamato.", State.ENDED: "Conclusa.",
}  # fmt: skip


# -- the agent's --------------------------------------------------------------------------------------------------


@router.get("/calling")
def desk(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The campaigns for which the visitor may call now."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        running = [one for one in queries.campaigns(session) if one.state is State.RUNNING]
        badges = enti.badges(session)
        ways = dialer.ways(session, [one.id for one in running])
        part = dialer.part_of(session, visit.principal.user_id)
        before = calling.before_him(session, visit.principal)
        card = {"card": None, "nobody": False} if before is None else _card(session, visit, *before)
        lacks = {one.id: fit.lack_of(session, one.id, visit.principal.user_id) for one in running}
    return _page(
        request, visit, "campaigns/calling.html", campaigns=running, badges=badges, ways=ways, part=part,
        lacks=lacks, skips=Skip, **card,
    )  # fmt: skip


@router.post("/calling/{campaign_id}/next")
def take(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int) -> Response:
    """Claim the next one."""

    def work(session: Session) -> dict[str, Any]:
        chosen = calling.next_contact(session, visit.principal, campaign_id=campaign_id)
        if chosen is None:
            its = running.get(session, campaign_id)
            at = clock.now(session)
            opens_at = opens(its.rules, at)
            more = sequence.waiting(session, campaign=its, channel=Channel.CALL, limit=1, now=at)
            return {
                "card": None, "nobody": True, "opens_at": None if opens_at == at else opens_at, "more": bool(more)
            }  # fmt: skip
        return _card(session, visit, campaign_id, chosen)

    context = runtime.database.transact(visit.scope(Permission.CALLS_ANSWER), work)
    return HTMLResponse(fragment("campaigns/_card.html", visit.language, visit=visit, skips=Skip, **context))


@router.post("/calling/{campaign_id}/{contact_id}/check")
def check(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, contact_id: int) -> Response:
    """While he is looked at the gestionale is asked about him: what it says is on the card."""
    _ask(runtime, visit, campaign_id, contact_id)

    def work(session: Session) -> dict[str, Any]:
        seen = calling.look(session, visit.principal, campaign_id=campaign_id, contact_id=contact_id)
        if not seen.verdict.allowed:
            return {"card": None, "refused": seen.verdict, "nobody": False, "again": campaign_id}
        return {**_card(session, visit, campaign_id, seen), "asks": False}  # asked in vain, he is judged without

    context = runtime.database.transact(visit.scope(Permission.CALLS_ANSWER), work)
    return HTMLResponse(fragment("campaigns/_card.html", visit.language, visit=visit, skips=Skip, **context))


def _ask(runtime: Runtime, visit: Visit, campaign_id: int, contact_id: int) -> None:
    """The gestionale is asked about somebody whom the visitor has claimed, unless it was just now."""
    ente_id = runtime.database.transact(
        visit.scope(Permission.CALLS_ANSWER),
        lambda session: contacts.unasked(session, visit.principal, campaign_id=campaign_id, contact_id=contact_id),
    )
    if ente_id is not None:
        runtime.lookups.ask(ente_id=ente_id, contact_id=contact_id)


def _card(session: Session, visit: Visit, campaign_id: int, chosen: Chosen) -> dict[str, Any]:
    """Who is looked at, and whether the gestionale is still to be asked about him."""
    found, now = queries.one(session, campaign_id), clock.now(session)
    (his,) = queries.named(session, {chosen.contact_id: chosen.verdict})
    asks = contacts.unasked(session, visit.principal, campaign_id=campaign_id, contact_id=chosen.contact_id)
    return {
        "card": his, "campaign": found, "ente": enti.badges(session)[found.ente_id], "until": chosen.until,
        "script": found.plan.scripts.get(found.plan.phase(clock.business_day(now)), ""), "nobody": False,
        "asks": asks is not None,
    }  # fmt: skip


@router.post("/calling/{campaign_id}/{contact_id}/call")
def call(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, contact_id: int) -> Response:
    """Call him, if the rules still allow it; without a telephone here, the console does once it has one."""
    _ask(runtime, visit, campaign_id, contact_id)

    def work(session: Session) -> tuple[str, Verdict]:
        who = visit.principal
        if agents.can_ring(session, who.user_id):
            return "/console", calling.call(session, who, campaign_id=campaign_id, contact_id=contact_id)[1]
        return "/console#call", calling.look(session, who, campaign_id=campaign_id, contact_id=contact_id).verdict

    at, verdict = runtime.database.transact(visit.scope(Permission.CALLS_ANSWER), work)
    if not verdict.allowed:
        return HTMLResponse(
            fragment(
                "campaigns/_card.html",
                visit.language,
                visit=visit,
                card=None,
                refused=verdict,
                nobody=False,
                again=campaign_id,
            )
        )
    return shown_anew(translations(visit.language).gettext("Rispondi: poi gli telefoniamo."), at=at)


@router.post("/calling/call")
def call_from_console(runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """Call whom he has before him, from the page that has the telephone: it stays open."""
    scope = visit.scope(Permission.CALLS_ANSWER)
    before = runtime.database.transact(scope, lambda session: calling.before_him(session, visit.principal))
    if before is None:
        raise ConflictError("Questo contatto non è più tuo: chiedi il prossimo.")
    campaign_id, his = before
    _ask(runtime, visit, campaign_id, his.contact_id)
    _, verdict = runtime.database.transact(
        scope,
        lambda session: calling.call(session, visit.principal, campaign_id=campaign_id, contact_id=his.contact_id),
    )
    if verdict.allowed:
        return Response(status_code=NO_CONTENT)
    catalogue = translations(visit.language)
    why = ", ".join(catalogue.gettext(word_for(one)) for one in dict.fromkeys(verdict.reasons))
    return shown_anew(f"{catalogue.gettext('Non si può chiamare:')} {why}", at="/calling")


@router.post("/calling/{campaign_id}/{contact_id}/leave")
def leave(
    runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, contact_id: int, why: TextField = ""
) -> Response:  # fmt: skip
    """Not him, for a reason."""
    reason = Skip(why) if why in {one.value for one in Skip} else None
    runtime.database.transact(
        visit.scope(Permission.CALLS_ANSWER),
        lambda session: calling.let_go(
            session, visit.principal, campaign_id=campaign_id, contact_id=contact_id, why=reason
        ),
    )
    return HTMLResponse(fragment("campaigns/_card.html", visit.language, visit=visit, card=None, nobody=False))


def _scope(visit: Visit) -> Scope:
    """Of whoever runs campaigns, or decides about them for an ente."""
    manages = visit.principal.can(Permission.CAMPAIGN_MANAGE)
    return visit.scope(Permission.CAMPAIGN_MANAGE if manages else Permission.CAMPAIGN_APPROVE)


def _enti(visit: Visit, permission: Permission) -> frozenset[int]:
    return (visit.scope(permission).enti or frozenset()) if visit.principal.can(permission) else frozenset()


def _shown(session: Session, visit: Visit, campaign_id: int) -> dict[str, Any]:
    found = queries.one(session, campaign_id)
    manages = found.ente_id in _enti(visit, Permission.CAMPAIGN_MANAGE)
    approves = found.ente_id in _enti(visit, Permission.CAMPAIGN_APPROVE)
    some = queries.first(session, campaign_id, of=found) if manages and found.state is not State.ENDED else []
    verdicts = contacts.explain(session, visit.principal, campaign_id=campaign_id, contact_ids=some) if some else {}
    its, its_plan = queries.versions(session, campaign_id), running.get(session, campaign_id)
    return {
        "one": found, "states": SHOWN, "refused": next((one.reason for one in its if one.approved is False), ""),
        "ente": enti.badges(session)[found.ente_id],
        "deeds": found.deeds(manages=manages, approves=approves),
        "progress": queries.progress(session, campaign_id), "versions": its,
        "spent": spending.cost(session, its_plan), "broke": not spending.pays_a_call(session, its_plan),
        "queue": _queue(session, found),
        "people": queries.named(session, verdicts), "manages": manages, "lacks": plans.missing(found.plan),
    }  # fmt: skip


def _queue(session: Session, found: CampaignView) -> str:
    """Whose operators call."""
    every = queues.queues(session, frozenset({found.contract_id}))
    return next((one.name for one in every if one.id == found.plan.queue_id), "")


def _written(was: Plan, fields: Mapping[str, str]) -> Plan:
    """The plan as the form has it; what the form does not show stays. Raises `InvalidError`."""
    wrong: list[InvalidError] = []

    def whole(name: str, usual: int | None) -> int | None:
        text = fields.get(name, "").strip()
        if not text:
            return usual
        if not text.isdecimal() or len(text) > 9:
            wrong.append(InvalidError("Scrivi un numero intero.", field=name))
            return usual
        return int(text)

    until = None
    if text := fields.get("voluntary_until", "").strip():
        try:
            until = date.fromisoformat(text)
        except ValueError:
            wrong.append(InvalidError("Scegli un giorno.", field="voluntary_until"))
    purpose = _member(Purpose, fields.get("purpose", ""), was.purpose)
    plan = replace(
        was, purpose=purpose, voluntary_until=until,
        level=whole("level", None), languages=tuple(one for one in plans.SPOKEN if fields.get(f"language-{one}")),
        form_id=id_of(fields.get("form_id", "")) if purpose is Purpose.SURVEY else None,
        by_web=bool(fields.get("by_web")) if "varies" in fields else was.by_web,
        by_ivr=bool(fields.get("by_ivr")) if "varies" in fields else was.by_ivr,
        vary_hours=bool(fields.get("vary_hours")) if "varies" in fields else was.vary_hours,
        conversion_days=whole("conversion_days", was.conversion_days) or 0,
        mode=_member(Mode, fields.get("mode", ""), was.mode), queue_id=id_of(fields.get("queue_id", "")),
        line=fields.get("line", ""), hours=_week(fields, "day"), business_hours=_week(fields, "business-day"),
        attempts=whole("attempts", was.attempts) or 0, attempts_a_day=whole("attempts_a_day", was.attempts_a_day) or 0,
        fresh_hours=whole("fresh_hours", was.fresh_hours) or 0, calls_an_hour=whole("calls_an_hour", None),
        budget_cents=euros * CENTS if (euros := whole("budget", None)) is not None else None,
        order=_member(Order, fields.get("order", ""), was.order),
        retries={
            one: Retry(
                whole(f"after-{one}", was.retries[one].after_minutes) or 0,
                whole(f"most-{one}", was.retries[one].most) or 0,
            )
            for one in plans.CHANGEABLE
        },
        scripts={phase: fields.get(f"script-{phase}", "").strip() for phase in Phase},
        outcomes=outcome_rules.written(fields, was.outcomes, wrong),
        steps=tuple(
            Step(Channel(channel), whole(f"step-{n}", 0) or 0)
            for n in range(plans.MOST_STEPS)
            if (channel := fields.get(f"channel-{n}", "")) in OFFERED
        ),
    )  # fmt: skip
    if wrong:
        raise InvalidError("Qualcosa non si legge.", parts=wrong)
    return plan


def _week(fields: Mapping[str, str], field: str) -> tuple[str, ...]:
    return tuple(fields.get(f"{field}-{day}", "").strip() for day in range(DAYS))


def _member(kind: type[E], text: str, usual: E) -> E:
    return kind(text) if text in {one.value for one in kind} else usual


def _page(request: Request, visit: Visit, template: str, **context: Any) -> Response:
    return page(request, template, visit.language, visit=visit, csrf=visit.csrf_token, **context)
