"""Handing documents of a case to its taxpayer, and taking them back."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.agendas import codes
from crm.agendas.codes import Use
from crm.cases import rights, told
from crm.cases.consigning import rules
from crm.cases.consigning.models import ConsignedDocument, Consignment
from crm.cases.consigning.rules import Standing, Ways
from crm.cases.lifecycle import Deed, Who
from crm.cases.models import Case, CaseDocument
from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.db import new_id
from crm.core.errors import ConflictError, FieldError, NotFoundError
from crm.documents.models import Scan
from crm.messages import queries as messages_queries
from crm.messages import service as messages
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate
from crm.messages.wording import spoken

MOST = 10  # documents at once
_TOKEN = "x" * 8  # stands for one in the preview


@dataclass(frozen=True, slots=True)
class Preview:
    """What he would get: where the way goes and where the code, and the message as it would leave."""

    ways: Ways
    subject: str
    words: str


@dataclass(frozen=True, slots=True)
class ConsignmentView:
    """What was handed over. `files`: their names, and when each was first opened."""

    id: UUID
    made_at: datetime
    until: datetime
    standing: Standing
    goes_to: str
    files: tuple[tuple[str, datetime | None], ...]


def preview(session: Session, case_id: int, *, page_at: str) -> Preview | None:
    """What he would get now; none where no address is verified as his, or nobody knows whose the case is."""
    row = session.get_one(Case, case_id)
    found, _ = _ways(session, row)
    if found is None:
        return None
    ready = messages.prepare(session, _order(row, found, f"{page_at}/{_TOKEN}"))
    return Preview(found, ready.written.subject, ready.written.body.replace(_TOKEN, "…"))


def consign(
    session: Session, by: Principal, *, case_id: int, document_ids: Collection[UUID], page_at: str
) -> UUID:  # fmt: skip
    """Hand over some of its documents; the case may be over. `page_at`: under which the page is: its token follows.

    Raises `FieldError` where none is chosen, `ConflictError` where he has no verified address.
    """
    row = _case(session, by, case_id)
    ways, language = _ways(session, row)
    if ways is None:
        raise ConflictError("Non ha un'e-mail o un cellulare verificati: prima vanno verificati nel suo fascicolo.")
    mine = select(CaseDocument).where(
        CaseDocument.case_id == case_id, CaseDocument.id.in_(document_ids),
        CaseDocument.scan.is_distinct_from(Scan.INFECTED),
    )  # fmt: skip
    documents = session.scalars(mine.order_by(CaseDocument.added_at, CaseDocument.id)).all()
    if not documents or len(documents) != len(set(document_ids)) or len(documents) > MOST:
        raise FieldError(f"Scegli da 1 a {MOST} documenti.", "document_ids")
    assert row.contact_id is not None
    at, new = clock.now(session), new_id(session)
    session.add(
        Consignment(
            id=new, ente_id=row.ente_id, case_id=case_id, contact_id=row.contact_id, language=spoken(language),
            made_at=at, made_by=by.user_id, until=at + rules.LIVES, code_channel=ways.code.channel,
            code_address=ways.code.value, code_tries=0, codes_sent=0,
        )
    )  # fmt: skip
    session.flush()
    session.add_all(ConsignedDocument(consignment_id=new, document_id=one.id, ente_id=row.ente_id) for one in documents)
    link = f"{page_at}/{codes.token(session, Use.CONSIGNED, row.ente_id, new)}"
    message = messages.owe(session, by, _order(row, ways, link), cause=f"case:{case_id}:consigned:{new}")
    told.step(
        session, by, row, Deed.CONSIGN, at, words=", ".join(one.name for one in documents)[:2000], message_id=message
    )
    return new


def withdraw(session: Session, by: Principal, *, case_id: int, consignment_id: UUID) -> None:
    """He is not to open it any more. Said again it is no error."""
    row = _case(session, by, case_id)
    found = session.get(Consignment, consignment_id, with_for_update=True, populate_existing=True)
    if found is None or found.case_id != case_id:
        raise NotFoundError("Questo invio non c'è.")
    if found.withdrawn_at is not None:
        return
    at = clock.now(session)
    found.withdrawn_at, found.pass_mark, found.code_mark = at, None, None
    told.step(session, by, row, Deed.RECALL, at)


def of_case(session: Session, case_id: int) -> list[ConsignmentView]:
    """What was handed over, the latest first."""
    now = clock.now(session)
    rows = session.scalars(
        select(Consignment).where(Consignment.case_id == case_id).order_by(Consignment.made_at.desc())
    ).all()
    found = []
    for one in rows:
        files = tuple(
            (name, at)
            for name, at in session.execute(
                select(CaseDocument.name, ConsignedDocument.opened_at)
                .join(ConsignedDocument, ConsignedDocument.document_id == CaseDocument.id)
                .where(ConsignedDocument.consignment_id == one.id).order_by(CaseDocument.added_at, CaseDocument.id)
            )
        )  # fmt: skip
        standing = rules.standing(
            withdrawn=one.withdrawn_at is not None, until=one.until, opened=any(at for _, at in files), now=now
        )
        found.append(ConsignmentView(one.id, one.made_at, one.until, standing, rules.masked(one.code_address), files))
    return found


def _case(session: Session, by: Principal, case_id: int) -> Case:
    row = session.get(Case, case_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa richiesta non c'è.")
    rights.require(session, by, Who.OPERATOR, row.ente_id)
    return row


def _ways(session: Session, row: Case) -> tuple[Ways | None, str]:
    if row.contact_id is None:
        return None, ""
    facts, language = messages_queries.facts(session, contacts.get(session, row.contact_id))
    return rules.ways(() if facts.deceased else facts.addresses), language


def _order(row: Case, ways: Ways, link: str) -> Order:
    return Order(
        row.ente_id, MessageTemplate.CASE_DOCUMENTS.value, {"number": told.label(row), "link": link},
        contact_id=row.contact_id, channel=ways.link.channel, address=ways.link.value,
    )  # fmt: skip
