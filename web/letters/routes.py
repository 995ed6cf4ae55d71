"""Letters' pages: what a campaign writes and its batches, one batch with its files, what the post says of them."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import ConflictError
from crm.documents.store import StoreError
from crm.enti import queries as enti
from outbound.campaigns import queries as campaigns
from outbound.campaigns import running, spending
from outbound.campaigns import service as campaign_service
from outbound.campaigns.lifecycle import State
from outbound.campaigns.plan import Channel
from outbound.letters import answers, manifest, origins, queries, returning, senders, service, withdrawing
from outbound.letters.codes import MOST_IN_BATCH
from outbound.letters.content import written
from outbound.letters.from_campaigns import STOPPED
from outbound.letters.models import BatchState, LetterState
from outbound.letters.postage import Prices, Weight
from outbound.letters.senders import Settings
from outbound.letters.usual import USUAL
from outbound.letters.wording import FIELDS, LetterText
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.files.documents import POLICIES
from web.letters import forms
from web.letters.forms import FileField
from web.letters.package import streamed
from web.letters.paper import typeset

router = APIRouter(include_in_schema=False)
TextField = Annotated[str, Form(max_length=120)]
SHOWN = 25  # letters of a batch on its page
PDF_HEADERS = {
    "content-security-policy": POLICIES["application/pdf"], "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
}  # fmt: skip


async def typed(request: Request) -> dict[str, str]:
    """All fields of the form."""
    sent = await request.form()
    return {name: value for name, value in sent.items() if isinstance(value, str)}


TypedDep = Annotated[dict[str, str], Depends(typed)]


@router.get("/campaigns/{campaign_id}/letters")
def of_campaign(request: Request, runtime: RuntimeDep, visit: VisitDep, campaign_id: int) -> Response:
    """What a campaign writes, by whom, and its batches."""
    with runtime.database.begin(_scope(visit)) as session:
        found = campaigns.one(session, campaign_id)
        manages = _manages(visit, found.ente_id)
        its = running.get(session, campaign_id)
        now = clock.now(session)
        context = {
            "one": found, "ente": enti.badges(session)[found.ente_id], "manages": manages, "usual": USUAL,
            "fields": FIELDS, "empty_text": LetterText(), "sender": senders.settings(session, found.ente_id),
            "batches": queries.batches(session, campaign_id), "waiting": queries.waiting(session, its, now),
            "prices": queries.last_prices(session, found.contract_id) or Prices(), "steps": Weight,
            "spent": spending.spent(session, campaign_id), "draft": found.state is State.DRAFT,
            "runs": found.state is State.RUNNING, "most": MOST_IN_BATCH,
            "writes": bool(found.plan.steps_of(Channel.LETTER)),
            "readings": queries.readings(session, found.ente_id) if manages else [], "privacy": senders.PRIVACY,
        }  # fmt: skip
    return _page(request, visit, "letters/campaign.html", **context)


@router.get("/campaigns/{campaign_id}/letters/preview.pdf")
def preview(runtime: RuntimeDep, visit: VisitDep, campaign_id: int, nth: int = 0) -> Response:
    """A real letter of it, as it would be written today."""
    facts = runtime.database.transact(
        _scope(visit), lambda session: service.preview(session, visit.principal, campaign_id=campaign_id, nth=nth)
    )
    return _pdf(typeset(written(facts), clock.start_of_day(facts.day)).content, "anteprima")


@router.post("/campaigns/{campaign_id}/letters/text")
def write(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, fields: TypedDep) -> Response:
    """Write what its letters say."""

    def work(session: Session) -> None:
        found = campaigns.one(session, campaign_id)
        letters = {
            phase: LetterText(fields.get(f"subject-{phase}", "").strip(), fields.get(f"body-{phase}", "").strip())
            for phase in found.plan.phases
        }
        plan = replace(found.plan, letters={**found.plan.letters, **letters})
        campaign_service.write(session, visit.principal, campaign_id=campaign_id, name=found.name, plan=plan)

    runtime.database.transact(visit.scope(Permission.CAMPAIGN_MANAGE), work)
    return shown_anew(translations(visit.language).gettext("Salvata."))


@router.post("/campaigns/{campaign_id}/letters/sender")
def set_sender(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, fields: TypedDep) -> Response:
    """Set what stands on all letters of its ente."""

    def work(session: Session) -> None:
        written_ = Settings(
            fields.get("sector", "").strip(), fields.get("cbill", "").strip().upper(), _lines(fields.get("back", "")),
            " ".join(fields.get("privacy", "").split()), "".join(fields.get("postal_account", "").split()),
            *(" ".join(fields.get(one, "").split()) for one in ("postal_holder", "postal_permit")),
        )  # fmt: skip
        ente_id = campaigns.one(session, campaign_id).ente_id
        senders.write(session, visit.principal, ente_id=ente_id, written=written_)

    runtime.database.transact(visit.scope(Permission.CAMPAIGN_MANAGE), work)
    return shown_anew(translations(visit.language).gettext("Salvato."))


@router.post("/campaigns/{campaign_id}/letters/batches")
def ask(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, fields: TypedDep) -> Response:
    """Have the letters made of those whose turn it is."""

    def work(session: Session) -> int:
        prices, most = forms.prices(fields)
        return service.ask(
            session, visit.principal, campaign_id=campaign_id, prices=prices, duplex=bool(fields.get("duplex")),
            most=most,
        )  # fmt: skip

    batch_id = runtime.database.transact(visit.scope(Permission.CAMPAIGN_MANAGE), work)
    return shown_anew(
        translations(visit.language).gettext("Le lettere sono in preparazione."), at=f"/letters/batches/{batch_id}"
    )


# -- a batch ------------------------------------------------------------------------------------------------------


@router.get("/letters/batches/{batch_id}")
def batch(request: Request, runtime: RuntimeDep, visit: VisitDep, batch_id: int) -> Response:
    """A batch: how far it is, what it weighs and costs, its files, its first letters."""
    with runtime.database.begin(visit.scope(Permission.CAMPAIGN_MANAGE)) as session:
        service.look(session, visit.principal, batch_id=batch_id)
        context = _batch(session, batch_id)
    return _page(request, visit, "letters/batch.html", **context)


@router.get("/letters/batches/{batch_id}/now")
def batch_now(runtime: RuntimeDep, visit: VisitDep, batch_id: int) -> Response:
    """The same, while it is made."""
    with runtime.database.begin(visit.scope(Permission.CAMPAIGN_MANAGE)) as session:
        context = _batch(session, batch_id)
    return HTMLResponse(fragment("letters/_batch.html", visit.language, visit=visit, **context))


@router.post("/letters/batches/{batch_id}/hand-over")
def hand_over(runtime: RuntimeDep, visit: ChangeDep, batch_id: int, to: TextField = "") -> Response:
    """The printing house has it."""
    runtime.database.transact(
        visit.scope(Permission.CAMPAIGN_MANAGE),
        lambda session: service.hand_over(session, visit.principal, batch_id=batch_id, to=to),
    )
    return shown_anew(translations(visit.language).gettext("Consegnato: le lettere risultano spedite."))


@router.post("/letters/batches/{batch_id}/check")
def check(runtime: RuntimeDep, visit: ChangeDep, batch_id: int) -> Response:
    """Its letters are judged once more."""
    runtime.database.transact(
        visit.scope(Permission.CAMPAIGN_MANAGE),
        lambda session: service.check(session, visit.principal, batch_id=batch_id),
    )
    return shown_anew(translations(visit.language).gettext("Le lettere si ricontrollano una per una."))


@router.post("/letters/batches/{batch_id}/cancel")
def cancel(runtime: RuntimeDep, visit: ChangeDep, batch_id: int) -> Response:
    """None of it left."""
    runtime.database.transact(
        visit.scope(Permission.CAMPAIGN_MANAGE),
        lambda session: service.cancel(session, visit.principal, batch_id=batch_id),
    )
    return shown_anew(translations(visit.language).gettext("Annullato."))


@router.post("/letters/batches/{batch_id}/go-on")
def go_on(runtime: RuntimeDep, visit: ChangeDep, batch_id: int) -> Response:
    """It goes on from where it stopped."""
    runtime.database.transact(
        visit.scope(Permission.CAMPAIGN_MANAGE),
        lambda session: service.go_on(session, visit.principal, batch_id=batch_id),
    )
    return shown_anew(translations(visit.language).gettext("Riprende da dov'era."))


@router.get("/letters/batches/{batch_id}/package.zip")
def package(runtime: RuntimeDep, visit: VisitDep, batch_id: int) -> Response:
    """Everything that the printing house needs."""

    def work(session: Session) -> tuple[queries.BatchView, list[queries.LetterView]]:
        found = service.take(session, visit.principal, batch_id=batch_id)
        return found, list(queries.every(session, batch_id))

    found, letters = runtime.database.transact(visit.scope(Permission.CAMPAIGN_MANAGE), work)
    pieces = streamed(found, letters, runtime.documents, found.ready_at or found.made_at)
    return StreamingResponse(pieces, media_type="application/zip", headers=_attached(f"lettere-{batch_id}.zip"))


@router.get("/letters/batches/{batch_id}/manifest.csv")
def listed(runtime: RuntimeDep, visit: VisitDep, batch_id: int) -> Response:
    """The manifest alone."""

    def work(session: Session) -> bytes:
        found = service.take(session, visit.principal, batch_id=batch_id)
        return manifest.csv(found, queries.every(session, batch_id))

    content = runtime.database.transact(visit.scope(Permission.CAMPAIGN_MANAGE), work)
    return Response(content, media_type="text/csv; charset=utf-8", headers=_attached(f"lettere-{batch_id}.csv"))


@router.get("/letters/batches/{batch_id}/withdrawn.csv")
def to_pull(runtime: RuntimeDep, visit: VisitDep, batch_id: int) -> Response:
    """The numbers of the letters that whoever prints has already, and pulls out."""

    def work(session: Session) -> bytes:
        return manifest.pulled(service.take_withdrawn(session, visit.principal, batch_id=batch_id))

    content = runtime.database.transact(visit.scope(Permission.CAMPAIGN_MANAGE), work)
    return Response(
        content, media_type="text/csv; charset=utf-8", headers=_attached(f"lettere-{batch_id}-da-togliere.csv")
    )


@router.get("/letters/{letter_id}/file")
def letter(runtime: RuntimeDep, visit: VisitDep, letter_id: UUID) -> Response:
    """One letter, as it was printed."""
    needed = Permission.CAMPAIGN_MANAGE if visit.principal.can(Permission.CAMPAIGN_MANAGE) else Permission.FILE_READ
    found = runtime.database.transact(
        visit.scope(needed), lambda session: service.open_letter(session, visit.principal, letter_id=letter_id)
    )
    try:
        content = runtime.documents.read(found.ente_id, found.sha256 or "", most=found.size)
    except StoreError as error:
        raise ConflictError("La lettera non si può leggere: riprova, o avvisa chi gestisce il sistema.") from error
    return _pdf(content, str(found.code))


# -- what the post says -------------------------------------------------------------------------------------------


@router.post("/campaigns/{campaign_id}/letters/returns")
def receive(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, file: FileField) -> Response:
    """A file that says what became of letters; nothing of it is believed yet."""

    def work(path: Path) -> int:
        def read(session: Session) -> int:
            ente_id = campaigns.one(session, campaign_id).ente_id
            return returning.receive(session, visit.principal, ente_id=ente_id, name=file.filename or "", path=path)

        return runtime.database.transact(visit.scope(Permission.CAMPAIGN_MANAGE), read)

    reading_id = forms.with_file(file, work)
    return shown_anew(
        translations(visit.language).gettext("Letto: guarda che cosa dice, poi confermalo."),
        at=f"/letters/returns/{reading_id}",
    )


@router.get("/letters/returns/{reading_id}")
def reading(request: Request, runtime: RuntimeDep, visit: VisitDep, reading_id: int) -> Response:
    """What a file says, and what is wrong with it."""
    with runtime.database.begin(visit.scope(Permission.CAMPAIGN_MANAGE)) as session:
        context = _reading(session, reading_id)
    return _page(request, visit, "letters/reading.html", **context)


@router.get("/letters/returns/{reading_id}/now")
def reading_now(runtime: RuntimeDep, visit: VisitDep, reading_id: int) -> Response:
    """The same, while it becomes true."""
    with runtime.database.begin(visit.scope(Permission.CAMPAIGN_MANAGE)) as session:
        context = _reading(session, reading_id)
    return HTMLResponse(fragment("letters/_reading.html", visit.language, visit=visit, **context))


@router.post("/letters/returns/{reading_id}/believe")
def believe(runtime: RuntimeDep, visit: ChangeDep, reading_id: int) -> Response:
    """It is so."""
    runtime.database.transact(
        visit.scope(Permission.CAMPAIGN_MANAGE),
        lambda session: returning.believe(session, visit.principal, reading_id=reading_id),
    )
    return shown_anew(translations(visit.language).gettext("Confermato."))


@router.post("/letters/returns/{reading_id}/discard")
def discard(runtime: RuntimeDep, visit: ChangeDep, reading_id: int) -> Response:
    """It is not."""
    runtime.database.transact(
        visit.scope(Permission.CAMPAIGN_MANAGE),
        lambda session: returning.discard(session, visit.principal, reading_id=reading_id),
    )
    return shown_anew(translations(visit.language).gettext("Scartato."))


def _scope(visit: Visit) -> Scope:
    """Of whoever runs campaigns, or decides about them for an ente."""
    manages = visit.principal.can(Permission.CAMPAIGN_MANAGE)
    return visit.scope(Permission.CAMPAIGN_MANAGE if manages else Permission.CAMPAIGN_APPROVE)


def _manages(visit: Visit, ente_id: int) -> bool:
    can = visit.principal.can(Permission.CAMPAIGN_MANAGE)
    return can and ente_id in (visit.scope(Permission.CAMPAIGN_MANAGE).enti or ())


def _batch(session: Session, batch_id: int) -> dict[str, Any]:
    found, now = queries.batch(session, batch_id), clock.now(session)
    by_state, told = queries.states(session, batch_id)
    some, out = queries.letters(session, batch_id, limit=SHOWN), queries.withdrawn(session, batch_id, limit=SHOWN)
    made, over = found.state is BatchState.MADE, found.state is BatchState.HANDED_OVER
    settling = over and LetterState.MADE in by_state
    halted = _halted(session, found, now) if made or over else ""
    checked = withdrawing.is_checked(found.state, found.checked_at, now)
    return {
        "one": found, "ente": enti.badges(session)[found.ente_id], "states": by_state, "told": told, "letters": some,
        "withdrawn": out, "names": queries.named(session, [*some, *out]), "shown": SHOWN, "settling": settling,
        "why": queries.why_left_out(session, found), "why_withdrawn": queries.why_withdrawn(session, batch_id),
        "pulled": [str(one.code) for one in queries.to_pull(session, found)], "halted": halted, "checked": checked,
        "checking": made and found.checked_at is None and found.letters > 0,
        "forecast": withdrawing.forecast(session, found, now) if made and not halted else {},
        "requests": answers.labels(session, batch_id) if found.campaign_id is None else {},
        "has_files": found.letters > 0 and not halted and not settling and (over or checked),
    }  # fmt: skip


def _halted(session: Session, found: queries.BatchView, now: datetime) -> str:
    """Why nothing of a batch may be taken or handed over now; empty: it may."""
    origin = origins.of(found.campaign_id)
    if found.state is BatchState.HANDED_OVER:
        return STOPPED if origin.is_stopped(session, found.campaign_id) else ""
    return origin.stands_still(session, found.campaign_id, now)


def _reading(session: Session, reading_id: int) -> dict[str, Any]:
    found = queries.reading(session, reading_id)
    return {"one": found, "ente": enti.badges(session)[found.ente_id], "news": sum(found.outcomes.values())}


def _lines(text: str) -> str:
    return "\n".join(line for one in text.splitlines() if (line := " ".join(one.split())))


def _pdf(content: bytes, name: str) -> Response:
    headers = {**PDF_HEADERS, "content-disposition": f'inline; filename="{name}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


def _page(request: Request, visit: Visit, template: str, **context: Any) -> Response:
    return page(request, template, visit.language, visit=visit, csrf=visit.csrf_token, **context)
