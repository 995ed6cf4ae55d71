"""What is done with a correspondence: read, given to somebody, said whose it is, answered, taken back, closed."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts import queries as contacts
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.core.errors import ConflictError, FieldError, InvalidError
from crm.knowledge import filling
from crm.messages import service as messages
from crm.messages.wording import MAX_BODY
from telephony.calls.choices import Topic
from telephony.mail import boxes, composing, enclosing, queries, story, waiting, writing
from telephony.mail.composing import Quoted
from telephony.mail.models import (
    Mail,
    MailAttachment,
    Mailbox,
    MailboxKind,
    MailThread,
    Matched,
    PecReceipt,
    ThreadState,
)
from telephony.texts.care import Care, care

MOST_REFERENCES = 20
MOVED_ON = "Nel frattempo è cambiato qualcosa: rileggi la conversazione, poi invia. Il testo è rimasto qui."
TELLS = (
    "Non è sicuro che questo indirizzo sia suo: togli importi, avvisi e codice fiscale, o verifica prima il recapito "
    "nella scheda della persona."
)
TELLS_OTHERS = "Con altri in copia niente importi, avvisi o codice fiscale: toglili, oppure rispondi solo a chi scrive."
HINTS = "Qualche parola può far capire che c'è un debito. Rileggi: se va bene così, conferma e invia."
_MAIL = table_of(Mail)


@dataclass(frozen=True, slots=True)
class Preview:
    """An answer as it would leave."""

    sender: str
    to: str
    copied: tuple[str, ...]
    subject: str
    body: str
    files: tuple[str, ...]


def look(session: Session, by: Principal, thread_id: UUID) -> queries.Correspondence:
    """All of a correspondence, to be read: it is in the access log of its ente. Raises `NotFoundError`."""
    found = queries.correspondence(session, by, thread_id)
    row = found.thread
    if row.ente_id is not None:
        certain = row.contact_id if row.matched in {Matched.VERIFIED, Matched.AGENT} else None
        audit.note_once(session, by, kind="mail.read", ente_id=row.ente_id, contact_id=certain, call_id=row.id)
    return found


def assign(session: Session, by: Principal, *, thread_id: UUID, agent_id: int | None) -> None:
    """Somebody looks after it; or (none) nobody in person."""
    row, _ = _locked(session, by, thread_id)
    if row.assignee_id != agent_id:
        row.assignee_id = agent_id
        changed(session, by, row, "mail.assigned", {"assignee": agent_id})


def begin(session: Session, by: Principal, *, thread_id: UUID) -> None:
    """He is writing an answer: whoever else looks sees it for a while."""
    row, _ = _locked(session, by, thread_id)
    now = clock.now(session)
    free = row.answering_id in {None, by.user_id} or row.answering_at is None
    if free or row.answering_at < now - queries.ANSWERING:  # type: ignore[operator]  # known by then
        row.answering_id, row.answering_at = by.user_id, now
        session.flush()
        touch(session, topics.mail_thread(row.id))


def identify(session: Session, by: Principal, *, thread_id: UUID, contact_id: int) -> None:
    """He says who writes. In a mailbox of a whole contract that says which ente it is about, too."""
    row, box = _locked(session, by, thread_id)
    contact = contacts.get(session, contact_id)
    if box.ente_id is not None and contact.ente_id != box.ente_id:
        raise InvalidError("Questa persona è di un altro ente: scegli la sua scheda in quello della casella.")
    require_on(session, by, Permission.MAIL_ANSWER, ente_id=contact.ente_id)
    if (row.contact_id, row.matched) == (contact.id, Matched.AGENT):
        return
    story.withdraw(session, row)
    _attribute(session, row, box, contact.ente_id)
    row.contact_id, row.matched = contact.id, Matched.AGENT
    changed(session, by, row, "mail.identified", {})
    story.tell(session, row)


def disown(session: Session, by: Principal, *, thread_id: UUID) -> None:
    """It is not who it was thought to be."""
    row, box = _locked(session, by, thread_id)
    if row.contact_id is None:
        return
    story.withdraw(session, row)
    changed(session, by, row, "mail.disowned", {})
    row.contact_id = row.matched = None
    if box.ente_id is None:
        _attribute(session, row, box, None)
    session.flush()


def about(session: Session, by: Principal, *, thread_id: UUID, topic: Topic | None) -> None:
    """He says what it is about."""
    row, _ = _locked(session, by, thread_id)
    row.topic = topic.value if topic else None
    changed(session, by, row, "mail.sorted", {"topic": row.topic})


def answer(
    session: Session, by: Principal, *, thread_id: UUID, version: int, text: str, once: UUID, sure: bool = False,
    copied: Collection[str] = (), quotes: bool = False,
) -> UUID:  # fmt: skip
    """Owe an answer to whoever wrote last; its mail's id. `version`: of the correspondence as he saw it; `copied`: who
    else of those whom the last mail was for; `quotes`: with that mail below.

    Raises `ConflictError` when somebody wrote meanwhile, `FieldError` for a text that is none or tells too much.
    """
    row, box = _locked(session, by, thread_id)
    if row.version != version:
        raise ConflictError(MOVED_ON)
    text, last = _tidy(text), _answerable(session, row, box)
    if not text:
        raise FieldError("Scrivi la risposta.", "text")
    others = [one for one in queries.others(last, box) if one in copied]
    if places := filling.named(text):
        raise FieldError(f"Completa o togli ciò che è fra parentesi graffe: {', '.join(places)}.", "text")
    match care(text, identified=queries.may_be_told(session, row) and not others):
        case Care.TELLS:
            raise FieldError(TELLS_OTHERS if others else TELLS, "text")
        case Care.HINTS if not sure:
            raise FieldError(HINTS, "text")
    signed = _whole(box, last, text, quotes=quotes)
    answers = [*last.answers.split(), last.message_id][-MOST_REFERENCES:]
    try:
        mail_id = writing.answer(
            session, by, boxes.box_of(box), row, to=last.sender, text=signed, answers=answers, once=once,
            copied=others,
        )  # fmt: skip
    except InvalidError as error:
        raise FieldError(str(error.parts[0] if error.parts else error), "text") from None
    enclosing.sent(session, by, thread_id=row.id, mail_id=mail_id)
    now = clock.now(session)
    waiting.answered(session, row, mail_id)
    row.last_at, row.trouble, row.answering_id, row.answering_at = now, False, None, None
    row.mails, row.assignee_id = row.mails + 1, row.assignee_id or by.user_id
    changed(session, by, row, "mail.answered", {})
    story.tell(session, row, mail_id)
    return mail_id


def previewed(
    session: Session, by: Principal, *, thread_id: UUID, text: str, copied: Collection[str] = (), quotes: bool = False
) -> Preview:  # fmt: skip
    """An answer as it would leave now. Raises as `answer` does, but for what it may not tell."""
    row, box = queries.thread(session, by, thread_id)
    last, text = _answerable(session, row, box), _tidy(text)
    if not text:
        raise FieldError("Scrivi la risposta.", "text")
    others = tuple(one for one in queries.others(last, box) if one in copied)
    try:
        written = writing.prepared(
            session, boxes.box_of(box), row, to=last.sender, text=_whole(box, last, text, quotes=quotes)
        )
    except InvalidError as error:
        raise FieldError(str(error.parts[0] if error.parts else error), "text") from None
    files = tuple(one.name for one in enclosing.written(session, by, row.id))
    return Preview(f"{box.name} <{box.address}>", last.sender, others, written.subject, written.body, files)


def undo(session: Session, by: Principal, *, mail_id: UUID) -> str:
    """Take an answer back that has not left, and give its text back; its files are its writer's again. Raises
    `ConflictError` once it has left.
    """
    mail = queries.mail(session, by, mail_id)
    row, box = _locked(session, by, mail.thread_id)
    if mail.outbox_id is None or mail.agent_id != by.user_id:
        raise ConflictError("Solo chi ha scritto una risposta la può annullare.")
    messages.cancel(session, by, message_id=mail.outbox_id)
    since = waiting.unanswered(session, mail.id)
    if since is not None:
        waiting.begins(session, row, since, certified=box.kind is MailboxKind.PEC)
    enclosing.taken_back(session, by, thread_id=row.id, mail_id=mail.id)
    changed(session, by, row, "mail.undone", {})
    return composing.text_of(mail.words, signature=box.signature)


def close(session: Session, by: Principal, *, thread_id: UUID) -> None:
    """Nothing more is to be done about it; whoever writes again opens it again. Twice is once."""
    row, _ = _locked(session, by, thread_id)
    if row.state is not ThreadState.CLOSED:
        waiting.ends(row, ThreadState.CLOSED, closed_at=clock.now(session))
        changed(session, by, row, "mail.closed", {})


def reopen(session: Session, by: Principal, *, thread_id: UUID) -> None:
    """Somebody is to answer after all."""
    row, box = _locked(session, by, thread_id)
    if row.state is not ThreadState.OPEN:
        waiting.begins(session, row, clock.now(session), certified=box.kind is MailboxKind.PEC)
        changed(session, by, row, "mail.reopened", {})


def _locked(session: Session, by: Principal, thread_id: UUID) -> tuple[MailThread, Mailbox]:
    return queries.thread(session, by, thread_id, locked=True)


def changed(session: Session, by: Principal, row: MailThread, kind: str, after: dict[str, object]) -> None:
    """Something was done with it: whoever saw it before is told, and it is in the access log of its ente."""
    row.version += 1
    session.flush()
    if row.ente_id is not None:
        certain = row.contact_id if row.matched is not Matched.PROPOSED else None
        audit.note(
            session, by, kind=kind, ente_id=row.ente_id, contact_id=certain, subject=f"mail:{row.id}", after=after
        )
    touch(session, topics.mail(row.contract_id), topics.mail_thread(row.id))


def _attribute(session: Session, row: MailThread, box: Mailbox, ente_id: int | None) -> None:
    """It is about this ente: so is everything in it."""
    if row.ente_id == ente_id:
        return
    mails = select(_MAIL.c.id).where(_MAIL.c.thread_id == row.id)
    session.execute(update(MailAttachment).where(MailAttachment.mail_id.in_(mails)).values(ente_id=ente_id))
    session.execute(update(PecReceipt).where(PecReceipt.mail_id.in_(mails)).values(ente_id=ente_id))
    session.execute(update(Mail).where(Mail.thread_id == row.id).values(ente_id=ente_id))
    enclosing.given_up(session, row.id)
    row.contact_id = row.matched = None
    row.ente_id = ente_id
    if row.waiting_since is not None:  # on the calendar of that ente
        waiting.begins(session, row, row.waiting_since, certified=box.kind is MailboxKind.PEC)
    session.flush()


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _answerable(session: Session, row: MailThread, box: Mailbox) -> Mail:
    """The mail to which an answer would go. Raises `ConflictError` where none can."""
    if box.closed_at is not None:
        raise ConflictError("Questa casella è chiusa: da qui non si può più rispondere.")
    if row.ente_id is None:
        raise ConflictError("Prima di rispondere di' chi scrive: così si sa per quale ente.")
    last = queries.last_of(session, row)
    if last is None or not last.sender:
        raise ConflictError("Non si sa a chi rispondere: nessuna persona ha scritto da un indirizzo.")
    return last


def _whole(box: Mailbox, last: Mail, text: str, *, quotes: bool) -> str:
    quoted = Quoted(last.at, last.sender_name or last.sender, last.words) if quotes else None
    return composing.body_of(text, signature=box.signature, quoted=quoted, most=MAX_BODY)
