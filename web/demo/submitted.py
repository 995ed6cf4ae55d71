"""What citizens of Empoli sent from its pages, in each state, and a document that one of them opens with a code.

Number and code, and the way to the document, are e-mails to read on the simulator's page *Messaggi*.
"""

import hashlib
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.agendas import sites
from crm.cases import documents, resting, service, views
from crm.cases.consigning import service as consigning
from crm.cases.consigning.models import Consignment
from crm.cases.documents import Brought
from crm.cases.lifecycle import Channel, Deed, Topic
from crm.cases.models import PauseReason
from crm.cases.saying import Request, Said
from crm.cases.submissions import drafts, following
from crm.cases.submissions.models import CaseSender
from crm.contacts.models import Contact, ContactReach, ReachKind, Verification
from crm.core.db import Database, Scope
from crm.documents.store import DocumentStore
from crm.enti import details
from crm.enti.models import Ente
from web.consigning.routes import page_at
from web.demo.accounts import COLLEAGUES
from web.demo.enti import person
from web.demo.papers import pdf
from web.demo.places import OVERSEEN
from web.submissions.steps import follow_page

PAPER = "Situazione dei pagamenti.pdf"
OFFICE = "Polizia Municipale, ufficio verbali"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, and what was done about it since: nothing, a step with its words, papers asked for, taken back."""

    topic: Topic
    told: dict[str, str] = field(default_factory=dict)
    language: str = "it"
    taken: bool = True
    deed: Deed | None = None
    words: str = ""


STORIES = (
    Sent(
        Topic.COMPLAINT, {"reasons": "Allo sportello ho aspettato due ore, e il numeratore era spento."}, taken=False
    ),
    Sent(
        Topic.INFORMATION,
        {"reasons": "Fino a quando si paga la seconda rata della TARI?", "email": "rosa.betti@posta.example"},
        deed=Deed.REPLY, words="La seconda rata si paga fino al 2 dicembre, con l'avviso che ha ricevuto a maggio.",
    ),
    Sent(
        Topic.FORMS,
        {"reasons": "Nel modulo per la riduzione non capisco che cosa scrivere al punto 4.",
         "email": "ugo.lari@posta.example"},
        deed=Deed.PAUSE, words="La pagina 2 del modulo, firmata, e una copia del documento d'identità.",
    ),
    Sent(
        Topic.INFORMATION,
        {"reasons": "Ho preso una multa per divieto di sosta: come vedo la foto?", "email": "ivo.salvi@posta.example"},
        deed=Deed.REDIRECT, words="Le foto dei verbali le ha la Polizia Municipale.",
    ),
    Sent(
        Topic.INFORMATION,
        {"reasons": "I am moving to Empoli in January: when do I have to register for the waste tax?",
         "email": "jane.hill@posta.example"},
        language="en",
    ),
    Sent(
        Topic.COMPLAINT,
        {"reasons": "Il cassonetto di via Ridolfi è rotto da una settimana.", "email": "pia.nesti@posta.example"},
        deed=Deed.WITHDRAW,
    ),
)  # fmt: skip


def submit(session: Session, *, public_url: str) -> None:
    """Once: a second time it does nothing."""
    if session.scalar(select(CaseSender.case_id).limit(1)) is not None:
        return
    ente_id = _ente(session)
    site = sites.of_ente(session, ente_id)
    assert site is not None
    follow_at, by = follow_page(site, public_url), person(session, COLLEAGUES[0].username)
    for one in (*STORIES, _of_a_taxpayer(session, ente_id)):
        token = drafts.begin(session, ente_id=ente_id, topic=one.topic, language=one.language)
        drafts.jot(session, ente_id=ente_id, token=token, **one.told)
        case_id = drafts.send(session, ente_id=ente_id, token=token, follow_at=follow_at).case_id
        if one.deed is Deed.WITHDRAW:
            following.withdraw(session, case_id=case_id)
        elif one.taken:
            _work(session, by, ente_id, case_id, one)


def hand_over(database: Database, store: DocumentStore, *, contract_id: int, public_url: str) -> None:
    """A document to the taxpayer whose e-mail is verified, unless he has one."""
    scope, content = Scope.of_contract(contract_id), pdf(["Comune di Empoli", PAPER, "Documento dimostrativo"])
    with database.begin(scope) as session:
        ente_id, known = _ente(session), _whose_address_is_known(session)
        if known is None or session.scalar(select(Consignment.id).limit(1)) is not None:
            return
    digest = hashlib.sha256(content).hexdigest()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "content"
        copy.write_bytes(content)
        store.put(ente_id, digest, copy)
    brought = Brought(PAPER, "application/pdf", len(content), digest)
    database.transact(scope, partial(_consign, contact_id=known, brought=brought, public_url=public_url))


def _consign(session: Session, *, contact_id: int, brought: Brought, public_url: str) -> None:
    by, ente_id = person(session, COLLEAGUES[0].username), _ente(session)
    site = sites.of_ente(session, ente_id)
    assert site is not None
    asked = Request(Topic.INFORMATION, Channel.PHONE, "Chiede che cosa risulta pagato", "La situazione dei pagamenti")
    case_id = service.open_case(session, by, request=asked, contact_id=contact_id)
    _step(session, by, case_id, Deed.TAKE, Said())
    paper = documents.add(session, by, case_id=case_id, brought=brought)
    at = page_at(site, public_url)
    consigning.consign(session, by, case_id=case_id, document_ids=[paper], page_at=at)


def _work(session: Session, by: Principal, ente_id: int, case_id: int, one: Sent) -> None:
    _step(session, by, case_id, Deed.TAKE, Said())
    if one.deed is Deed.PAUSE:
        version = views.one(session, case_id).version
        resting.pause(
            session, by, case_id=case_id, version=version, reason=PauseReason.PAPERS_MISSING, papers=one.words
        )
    elif one.deed is not None:
        office = next(found.id for found in details.offices(session, ente_id) if found.name == OFFICE)
        away = one.deed is Deed.REDIRECT
        _step(session, by, case_id, one.deed, Said(one.words, office_id=office if away else None))


def _step(session: Session, by: Principal, case_id: int, deed: Deed, said: Said) -> None:
    version = views.one(session, case_id).version
    service.step(session, by, case_id=case_id, version=version, deed=deed, said=said)


def _of_a_taxpayer(session: Session, ente_id: int) -> Sent:
    """Of somebody who may be one of them; he left a landline, and gets no message."""
    his = session.scalars(
        select(Contact)
        .where(Contact.ente_id == ente_id, Contact.given_name.is_not(None), Contact.codice_fiscale.is_not(None))
        .order_by(Contact.id.desc()).limit(1)
    ).one()  # fmt: skip
    told = {
        "reasons": "Ho pagato due volte la stessa rata", "asked": "Il rimborso", "phone": "+390571757999",
        "given_name": his.given_name or "", "surname": his.surname, "codice_fiscale": his.codice_fiscale or "",
    }  # fmt: skip
    return Sent(Topic.REFUND, told, taken=False)


def _ente(session: Session) -> int:
    return session.scalars(select(Ente.id).where(Ente.cadastral_code == OVERSEEN)).one()


def _whose_address_is_known(session: Session) -> int | None:
    verified = (ContactReach.kind == ReachKind.EMAIL, ContactReach.verification == Verification.VERIFIED)
    return session.scalar(
        select(ContactReach.contact_id).where(ContactReach.ente_id == _ente(session), *verified)
        .order_by(ContactReach.contact_id).limit(1)
    )  # fmt: skip
