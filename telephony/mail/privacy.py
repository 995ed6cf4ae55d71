"""What mailboxes hold of a person: what he wrote and was written, the files, and the originals in the store."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, or_, select, update
from sqlalchemy.orm import Session

from crm.contacts.models import ContactReach
from crm.core.db import table_of
from crm.documents import privacy as documents
from crm.privacy.holders import Fate, Holder, Person, Section, Went, plain, rows_of
from telephony.mail import enclosing
from telephony.mail.models import Mail, MailAttachment, MailEnclosure, MailThread, PecReceipt, ThreadState

_THREAD, _MAIL, _FILE = table_of(MailThread), table_of(Mail), table_of(MailAttachment)
_RECEIPT, _REACH, _OURS = table_of(PecReceipt), table_of(ContactReach), table_of(MailEnclosure)
LIVE = "Una sua e-mail aspetta risposta: la cancellazione si fa quando la conversazione è chiusa."
WHY = "Date e tempi di risposta misurano il servizio; indirizzi, parole e originali sono cancellati."
_TOLD = ("code", "subject", "correspondent", "correspondent_name", "topic", "begun_at", "last_at", "closed_at")
_WRITTEN = ("at", "inbound", "sender", "subject", "words", "digest")


class _Correspondences:
    tables = frozenset({"mail_thread", "mail", "mail_attachment", "mail_enclosure", "pec_receipt"})

    def export(self, session: Session, person: Person) -> list[Section]:
        """Everything that was written, with the originals."""
        his = _of(person)
        ids = select(_THREAD.c.id).where(his)
        threads = select(*(_THREAD.c[name] for name in _TOLD)).where(his).order_by(_THREAD.c.begun_at)
        mails = select(*(_MAIL.c[name] for name in _WRITTEN)).where(_MAIL.c.thread_id.in_(ids)).order_by(_MAIL.c.at)
        files_ = (
            select(_FILE.c.name, _FILE.c.media_type, _FILE.c.size).where(_FILE.c.mail_id.in_(_mails(ids)))
            .order_by(_FILE.c.id)
        )  # fmt: skip
        originals = session.execute(
            select(_MAIL.c.id, _MAIL.c.digest).where(
                _MAIL.c.thread_id.in_(ids), _MAIL.c.digest.is_not(None), _MAIL.c.kept_under == person.ente_id
            )
        )
        contents = tuple((str(id_) + ".eml", digest) for id_, digest in originals)
        enclosed = select(_OURS.c.name, _OURS.c.size, _OURS.c.added_at).where(
            _OURS.c.thread_id.in_(ids), _OURS.c.mail_id.is_not(None)
        )
        ours = session.execute(
            select(_OURS.c.id, _OURS.c.name, _OURS.c.sha256).where(
                _OURS.c.thread_id.in_(ids), _OURS.c.mail_id.is_not(None), _OURS.c.ente_id == person.ente_id
            )
        )
        files = tuple((f"{id_}-{name}", sha256) for id_, name, sha256 in ours)
        receipts = (
            select(_RECEIPT.c.kind, _RECEIPT.c.at, _RECEIPT.c.provider, _RECEIPT.c.identifier)
            .where(_RECEIPT.c.mail_id.in_(_mails(ids))).order_by(_RECEIPT.c.id)
        )  # fmt: skip
        parts = (
            ("mail_thread", "Conversazioni per e-mail e PEC", threads, ()),
            ("mail", "E-mail e PEC", mails, contents), ("mail_attachment", "Allegati delle e-mail", files_, ()),
            ("mail_enclosure", "Allegati delle nostre risposte", enclosed.order_by(_OURS.c.added_at), files),
            ("pec_receipt", "Ricevute PEC", receipts, ()),
        )  # fmt: skip
        return [
            Section(name, title, [plain(row) for row in session.execute(rows).mappings()], kept)
            for name, title, rows, kept in parts
        ]

    def obstacles(self, session: Session, person: Person) -> list[str]:
        """One that waits for an answer."""
        live = select(_THREAD.c.id).where(_of(person), _THREAD.c.state == ThreadState.OPEN).limit(1)
        return [LIVE] if session.execute(live).first() else []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Take addresses, words, files and originals away. When was written and answered stays."""
        his = _of(person)
        ids = list(session.scalars(select(_THREAD.c.id).where(his)))
        mails = select(_MAIL.c.id).where(_MAIL.c.thread_id.in_(ids))
        kept = select(_MAIL.c.digest).where(_MAIL.c.thread_id.in_(ids), _MAIL.c.digest.is_not(None))
        digests = [one for one in session.scalars(kept) if one]
        files = rows_of(session.execute(delete(_FILE).where(_FILE.c.mail_id.in_(mails))))
        receipts = rows_of(session.execute(delete(_RECEIPT).where(_RECEIPT.c.mail_id.in_(mails))))
        bare: dict[str, Any] = {
            "sender": "", "sender_name": "", "recipients": [], "subject": "", "words": "", "answers": "",
            "digest": None, "kept_under": None, "has_html": False,
        }  # fmt: skip
        emptied = rows_of(session.execute(update(_MAIL).where(_MAIL.c.thread_id.in_(ids)).values(bare)))
        threads = rows_of(
            session.execute(
                update(_THREAD).where(_THREAD.c.id.in_(ids)).values(
                    subject="", snippet="", correspondent="", correspondent_name="", contact_id=None, matched=None,
                    attachments=0,
                )
            )
        )  # fmt: skip
        ours = enclosing.of_threads(session, ente_id=person.ente_id, thread_ids=ids)
        documents.let_go(session, ente_id=person.ente_id, digests=digests)
        return [
            Went("Conversazioni per e-mail e PEC", threads, Fate.ANONYMISED, WHY),
            Went("E-mail e PEC", emptied, Fate.ANONYMISED, WHY),
            Went("Allegati delle e-mail", files, Fate.DELETED),
            Went("Allegati delle nostre risposte", ours, Fate.DELETED), Went("Ricevute PEC", receipts, Fate.DELETED),
        ]  # fmt: skip


def _of(person: Person) -> ColumnElement[bool]:
    """Those about him, and from his addresses when nobody knew whose they are."""
    addresses = select(_REACH.c.value).where(
        _REACH.c.ente_id == person.ente_id, _REACH.c.contact_id.in_(person.contact_ids)
    )
    nobodys = _THREAD.c.contact_id.is_(None) & _THREAD.c.correspondent.in_(addresses)
    return (_THREAD.c.ente_id == person.ente_id) & or_(_THREAD.c.contact_id.in_(person.contact_ids), nobodys)


def _mails(threads: Select[UUID]) -> Select[UUID]:
    return select(_MAIL.c.id).where(_MAIL.c.thread_id.in_(threads))


HOLDERS: tuple[Holder, ...] = (_Correspondences(),)
