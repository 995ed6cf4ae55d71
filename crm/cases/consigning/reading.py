"""The taxpayer's side: a code to his verified address, exchanged for a pass of half an hour; each opening is kept."""

import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.agendas import codes
from crm.agendas.codes import Use
from crm.cases import told
from crm.cases.consigning import rules
from crm.cases.consigning.models import ConsignedDocument, Consignment
from crm.cases.lifecycle import Deed
from crm.cases.models import Case, CaseDocument
from crm.contacts import queries as contacts
from crm.core import clock, secrecy
from crm.core.errors import ConflictError, NotFoundError
from crm.documents.models import Scan
from crm.messages import queries as messages_queries
from crm.messages import service as messages
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate

TOO_MANY = "Oggi ti abbiamo già mandato più codici: riprova domani, o chiamaci."


@dataclass(frozen=True, slots=True)
class Handed:
    """What somebody is told before he has the code: where it goes, and nothing else."""

    language: str
    goes_to: str
    code_sent: bool
    more: bool  # another may be sent today


@dataclass(frozen=True, slots=True)
class File:
    """A document that he may open."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: str


def handed(session: Session, *, ente_id: int, token: str) -> Handed:
    """What the page says at first. Raises `NotFoundError` for what is over, taken back or was never there."""
    row = _mine(session, ente_id, token)
    alive = row.code_mark is not None and row.code_until is not None and row.code_until > clock.now(session)
    return Handed(row.language, rules.masked(row.code_address), alive, _sent(session, row) < rules.MOST_CODES)


def send_code(session: Session, *, ente_id: int, token: str) -> None:
    """Send six digits; the ones before are void. Raises `ConflictError` for too many, or an address no longer his."""
    row = _mine(session, ente_id, token)
    now = clock.now(session)
    facts, _ = messages_queries.facts(session, contacts.get(session, row.contact_id))
    his = {(one.channel, one.value) for one in facts.addresses if one.verified}
    if facts.deceased or (row.code_channel, row.code_address) not in his:
        raise ConflictError("Questo indirizzo non è più verificato come tuo: chiamaci o vieni allo sportello.")
    if not (sent := _sent(session, row)):
        row.codes_since = now
    if sent >= rules.MOST_CODES:
        raise ConflictError(TOO_MANY)
    code = f"{secrets.randbelow(10**6):06d}"
    row.code_mark, row.code_until = _mark(session, row, code), now + rules.CODE_LIVES
    row.code_tries, row.codes_sent = 0, sent + 1
    session.flush()
    order = Order(
        ente_id, MessageTemplate.ONE_TIME_CODE.value,
        {"code": code, "minutes": str(rules.CODE_LIVES.seconds // 60)}, contact_id=row.contact_id,
        channel=row.code_channel, address=row.code_address, language=row.language,
    )  # fmt: skip
    messages.owe(session, None, order, cause=f"consigned:{row.id}:{now.isoformat()}")


def _sent(session: Session, row: Consignment) -> int:
    """How many codes count against how many may be sent."""
    over = row.codes_since is None or row.codes_since <= clock.now(session) - rules.CODES_WITHIN
    return 0 if over else row.codes_sent


def enter(session: Session, *, ente_id: int, token: str, code: str) -> str | None:
    """The pass that a code is exchanged for, once; none where it is wrong, over or tried too often.

    What was tried counts, so this raises nothing for a wrong one.
    """
    row = _mine(session, ente_id, token)
    now = clock.now(session)
    late = row.code_until is None or row.code_until <= now
    if row.code_mark is None or late or row.code_tries >= rules.MOST_TRIES:
        return None
    row.code_tries += 1
    if not hmac.compare_digest(row.code_mark, _mark(session, row, "".join(code.split()))):
        session.flush()
        return None
    given = secrets.token_urlsafe(24)
    row.code_mark, row.pass_mark, row.pass_until = None, _mark(session, row, given), now + rules.PASS_LIVES
    session.flush()
    return given


def files(session: Session, *, ente_id: int, token: str, given: str) -> list[File]:
    """What he may open with his pass. Raises `NotFoundError` once that is over."""
    row = _entered(session, ente_id, token, given)
    return [
        File(one.id, one.name, one.media_type, one.size, one.sha256)
        for one in session.scalars(
            select(CaseDocument)
            .join(ConsignedDocument, ConsignedDocument.document_id == CaseDocument.id)
            .where(ConsignedDocument.consignment_id == row.id, CaseDocument.scan.is_distinct_from(Scan.INFECTED))
            .order_by(CaseDocument.added_at, CaseDocument.id)
        )
    ]  # fmt: skip


def open_file(session: Session, *, ente_id: int, token: str, given: str, document_id: UUID) -> File:
    """He opens one: kept, on the timeline and in the access log. Raises `NotFoundError`."""
    row = _entered(session, ente_id, token, given)
    found = next(
        (one for one in files(session, ente_id=ente_id, token=token, given=given) if one.id == document_id), None
    )
    if found is None:
        raise NotFoundError("Questo documento non c'è.")
    its = session.get_one(ConsignedDocument, (row.id, document_id), with_for_update=True)
    at = clock.now(session)
    its.opened_at = its.opened_at or at
    told.step(session, None, session.get_one(Case, row.case_id, with_for_update=True), Deed.READ, at, words=found.name)
    return found


def _mine(session: Session, ente_id: int, token: str) -> Consignment:
    found = codes.read_token(session, Use.CONSIGNED, ente_id, token)
    row = None if found is None else session.get(Consignment, found, with_for_update=True, populate_existing=True)
    if row is None or row.ente_id != ente_id or row.withdrawn_at is not None or row.until <= clock.now(session):
        raise NotFoundError("Qui non c'è più niente da leggere: chiamaci o vieni allo sportello.")
    return row


def _entered(session: Session, ente_id: int, token: str, given: str) -> Consignment:
    row = _mine(session, ente_id, token)
    over = row.pass_until is None or row.pass_until <= clock.now(session)
    if row.pass_mark is None or over or not hmac.compare_digest(row.pass_mark, _mark(session, row, given)):
        raise NotFoundError("La mezz'ora per aprirli è passata: chiedi un altro codice.")
    return row


def _mark(session: Session, row: Consignment, text: str) -> bytes:
    return secrecy.of(session).mark("consignment.code", row.id.bytes + text.encode())[:16]
