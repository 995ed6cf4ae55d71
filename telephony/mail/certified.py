"""Certified e-mail (PEC): envelopes and receipts of providers. Pure.

Technical rules: D.M. 2 November 2005, annex; DPR 68/2005. A provider wraps what it carries: a *transport envelope*
holds the message as `postacert.eml`; an *anomaly envelope* holds a mail that was none of a certified sender. What
becomes of a message is told by *receipts*; each has `daticert.xml`, and names the message in
`X-Riferimento-Message-ID`. Everything is signed by the provider (S/MIME). Whoever writes such headers himself makes
a forgery: it is read here, and believed elsewhere, or not.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.message import Message
from enum import StrEnum
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from telephony.mail.bodies import content_of, leaves, parts_of
from telephony.mail.headers import Headers, address_of, first, ids_in

DATA, MESSAGE = "daticert.xml", "postacert.eml"
LONGEST_DATA = 2_000_000
MOST_RECIPIENTS = 500


class PecKind(StrEnum):
    TRANSPORT = "transport"
    ANOMALY = "anomaly"
    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    TAKEN = "taken"  # between providers
    DELIVERED = "delivered"
    NOT_DELIVERED = "not_delivered"
    WARNED = "warned"  # not delivered within 12 hours; after 24 it is not delivered
    VIRUS = "virus"


RECEIPTS = {
    "accettazione": PecKind.ACCEPTED, "non-accettazione": PecKind.NOT_ACCEPTED, "presa-in-carico": PecKind.TAKEN,
    "avvenuta-consegna": PecKind.DELIVERED, "errore-consegna": PecKind.NOT_DELIVERED,
    "preavviso-errore-consegna": PecKind.WARNED, "rilevazione-virus": PecKind.VIRUS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CertifiedData:
    """What `daticert.xml` says. `recipients`: each with whether his box is certified, too."""

    kind: PecKind | None
    error: str  # "nessuno" where there is none
    sender: str
    recipients: tuple[tuple[str, bool], ...]
    subject: str
    provider: str
    at: datetime | None
    identifier: str
    original_id: str
    delivered_to: str
    trouble: str


@dataclass(frozen=True, slots=True)
class Pec:
    """What a certified mail is. `plausible`: the parts that the rules ask for are there and agree with its headers."""

    kind: PecKind
    original_id: str
    data: CertifiedData | None
    plausible: bool

    @property
    def is_receipt(self) -> bool:
        """Whether it tells of a message that somebody sent."""
        return self.kind not in {PecKind.TRANSPORT, PecKind.ANOMALY}


def pec_of(headers: Headers, message: "Message[str, str]") -> Pec | None:
    """What a certified mail says that it is; none for any other."""
    receipt = RECEIPTS.get(first(headers, "x-ricevuta").strip().lower())
    transport = first(headers, "x-trasporto").strip().lower()
    kind = receipt or {"posta-certificata": PecKind.TRANSPORT, "errore": PecKind.ANOMALY}.get(transport)
    if kind is None:
        return None
    data = next((found for found in map(_data_in, _named(message, DATA)) if found), None)
    named = "".join(ids_in(first(headers, "x-riferimento-message-id"))[:1])
    told = data.original_id if data else ""
    signed = message.get_content_type() == "multipart/signed"
    agrees = kind is PecKind.ANOMALY or (data is not None and data.kind is kind and (not named or named == told))
    return Pec(kind, named or told, data, signed and agrees)


def carried(message: "Message[str, str]") -> "Message[str, str] | None":
    """The message in an envelope."""
    for part in _named(message, MESSAGE):
        if held := parts_of(part):
            return held[0]
    return None


def data_of(content: bytes) -> CertifiedData | None:
    """`daticert.xml` read; none where it is not well-formed, or not what it should be."""
    if len(content) > LONGEST_DATA:
        return None
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        return None
    if root.tag != "postacert":
        return None
    kind = {"posta-certificata": PecKind.TRANSPORT}.get(root.get("tipo", ""), RECEIPTS.get(root.get("tipo", "")))
    to = tuple(
        (address_of(one.text or ""), one.get("tipo") == "certificato")
        for one in root.findall("intestazione/destinatari")[:MOST_RECIPIENTS]
    )
    ids = ids_in(_text(root, "dati/msgid")) or (_text(root, "dati/msgid")[:250],)
    return CertifiedData(
        kind, root.get("errore", "")[:40], address_of(_text(root, "intestazione/mittente")), to,
        _text(root, "intestazione/oggetto")[:400], _text(root, "dati/gestore-emittente")[:120], _instant(root),
        _text(root, "dati/identificativo")[:200], ids[0], address_of(_text(root, "dati/consegna")),
        _text(root, "dati/errore-esteso")[:400],
    )  # fmt: skip


def _named(message: "Message[str, str]", name: str) -> list["Message[str, str]"]:
    found = []
    for _, part in leaves(message):
        try:
            called = (part.get_filename() or "").lower()
        except (ValueError, LookupError, TypeError, IndexError):
            continue
        if called == name:
            found.append(part)
    return found


def _data_in(part: "Message[str, str]") -> CertifiedData | None:
    return data_of(content_of(part))


def _text(root: Element, path: str) -> str:
    return " ".join((root.findtext(path) or "").split())


def _instant(root: Element) -> datetime | None:
    """Its day and hour, in the zone that it names, such as +0100."""
    at = root.find("dati/data")
    if at is None:
        return None
    try:
        zone = int(at.get("zona", "+0000"))
        offset = timedelta(hours=abs(zone) // 100, minutes=abs(zone) % 100) * (-1 if zone < 0 else 1)
        day, hour = _text(root, "dati/data/giorno"), _text(root, "dati/data/ora")
        local = datetime.strptime(f"{day} {hour}", "%d/%m/%Y %H:%M:%S").replace(tzinfo=timezone(offset))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
