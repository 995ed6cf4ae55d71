"""The timeline of whoever it is sure enough that he writes: each mail of his correspondence, without its words."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.timeline import service as timeline
from crm.timeline.models import EntryKind
from telephony.mail.automatic import Nature
from telephony.mail.models import Mail, MailThread, Matched


class Way(StrEnum):
    """Which way a mail went."""

    IN = "in"
    OUT = "out"


_SURE = frozenset({Matched.VERIFIED, Matched.AGENT})


def tell(session: Session, thread: MailThread, *mail_ids: UUID) -> None:
    """Put these mails on his timeline; none named: all of them. What a machine wrote is not on it."""
    if thread.ente_id is None or thread.contact_id is None or thread.matched not in _SURE:
        return
    which = [Mail.thread_id == thread.id, Mail.nature == Nature.PERSON]
    if mail_ids:
        which.append(Mail.id.in_(mail_ids))
    for mail in session.scalars(select(Mail).where(*which).order_by(Mail.at)):
        timeline.record(
            session, ente_id=thread.ente_id, contact_id=thread.contact_id, kind=EntryKind.MAIL, source=mail.id,
            occurred_at=mail.at, author_id=mail.agent_id, status=(Way.IN if mail.inbound else Way.OUT).value,
            detail={
                "thread": str(thread.id), "code": thread.code, "subject": mail.subject,
                "certified": mail.pec is not None, "topic": thread.topic,
            },
        )  # fmt: skip


def withdraw(session: Session, thread: MailThread) -> None:
    """It is somebody else after all."""
    if thread.ente_id is None or thread.contact_id is None:
        return
    for mail_id in session.scalars(select(Mail.id).where(Mail.thread_id == thread.id)):
        timeline.withdraw(
            session, ente_id=thread.ente_id, contact_id=thread.contact_id, kind=EntryKind.MAIL, source=mail_id
        )
