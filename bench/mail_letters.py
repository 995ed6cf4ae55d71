"""Mails that are measured with, and the mailbox to which they come."""

from dataclasses import replace
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from bench.place import Centre
from telephony.mail.boxes import Told
from telephony.mail.models import Auth, MailboxKind, Tls
from telephony.mail.secrets import Secret
from tests.dovecot import PASSWORD


def mail(number: int) -> bytes:
    """Somebody asks for instalments, with a file of 30 kB."""
    message = EmailMessage()
    message["From"], message["To"] = f"a{number}@example.it", "tributi@comune.example"
    message["Subject"], message["Message-ID"] = f"Rateizzazione {number}", f"<{UUID(int=number)}@example.it>"
    message.set_content("Buongiorno, vorrei pagare a rate.\n" * 20)
    message.add_attachment(b"%PDF-1.7" + bytes(30_000), maintype="application", subtype="pdf", filename="avviso.pdf")
    return message.as_bytes()


def told(centre: Centre, **more: Any) -> Told:
    """Empoli's mailbox."""
    usual = Told(
        contract_id=centre.cast.contract, ente_id=centre.cast.empoli, queue_id=None, kind=MailboxKind.EMAIL, name="x",
        address="tributi@comune.example", imap_host="127.0.0.1", imap_port=9, imap_tls=Tls.NONE, smtp_host="127.0.0.1",
        smtp_port=9, smtp_tls=Tls.NONE, username="u", auth=Auth.PASSWORD, secret=Secret(password=PASSWORD),
    )  # fmt: skip
    return replace(usual, **more)
