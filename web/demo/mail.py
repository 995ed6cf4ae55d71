"""The demonstration's mailboxes: one by e-mail, one certified. No server of theirs is there to be read: what came to
them are files of this module, taken in as fetched mails are; answers leave by the server that stands in for a real one.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.contacts.models import Contact, ContactReach, ReachKind, Verification
from crm.core import clock
from crm.core.db import Database, Scope
from crm.documents.store import DocumentStore
from crm.enti.models import Ente
from telephony.mail import boxes, deeds
from telephony.mail.boxes import Told
from telephony.mail.fetching import Fetcher
from telephony.mail.models import Auth, Mailbox, MailboxKind, MailThread, Tls
from telephony.mail.secrets import Secret
from web.demo.accounts import ADMINISTRATOR, COLLEAGUES
from web.demo.enti import person
from web.demo.papers import pdf
from web.demo.places import OVERSEEN

ADDRESS, CERTIFIED = "tributi@comune.empoli.example", "tributi@pec.comune.empoli.example"
NOWHERE, NEVER = 9, datetime(2100, 1, 1, tzinfo=UTC)  # discard (RFC 863): nobody answers there
SIGNATURE = "Servizio tributi del Comune di Empoli\nRispondiamo dal lunedì al sabato"
RATES = (
    "Buongiorno,\n\nho ricevuto una lettera e vorrei sapere se posso pagare in più volte, perché in questo periodo "
    "lavoro poco. Che cosa devo mandarvi?\n\nGrazie"
)
PAID = (
    "<html><body><p>Buonasera,</p><p>vi mando la <b>ricevuta</b>: risulta ancora da pagare, ma ho pagato "
    "due settimane fa.</p><img src='https://spia.example/pixel.gif' alt=''><p>Cordiali saluti</p></body></html>"
)
COPY = "Con la presente chiedo copia della notifica dell'atto, ai sensi della legge 241 del 1990.\n\nDistinti saluti"
THANKS = "Grazie mille, tutto chiaro."


def post(database: Database, store: DocumentStore, *, contract_id: int, smtp_port: int | None) -> None:
    """Two mailboxes and what came to them, unless they are there. `smtp_port` is another one at each start."""
    scope = Scope.of_contract(contract_id)
    made = database.transact(scope, partial(_boxes, contract_id=contract_id))
    for mailbox_id, mails in made.items():
        fetcher = Fetcher(database, store)
        leased = fetcher.lease(mailbox_id, contract_id, uuid4())
        assert leased is not None
        fetcher.bring(leased, mails)
        fetcher.release(leased)
    if made:
        database.transact(scope, _answer_one)
    port = smtp_port or NOWHERE
    database.transact(scope, lambda session: session.execute(
        update(Mailbox).where(Mailbox.address.in_((ADDRESS, CERTIFIED))).values(smtp_port=port, due_at=NEVER)
    ))  # fmt: skip


def _boxes(session: Session, *, contract_id: int) -> dict[int, list[tuple[bytes, datetime]]]:
    if session.scalar(select(Mailbox.id).where(Mailbox.contract_id == contract_id).limit(1)) is not None:
        return {}
    ente_id = session.scalars(select(Ente.id).where(Ente.cadastral_code == OVERSEEN)).one()
    by, now = person(session, ADMINISTRATOR.username), clock.now(session)
    told = Told(
        contract_id=contract_id, ente_id=ente_id, queue_id=None, kind=MailboxKind.EMAIL, name="Tributi Empoli",
        address=ADDRESS, imap_host="127.0.0.1", imap_port=NOWHERE, imap_tls=Tls.NONE, smtp_host="127.0.0.1",
        smtp_port=NOWHERE, smtp_tls=Tls.NONE, username="tributi", auth=Auth.PASSWORD,
        secret=Secret(password="dimostrazione"), signature=SIGNATURE, acknowledges=False,  # noqa: S106  # opens nothing
    )  # fmt: skip
    plain = boxes.add(session, by, told)
    pec = boxes.add(session, by, _certified(told))
    (known, _), (other, name) = _people(session, ente_id)
    mails = [
        (_mail("anna.verdi@posta.example", "Anna Verdi", "Informazioni", THANKS, "0"), now - timedelta(days=5)),
        (_mail(known, "", "Richiesta di rateizzazione", RATES, "1"), now - timedelta(days=2, hours=3)),
        (_receipt("giulio.neri@posta.example"), now - timedelta(hours=20)),
        (_mail(other, name, "Quando venire?", "A che ora siete aperti il giovedì?", "3"), now - timedelta(hours=2)),
        (_away("p.bruni@posta.example"), now - timedelta(hours=1)),
    ]  # fmt: skip
    istance = _mail("studio.bini@pec.example", "Studio Bini", "Istanza di accesso agli atti", COPY, "4", to=CERTIFIED)
    return {plain: mails, pec: [(_envelope(istance), now - timedelta(days=1))]}


def _certified(told: Told) -> Told:
    return replace(told, kind=MailboxKind.PEC, name="PEC Empoli", address=CERTIFIED)


def _people(session: Session, ente_id: int) -> list[tuple[str, str]]:
    """Two taxpayers: one whose address is verified, and one who has told his."""
    rows = session.execute(
        select(Contact.id, Contact.given_name, Contact.surname).where(
            Contact.ente_id == ente_id, Contact.given_name.is_not(None)
        ).order_by(Contact.id).limit(2)
    ).all()  # fmt: skip
    found = []
    for (contact_id, given, surname), verified in zip(rows, (True, False), strict=True):
        address = f"{given}.{surname}@posta.example".lower().replace(" ", "").replace("'", "")
        session.add(
            ContactReach(
                ente_id=ente_id, contact_id=contact_id, kind=ReachKind.EMAIL, value=address,
                verification=Verification.VERIFIED if verified else Verification.UNVERIFIED,
            )
        )  # fmt: skip
        found.append((address, f"{given} {surname}".title()))
    session.flush()
    return found


def _answer_one(session: Session) -> None:
    """The oldest has been closed by a colleague."""
    oldest = session.scalars(select(MailThread.id).order_by(MailThread.begun_at).limit(1)).one()
    deeds.close(session, person(session, COLLEAGUES[0].username), thread_id=oldest)


def _mail(sender: str, name: str, subject: str, text: str, key: str, *, to: str = ADDRESS) -> bytes:
    message = EmailMessage()
    message["From"] = f'"{name}" <{sender}>' if name else sender
    message["To"], message["Subject"], message["Message-ID"] = to, subject, f"<demo-{key}@posta.example>"
    message.set_content(text)
    return message.as_bytes()


def _receipt(sender: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = f'"Giulio Neri" <{sender}>', ADDRESS
    message["Subject"], message["Message-ID"] = "Ho già pagato!", "<demo-2@posta.example>"
    message.set_content(PAID, subtype="html")
    paid = pdf(["Ricevuta di pagamento", "Documento dimostrativo"])
    message.add_attachment(paid, maintype="application", subtype="pdf", filename="ricevuta pagamento.pdf")
    message.add_attachment(b"MZ\x90\x00", maintype="application", subtype="pdf", filename="altra ricevuta.pdf")
    return message.as_bytes()


def _away(sender: str) -> bytes:
    raw = _mail(sender, "P. Bruni", "Risposta automatica", "Sono in ferie fino al 30.", "5")
    return b"Auto-Submitted: auto-replied\n" + raw


def _envelope(inner: bytes) -> bytes:
    """As a provider carries it, but for its signature: what it says of itself is shown as unproved."""
    data = (
        '<postacert tipo="posta-certificata" errore="nessuno"><intestazione>'
        "<mittente>studio.bini@pec.example</mittente>"
        f'<destinatari tipo="certificato">{CERTIFIED}</destinatari><oggetto>Istanza</oggetto></intestazione><dati>'
        "<gestore-emittente>Gestore dimostrativo</gestore-emittente><msgid>&lt;demo-4@posta.example&gt;</msgid></dati>"
        "</postacert>"
    )
    return (
        b"From: posta-certificata@pec.example\nSubject: POSTA CERTIFICATA: Istanza\nX-Trasporto: posta-certificata\n"
        b"Message-ID: <busta@pec.example>\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="busta"\n\n--busta\nContent-Type: text/plain\n\nMessaggio\n'
        b'--busta\nContent-Type: application/xml; name="daticert.xml"\n'
        b'Content-Disposition: inline; filename="daticert.xml"\n\n' + data.encode()
        + b'\n--busta\nContent-Type: message/rfc822; name="postacert.eml"\n'
        b'Content-Disposition: inline; filename="postacert.eml"\n\n' + inner + b"\n--busta--\n"
    )  # fmt: skip
