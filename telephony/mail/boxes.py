"""Mailboxes as they are set up: who may, what must be right, what opens them. And as others read them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.contacts.email import to_email
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import FieldError, InvalidError, NotFoundError
from crm.enti import queries as enti
from telephony.calls.choices import Topic
from telephony.mail import secrets
from telephony.mail.connecting import Account, Inbox
from telephony.mail.errors import MailboxError
from telephony.mail.models import Auth, Mailbox, MailboxKind, Tls, Trouble
from telephony.mail.secrets import Keep, Secret, Tokens
from telephony.mail.suggesting import USUAL, TopicRule
from telephony.messages.mail import LOOPBACK, Mailer, MailError
from telephony.queues import queries as queues

SMTP_TIMEOUT_S = 8.0
MOST_RULES, MOST_WORDS = 40, 30


@dataclass(frozen=True, slots=True)
class Told:
    """A mailbox as somebody writes it. A secret that is none leaves the one that is there."""

    contract_id: int
    ente_id: int | None
    queue_id: int | None
    kind: MailboxKind
    name: str
    address: str
    imap_host: str
    imap_port: int
    imap_tls: Tls
    smtp_host: str
    smtp_port: int
    smtp_tls: Tls
    username: str
    auth: Auth
    secret: Secret | None
    acknowledges: bool = True
    signature: str = ""
    topics: str = ""  # one a line: `topic: words, words`
    folder: str = "INBOX"


@dataclass(frozen=True, slots=True)
class Box:
    """What reading and writing need of a mailbox."""

    id: int
    contract_id: int
    ente_id: int | None
    kind: MailboxKind
    name: str
    address: str
    acknowledges: bool
    signature: str
    rules: tuple[TopicRule, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a trial: none where it worked."""

    reading: Trouble | None
    writing: Trouble | None


def add(session: Session, by: Principal, told: Told) -> int:
    """One more mailbox, read within moments; its id. Raises `InvalidError` with each field that is wrong."""
    _require(session, by, told.contract_id, told.ente_id)
    _check(session, told, new=True)
    now = clock.now(session)
    row = Mailbox(secret=b"", made_by=by.user_id, made_at=now, due_at=now, **_written(told))
    session.add(row)
    session.flush()
    assert told.secret is not None
    row.secret = secrets.sealed(session, row.id, told.secret)
    session.flush()
    _tell(session, by, row, "mailbox.added")
    return row.id


def change(session: Session, by: Principal, *, mailbox_id: int, told: Told) -> None:
    """Set it up anew. Whose it is does not change: its mails are that ente's."""
    row = locked(session, by, mailbox_id)
    if (told.contract_id, told.ente_id, told.kind) != (row.contract_id, row.ente_id, row.kind):
        raise InvalidError("Di chi è una casella, e se è PEC, non si cambia: chiudila e aggiungine un'altra.")
    told = _completed(session, row, told)
    _check(session, told, new=False, mailbox_id=row.id)
    elsewhere = (told.imap_host.strip().lower(), told.folder, told.username.strip()) != (
        row.imap_host, row.folder, row.username,
    )  # fmt: skip
    for name, value in _written(told).items():
        setattr(row, name, value)
    if told.secret is not None:
        row.secret = secrets.sealed(session, row.id, told.secret)
    if elsewhere:  # what was read there has other numbers here; what was taken is not taken again
        row.uidvalidity, row.last_uid = None, 0
    row.due_at = clock.now(session)
    session.flush()
    _tell(session, by, row, "mailbox.changed")


def close(session: Session, by: Principal, *, mailbox_id: int) -> None:
    """It is read no more, nor written from. What was taken stays. Twice is once."""
    row = locked(session, by, mailbox_id)
    if row.closed_at is None:
        row.closed_at = clock.now(session)
        session.flush()
        _tell(session, by, row, "mailbox.closed")


def locked(session: Session, by: Principal, mailbox_id: int) -> Mailbox:
    """A mailbox that he may set up. Raises `NotFoundError`."""
    row = session.get(Mailbox, mailbox_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa casella non esiste.")
    _require(session, by, row.contract_id, row.ente_id)
    return row


def listed(session: Session) -> list[Mailbox]:
    """The mailboxes of the scope, those in use first."""
    rows = select(Mailbox).order_by(Mailbox.closed_at.is_not(None), Mailbox.name, Mailbox.id)
    return list(session.scalars(rows.execution_options(populate_existing=True)))


def box(session: Session, mailbox_id: int) -> Box:
    """A mailbox of the scope. Raises `NotFoundError`."""
    row = session.get(Mailbox, mailbox_id)
    if row is None:
        raise NotFoundError("Questa casella non esiste.")
    return box_of(row)


def box_of(row: Mailbox) -> Box:
    """What reading and writing need of its row."""
    rules = tuple(TopicRule(Topic(one["topic"]), tuple(one["words"])) for one in row.topics)
    return Box(
        row.id, row.contract_id, row.ente_id, row.kind, row.name, row.address, row.acknowledges, row.signature,
        rules or USUAL,
    )  # fmt: skip


def trial(session: Session, by: Principal, mailbox_id: int) -> Callable[[Tokens, Keep], Tried]:
    """What tries a mailbox, to be called with no transaction open: it signs in to read and to write, no more."""
    row = locked(session, by, mailbox_id)
    secret, account_of, mailer_of_ = secrets.opened(session, row), reader(row), writer(row)

    def tried(tokens: Tokens, keep: Keep) -> Tried:
        try:
            credential = secrets.credential(row.auth, secret, tokens, keep)
        except MailboxError as error:
            return Tried(error.trouble, error.trouble)
        reading, writing = None, None
        try:
            with Inbox(account_of(credential)):
                pass
        except MailboxError as error:
            reading = error.trouble
        try:
            mailer_of_(credential).greet()
        except MailError as error:
            writing = Trouble.CREDENTIALS if error.not_let_in else Trouble.AWAY
        return Tried(reading, writing)

    return tried


def reader(row: Mailbox) -> Callable[[str], Account]:
    """Where it is read, with what is shown there."""
    parts = (row.imap_host, row.imap_port, row.imap_tls, row.username, row.auth)
    folder = row.folder
    return lambda credential: Account(*parts, credential, folder)


def writer(row: Mailbox) -> Callable[[str], Mailer]:
    """By which server it writes."""
    host, port, tls, user, auth, address = (
        row.smtp_host, row.smtp_port, row.smtp_tls, row.username, row.auth, row.address,
    )  # fmt: skip
    return lambda credential: Mailer.at(
        host, port, encrypted=tls is Tls.TLS, user=user, password="" if auth is Auth.OAUTH2 else credential,
        token=credential if auth is Auth.OAUTH2 else "", mail_from=address, timeout_s=SMTP_TIMEOUT_S,
    )  # fmt: skip


def rules_in(text: str) -> list[dict[str, object]]:
    """Rules as they are written, one a line: `instalments: rate, rateizz`. Raises `FieldError`."""
    found: list[dict[str, object]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        topic, colon, words = line.partition(":")
        stems = [one for one in (" ".join(part.lower().split()) for part in words.split(",")) if one]
        if not colon or topic.strip() not in set(Topic) or not stems or len(stems) > MOST_WORDS:
            raise FieldError("Scrivi in ogni riga l'argomento, i due punti e le parole, separate da virgole.", "topics")
        found.append({"topic": topic.strip(), "words": [one[:60] for one in stems]})
    if len(found) > MOST_RULES:
        raise FieldError(f"Al massimo {MOST_RULES} righe.", "topics")
    return found


def _check(session: Session, told: Told, *, new: bool, mailbox_id: int | None = None) -> None:
    wrong: list[tuple[bool, str, str]] = [
        (not 0 < len(told.name.strip()) <= 60, "name", "Scrivi come la chiamate, in 60 caratteri al massimo."),
        (to_email(told.address.strip()) is None, "address", "Scrivi l'indirizzo della casella."),
        (not _host(told.imap_host), "imap_host", "Scrivi il nome del server, per esempio imap.example.it."),
        (not _host(told.smtp_host), "smtp_host", "Scrivi il nome del server, per esempio smtp.example.it."),
        (not 0 < told.imap_port < 65_536, "imap_port", "La porta va da 1 a 65535: di solito 993."),
        (not 0 < told.smtp_port < 65_536, "smtp_port", "La porta va da 1 a 65535: di solito 465 o 587."),
        (
            told.imap_tls is Tls.NONE and told.imap_host.strip() not in LOOPBACK, "imap_tls",
            "Senza cifratura la password si leggerebbe per strada: scegli TLS o STARTTLS.",
        ),
        (
            told.smtp_tls is Tls.NONE and told.smtp_host.strip() not in LOOPBACK, "smtp_tls",
            "Senza cifratura la password si leggerebbe per strada: scegli TLS o STARTTLS.",
        ),
        (not 0 < len(told.username.strip()) <= 254, "username", "Scrivi l'utente con cui si entra."),
        (not 0 < len(told.folder) <= 120, "folder", "Scrivi la cartella: di solito INBOX."),
        (len(told.signature) > 1_000, "signature", "La firma è troppo lunga: al massimo 1000 caratteri."),
    ]  # fmt: skip
    if told.secret is None:
        wrong.append((new, "password", "Scrivi la password, o i dati di accesso."))
    elif told.auth is Auth.PASSWORD:
        wrong.append((not told.secret.password, "password", "Scrivi la password."))
    else:
        complete = told.secret.client_id and told.secret.refresh_token
        wrong.append((not complete, "refresh_token", "Scrivi l'identificativo dell'applicazione e il token."))
        encrypted = told.secret.token_url.startswith("https://") or _host_of(told.secret.token_url) in LOOPBACK
        wrong.append((not encrypted, "token_url", "Scrivi l'indirizzo dei token, che comincia con https."))
    if told.queue_id is not None and told.queue_id not in queues.open_ids(session, told.contract_id):
        wrong.append((True, "queue", "Questa coda non è del contratto."))
    same = select(Mailbox.id).where(Mailbox.address == told.address.strip().lower(), Mailbox.closed_at.is_(None))
    if any(one != mailbox_id for one in session.scalars(same)):
        wrong.append((True, "address", "Questa casella c'è già."))
    parts = [InvalidError(says, field=field) for bad, field, says in wrong if bad]
    if parts:
        raise InvalidError("Ricontrolla i campi indicati.", parts=parts)


def _completed(session: Session, row: Mailbox, told: Told) -> Told:
    """With what opened it by tokens before, where only part of that is written anew."""
    if told.secret is None or Auth.PASSWORD in {told.auth, row.auth}:
        return told
    before = asdict(secrets.opened(session, row))
    parts = {name: value or before[name] for name, value in asdict(told.secret).items()}
    return replace(told, secret=Secret(**{**parts, "password": ""}))


def _written(told: Told) -> dict[str, object]:
    return {
        "contract_id": told.contract_id, "ente_id": told.ente_id, "queue_id": told.queue_id, "kind": told.kind,
        "name": " ".join(told.name.split()), "address": told.address.strip().lower(),
        "imap_host": told.imap_host.strip().lower(), "imap_port": told.imap_port, "imap_tls": told.imap_tls,
        "smtp_host": told.smtp_host.strip().lower(), "smtp_port": told.smtp_port, "smtp_tls": told.smtp_tls,
        "username": told.username.strip(), "auth": told.auth, "acknowledges": told.acknowledges,
        "signature": told.signature.strip(), "topics": rules_in(told.topics), "folder": told.folder,
    }  # fmt: skip


def _require(session: Session, by: Principal, contract_id: int, ente_id: int | None) -> None:
    """He sets up the contract's mailboxes who sets up the contract; an ente's is one of them."""
    by.require(Permission.MAILBOX_MANAGE, contract_id=contract_id)
    if ente_id is not None and (ente_id in by.kept_from or ente_id not in enti.enti_of(session, contract_id)):
        raise NotFoundError("Questo ente non è del contratto.")


def _tell(session: Session, by: Principal, row: Mailbox, kind: str) -> None:
    after = {"name": row.name, "address": row.address, "kind": row.kind.value, "host": row.imap_host}
    for ente_id in sorted(enti.enti_of(session, row.contract_id) if row.ente_id is None else {row.ente_id}):
        audit.note(session, by, kind=kind, ente_id=ente_id, subject=f"mailbox:{row.id}", after=after)
    touch(session, topics.mail(row.contract_id))


def _host(text: str) -> bool:
    name = text.strip()
    return 0 < len(name) <= 253 and name.isascii() and name.isprintable() and not set(name) & set(" /@\"'<>")


def _host_of(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition(":")[0]
