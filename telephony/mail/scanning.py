"""Files of mails about which the scanner gave no answer are looked at again until it gives one."""

from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core import topics
from crm.core.db import Database, Scope, touch
from crm.documents.models import Scan
from crm.documents.scanning import NOT_SCANNED, Scanned, Scanner
from crm.documents.store import DocumentStore, StoreError
from telephony.mail.models import MOST_BYTES, Mail, MailAttachment
from telephony.mail.reading import part_of

AT_ONCE = 10


def scan_again(
    database: Database, scope: Scope, store: DocumentStore, scanner: Scanner, *, mailbox_id: int
) -> None:  # fmt: skip
    """Some of a mailbox, the oldest first, until one gets no answer again. What is not kept any more stays as it is."""
    with database.begin(scope) as session:
        rows = session.execute(
            select(MailAttachment.id, MailAttachment.part, Mail.kept_under, Mail.digest)
            .join(Mail, Mail.id == MailAttachment.mail_id)
            .where(MailAttachment.scan == Scan.FAILED, Mail.mailbox_id == mailbox_id, Mail.digest.is_not(None))
            .order_by(MailAttachment.id).limit(AT_ONCE)
        ).all()  # fmt: skip
    for row in rows:
        if row.kept_under is None or row.digest is None:
            continue
        try:
            file = part_of(store.read(row.kept_under, row.digest, most=MOST_BYTES), row.part)
        except StoreError:
            continue
        said = scanner.scan(file.content) if file is not None else NOT_SCANNED
        if said.scan is Scan.FAILED:
            return
        database.transact(scope, partial(_answered, attachment_id=row.id, said=said))


def _answered(session: Session, *, attachment_id: int, said: Scanned) -> None:
    row = session.get(MailAttachment, attachment_id, with_for_update=True)
    if row is not None and row.scan is Scan.FAILED:
        row.scan, row.virus = said.scan, said.virus
        session.flush()
        touch(session, topics.mail_thread(session.get_one(Mail, row.mail_id).thread_id))
