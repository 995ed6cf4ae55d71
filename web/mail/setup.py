"""Mailboxes as they are set up: which there are, how they do, a trial."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.cases.terms import GENERAL
from crm.core import clock
from crm.core.errors import InvalidError, NotFoundError
from crm.enti import queries as enti
from telephony.calls.choices import Topic
from telephony.mail import boxes, measured, secrets, waiting
from telephony.mail.boxes import Told
from telephony.mail.models import Auth, Mailbox, MailboxKind, Tls
from telephony.mail.secrets import Secret, Tokens
from telephony.queues import queries as queues
from web.edge.answers import shown_anew, told
from web.edge.fields import chosen
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.edge.words import word_for

router = APIRouter(prefix="/mail/boxes", include_in_schema=False)


async def typed(request: Request) -> dict[str, str]:
    """All texts of the form."""
    sent = await request.form()
    return {name: value for name, value in sent.items() if isinstance(value, str)}


TypedDep = Annotated[dict[str, str], Depends(typed)]


@router.get("")
def listed(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """All of them, and one more."""
    return _page(request, runtime, visit, None)


@router.get("/{mailbox}")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, mailbox: int) -> Response:
    """One, to be changed."""
    return _page(request, runtime, visit, mailbox)


@router.post("")
def add(runtime: RuntimeDep, visit: ChangeDep, form: TypedDep) -> Response:
    """One more."""
    words = translations(visit.language)

    def work(session: Session) -> int:
        return boxes.add(session, visit.principal, _told(form, None))

    made = runtime.database.transact(visit.scope(Permission.MAILBOX_MANAGE), work)
    return shown_anew(words.gettext("Aggiunta. Prova se si legge e se si scrive."), at=f"/mail/boxes/{made}")


@router.post("/{mailbox}")
def change(runtime: RuntimeDep, visit: ChangeDep, mailbox: int, form: TypedDep) -> Response:
    """Set it up anew."""
    words = translations(visit.language)

    def work(session: Session) -> None:
        row = boxes.locked(session, visit.principal, mailbox)
        boxes.change(session, visit.principal, mailbox_id=mailbox, told=_told(form, row))

    runtime.database.transact(visit.scope(Permission.MAILBOX_MANAGE), work)
    return shown_anew(words.gettext("Salvato."))


@router.post("/{mailbox}/close")
def close(runtime: RuntimeDep, visit: ChangeDep, mailbox: int) -> Response:
    """It is read no more."""
    words = translations(visit.language)
    work = visit.scope(Permission.MAILBOX_MANAGE)
    runtime.database.transact(work, lambda session: boxes.close(session, visit.principal, mailbox_id=mailbox))
    return shown_anew(words.gettext("Chiusa: non si legge più. Ciò che è arrivato resta."), at="/mail/boxes")


@router.post("/{mailbox}/try")
def trial(runtime: RuntimeDep, visit: ChangeDep, mailbox: int) -> Response:
    """Whether it can be read and written from. Nothing is sent."""
    words = translations(visit.language)
    with runtime.database.begin(visit.scope(Permission.MAILBOX_MANAGE)) as session:
        attempt = boxes.trial(session, visit.principal, mailbox)

    def keep(old: Secret, new: Secret) -> None:
        renewed = partial(secrets.renewed, mailbox_id=mailbox, old=old, new=new)
        runtime.database.transact(visit.scope(Permission.MAILBOX_MANAGE), renewed)

    came = attempt(Tokens(), keep)
    reads = words.gettext("funziona") if came.reading is None else words.gettext(word_for(came.reading))
    writes = words.gettext("funziona") if came.writing is None else words.gettext(word_for(came.writing))
    return told(f"{words.gettext('Per leggere')}: {reads}. {words.gettext('Per scrivere')}: {writes}.")


def _told(form: dict[str, str], row: Mailbox | None) -> Told:
    def number(name: str) -> int:
        text = form.get(name, "").strip()
        return int(text) if text.isdecimal() and len(text) < 7 else 0

    try:
        auth, imap, smtp = (
            Auth(form.get("auth", "password")), Tls(form.get("imap_tls", "tls")), Tls(form.get("smtp_tls", "tls")),
        )  # fmt: skip
        kind = row.kind if row else MailboxKind(form.get("kind", "email"))
    except ValueError:
        raise InvalidError("Ricarica la pagina e riprova.") from None
    names = ("password", "token_url", "client_id", "client_secret", "refresh_token", "scope")
    parts = {name: form.get(name, "").strip() if name != "password" else form.get(name, "") for name in names}
    given = parts["password"] if auth is Auth.PASSWORD else any(parts[name] for name in names[1:])
    contract, _, ente = form.get("whose", "").partition("/")
    return Told(
        contract_id=row.contract_id if row else int(contract) if contract.isdecimal() else 0,
        ente_id=row.ente_id if row else chosen(ente), queue_id=chosen(form.get("queue", "")), kind=kind,
        name=form.get("name", ""), address=form.get("address", ""), imap_host=form.get("imap_host", ""),
        imap_port=number("imap_port"), imap_tls=imap, smtp_host=form.get("smtp_host", ""),
        smtp_port=number("smtp_port"), smtp_tls=smtp, username=form.get("username", ""), auth=auth,
        secret=Secret(**parts) if given or row is None or auth is not row.auth else None,
        acknowledges="acknowledges" in form, signature=form.get("signature", ""),
        topics=_topics(form.get("topics", "")),
        folder=form.get("folder", "INBOX").strip() or "INBOX",
    )  # fmt: skip


def _topics(text: str) -> str:
    """Rules with their topics as they are stored: on the page they are called as everywhere else."""
    known = {word_for(one).lower(): one.value for one in Topic}
    parts = (line.partition(":") for line in text.splitlines())
    return "\n".join(f"{known.get(name.strip().lower(), name)}{colon}{words}" for name, colon, words in parts)


def _page(request: Request, runtime: RuntimeDep, visit: Visit, mailbox: int | None) -> Response:
    by = visit.principal
    with runtime.database.begin(visit.scope(Permission.MAILBOX_MANAGE)) as session:
        rows = boxes.listed(session)
        times = {one.id: measured.times_of(session, one.id) for one in rows}
        terms = {
            one.id: waiting.term_on(
                session, one.contract_id, clock.now(session), certified=one.kind is MailboxKind.PEC
            )
            for one in rows
        }  # fmt: skip
        now = clock.now(session)
        found = next((one for one in rows if one.id == mailbox), None)
        if mailbox is not None and found is None:
            raise NotFoundError("Questa casella non esiste.")
        badges = enti.badges(session)
        held = sorted(by.contracts_for(Permission.MAILBOX_MANAGE))
        whose = []
        for one in held:
            whose.append((f"{one}/", enti.contract_name(session, one)))
            covered = sorted(enti.enti_of(session, one) - by.kept_from, key=lambda ente: badges[ente].name)
            whose.extend((f"{one}/{ente}", badges[ente].name) for ente in covered)
        lines = [(str(one.id), one.name) for one in queues.queues(session, frozenset(held))]
    rules = "\n".join(
        f"{word_for(one.topic)}: {', '.join(one.words)}" for one in (boxes.box_of(found).rules if found else ())
    )
    return page(
        request, "mail/boxes.html", visit.language, visit=visit, csrf=visit.csrf_token, rows=rows, found=found,
        whose=whose, queues=lines, kinds=MailboxKind, encryptions=Tls, ways=Auth, rules=rules, badges=badges,
        topics=Topic, times=times, terms=terms, now=now, shown_days=measured.SHOWN.days, by_law=GENERAL.source,
    )  # fmt: skip
