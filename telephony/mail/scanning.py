"""Files of mails about which the scanner gave no answer are looked at again until it gives one."""

from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.core import topics
from crm.core.db import Database, Scope, touch
from crm.documents.models import Scan
from crm.documents.scanning import NOT_SCANNED, Scanned, Scanner
from crm.documents.store import DocumentStore, StoreError
from telephony.mail.models import MOST_BYTES, Mail, MailAttachment
from telephony.mail.reading import part_of

AT_ONCE, MOST_UNANSWERED = 5, 2  # files; each may take as long as the scanner is waited for


def scan_again(
    database: Database, scope: Scope, store: DocumentStore, scanner: Scanner, *, mailbox_id: int
) -> None:  # fmt: skip
    """Some of a mailbox, in no order, so that none stands before the others for ever. What is not kept any more stays
    as it is.
    """
    with database.begin(scope) as session:
        rows = session.execute(
            select(MailAttachment.id, MailAttachment.part, Mail.kept_under, Mail.digest)
            .join(Mail, Mail.id == MailAttachment.mail_id)
            .where(MailAttachment.scan == Scan.FAILED, Mail.mailbox_id == mailbox_id, Mail.digest.is_not(None))
            .order_by(func.random()).limit(AT_ONCE)
        ).all()  # fmt: skip
    unanswered = 0
    for row in rows:
        if row.kept_under is None or row.digest is None:
            continue
        try:
            file = part_of(store.read(row.kept_under, row.digest, most=MOST_BYTES), row.part)
        except StoreError:
            continue
        said = scanner.scan(file.content) if file is not None else NOT_SCANNED
        if said.scan is Scan.FAILED:
            unanswered += 1
            if unanswered == MOST_UNANSWERED:  # it is not this file: it does not answer yet
                return
            continue
        database.transact(scope, partial(_answered, attachment_id=row.id, said=said))


def _answered(session: Session, *, attachment_id: int, said: Scanned) -> None:
    row = session.get(MailAttachment, attachment_id, with_for_update=True)
    if row is not None and row.scan is Scan.FAILED:
        row.scan, row.virus = said.scan, said.virus
        session.flush()
        touch(session, topics.mail_thread(session.get_one(Mail, row.mail_id).thread_id))
