"""Mails as they come, put together by hand: what a library would write right is often what has to be wrong here."""

import base64
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

MARIO = "mario.bianchi@example.it"
BOX = "tributi@comune.empoli.example"
PEC_BOX = "tributi@pec.comune.empoli.example"
PROVIDER = "posta-certificata@gestore.example"


def letter(
    text: str = "Buongiorno, vorrei pagare a rate.", *, subject: str = "Rateizzazione", sender: str = MARIO,
    to: str = BOX, named: str = "uno@example.it", answers: str = "", **headers: str,
) -> bytes:  # fmt: skip
    """A plain mail. Headers by their names, with _ for -."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = "Mon, 23 Nov 2026 10:00:00 +0100"
    if named:
        message["Message-ID"] = f"<{named}>"
    if answers:
        message["In-Reply-To"] = message["References"] = f"<{answers}>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def with_file(name: str, content: bytes, media: str = "application/pdf", **more: str) -> bytes:
    """A mail with a file."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = MARIO, BOX, "Ricevuta"
    message["Message-ID"] = f"<{more.get('named', 'file@example.it')}>"
    if "answers" in more:
        message["In-Reply-To"] = f"<{more['answers']}>"
    message.set_content("In allegato la ricevuta.")
    kind, _, subkind = media.partition("/")
    message.add_attachment(content, maintype=kind, subtype=subkind, filename=name)
    return message.as_bytes()


def bounced(message_id: str, at: str = MARIO) -> bytes:
    """A mail server says that this one did not arrive at an address (RFC 3464)."""
    return (
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.it\r\nContent-Type: multipart/report; "
        b'report-type=delivery-status; boundary="b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n'
        b"Final-Recipient: rfc822; " + at.encode() + b"\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n"
        b"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: " + message_id.encode() + b"\r\n--b--\r\n"
    )  # fmt: skip


def daticert(
    kind: str, original: str, *, sender: str = PEC_BOX, to: str = "mario@pec.example", error: str = "nessuno"
) -> str:
    """What a provider certifies."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\r\n<postacert tipo="{kind}" errore="{error}"><intestazione>'
        f'<mittente>{sender}</mittente><destinatari tipo="certificato">{to}</destinatari><risposte>{sender}</risposte>'
        f"<oggetto>Risposta</oggetto></intestazione><dati><gestore-emittente>Gestore S.p.A.</gestore-emittente>"
        f'<data zona="+0100"><giorno>23/11/2026</giorno><ora>11:02:03</ora></data>'
        f"<identificativo>opec1.2026@gestore.example</identificativo><msgid>&lt;{original}&gt;</msgid>"
        f"<consegna>{to}</consegna></dati></postacert>"
    )


def receipt(kind: str, original: str, *, signed: bool = True, forger: bool = False, data: str | None = None) -> bytes:
    """A provider's receipt about one of our mails; of a `forger` who has a certificate of his own."""
    xml = data if data is not None else daticert(kind, original)
    inner = (
        'Content-Type: multipart/mixed; boundary="dentro"\r\n\r\n--dentro\r\nContent-Type: text/plain\r\n\r\n'
        "Ricevuta di avvenuta consegna\r\n--dentro\r\n"
        'Content-Type: application/xml; name="daticert.xml"\r\n'
        'Content-Disposition: inline; filename="daticert.xml"\r\n\r\n'
        f"{xml}\r\n--dentro--\r\n"
    )
    headers = {"X-Ricevuta": kind, "X-Riferimento-Message-ID": f"<{original}>", "Subject": f"{kind.upper()}: Risposta"}
    return envelope(inner.encode(), headers, signed=signed, forger=forger)


def carried(text: bytes, *, transport: str = "posta-certificata", original: str = "dentro@pec.example") -> bytes:
    """A mail in a transport envelope."""
    xml = daticert(transport, original, sender="mario@pec.example", to=PEC_BOX)
    inner = (
        b'Content-Type: multipart/mixed; boundary="busta"\r\n\r\n--busta\r\nContent-Type: text/plain\r\n\r\n'
        b"Messaggio di posta certificata\r\n--busta\r\nContent-Type: application/xml; name=daticert.xml\r\n"
        b"Content-Disposition: inline; filename=daticert.xml\r\n\r\n" + xml.encode() + b"\r\n--busta\r\n"
        b'Content-Type: message/rfc822; name="postacert.eml"\r\n'
        b'Content-Disposition: inline; filename="postacert.eml"\r\n\r\n'
        + text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n--busta--\r\n"
    )  # fmt: skip
    headers = {"X-Trasporto": transport, "X-Riferimento-Message-ID": f"<{original}>",
               "Subject": "POSTA CERTIFICATA: Istanza"}  # fmt: skip
    return envelope(inner, headers)


def envelope(inner: bytes, headers: dict[str, str], *, signed: bool = True, forger: bool = False) -> bytes:
    """What a provider signs."""
    head = {"From": PROVIDER, "To": PEC_BOX, "Message-ID": "<opec1.2026@gestore.example>", **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items()).encode()
    if not signed:
        return lines + inner
    key, certificate = forgers() if forger else provider()
    builder = pkcs7.PKCS7SignatureBuilder().set_data(inner).add_signer(certificate, key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    signature = builder.sign(serialization.Encoding.DER, options)
    return (
        lines + b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary="fuori"\r\n\r\n'
        b"--fuori\r\n" + inner + b"\r\n--fuori\r\n"
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + base64.encodebytes(signature).replace(b"\n", b"\r\n") + b"--fuori--\r\n"
    )  # fmt: skip


@cache
def anchor() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Whom providers' certificates lead to."""
    return _authority("Gestori PEC")


@cache
def provider() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """The provider's."""
    return _certificate(PROVIDER, anchor())


@cache
def forgers() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Of somebody else, who calls himself the provider."""
    return _certificate(PROVIDER, _authority("Chiunque"))


def _authority(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    built = (
        _built(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return key, built.sign(key, hashes.SHA256())


def _certificate(
    address: str, by: tuple[ec.EllipticCurvePrivateKey, x509.Certificate]
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Posta Certificata")])
    built = (
        _built(subject, by[1].subject, key)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by[0].public_key()), critical=False)
    )
    return key, built.sign(by[0], hashes.SHA256())


def _built(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(start)
        .not_valid_after(start + timedelta(days=1500))
    )  # fmt: skip
