"""A message as bytes, read: who, whom, when, what, with which files, and whether a person wrote it. Pure.

Whatever comes is read as far as it can be, and nothing raises; the original bytes are kept whole beside what was read.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message

from cryptography.x509 import Certificate

from telephony.mail import certified
from telephony.mail.automatic import Bounce, Nature, bounce_of, nature_of
from telephony.mail.bodies import Attachment, body_of
from telephony.mail.bulky import Raw, lightened
from telephony.mail.certified import Pec, PecKind
from telephony.mail.headers import Correspondent, Headers, correspondents, dated, first, headers_of, ids_in
from telephony.mail.sanitising import text_of
from telephony.mail.signed import Proof, proof_of

MOST_BOUNDARIES = 1_000  # more parts than that are nobody's letter: only the headers are read
LONGEST_SUBJECT, LONGEST_SNIPPET = 300, 200
NOBODY = Correspondent("")
_HEADERS_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a message says. Of a certified envelope it is the message in it; the envelope itself is `pec`.

    `sent_at` is what its sender claims. `made_up`: it came without a Message-ID, and has one by its digest.
    """

    digest: str
    message_id: str
    made_up: bool
    references: tuple[str, ...]  # the one that it answers last
    sender: Correspondent
    reply_to: Correspondent
    to: tuple[Correspondent, ...]
    copied: tuple[Correspondent, ...]
    sent_at: datetime | None
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...]
    nature: Nature
    bounce: Bounce | None = None
    pec: Pec | None = None
    proof: Proof = Proof.UNSIGNED
    cut: bool = False

    @property
    def words(self) -> str:
        """Its text; of one in HTML alone what stands there."""
        return self.text.strip() or text_of(self.html)

    @property
    def snippet(self) -> str:
        """How it begins, on one line."""
        return " ".join(self.words[:2_000].split())[:LONGEST_SNIPPET]

    @property
    def answers_to(self) -> str:
        """To which address one would answer."""
        return self.reply_to.address or self.sender.address


def read(raw: Raw, *, anchors: Sequence[Certificate] = (), at: datetime | None = None) -> Reading:
    """Read a message. `anchors`: whom signatures of certified mail lead to, at the instant `at` at which it came;
    without both nobody knows whose they are.
    """
    digest = hashlib.sha256(raw).hexdigest()
    held = lightened(raw, digest)
    outer, whole = _parsed(held.rest)
    headers = headers_of(outer)
    pec = certified.pec_of(headers, outer)
    proof = Proof.UNSIGNED
    inner: Message[str, str] = outer
    if pec is not None:
        sender = _sender(headers)
        proof = proof_of(raw, outer, sender.address, anchors, at)
        if not pec.is_receipt and (wrapped := certified.carried(outer)) is not None:
            inner, headers = wrapped, headers_of(wrapped)
    nature = Nature.RECEIPT if pec is not None and pec.is_receipt else nature_of(headers, inner)
    body = body_of(inner, held)
    found = ids_in(first(headers, "message-id"))
    if not found and pec is not None and pec.kind is PecKind.TRANSPORT and pec.original_id:
        found = (pec.original_id,)
    own = found[0] if found else f"{digest[:40]}@senza-id.invalid"
    answered = ids_in(first(headers, "references"), first(headers, "in-reply-to"))
    return Reading(
        digest=digest, message_id=own, made_up=not found, references=tuple(one for one in answered if one != own),
        sender=_sender(headers), reply_to=_first(headers, "reply-to"), to=correspondents(headers.get("to", ())),
        copied=correspondents(headers.get("cc", ())), sent_at=dated(first(headers, "date")),
        subject=first(headers, "subject")[:LONGEST_SUBJECT], text=body.text, html=body.html,
        attachments=body.attachments, nature=nature, bounce=bounce_of(inner) if nature is Nature.BOUNCE else None,
        pec=pec, proof=proof, cut=body.cut or held.cut or not whole,
    )  # fmt: skip


def unread(raw: Raw) -> Reading:
    """Of a message that cannot even be written down as it was read: that it came. Its original has everything."""
    digest = hashlib.sha256(raw).hexdigest()
    return Reading(
        digest=digest, message_id=f"{digest[:40]}@senza-id.invalid", made_up=True, references=(), sender=NOBODY,
        reply_to=NOBODY, to=(), copied=(), sent_at=None, subject="", text="", html="", attachments=(),
        nature=Nature.PERSON, cut=True,
    )  # fmt: skip


def part_of(raw: Raw, number: int) -> Attachment | None:
    """One file of a message, by its place."""
    held = lightened(raw, hashlib.sha256(raw).hexdigest())
    outer, _ = _parsed(held.rest)
    pec = certified.pec_of(headers_of(outer), outer)
    wrapped = certified.carried(outer) if pec is not None and not pec.is_receipt else None
    return next((one for one in body_of(wrapped or outer, held).attachments if one.part == number), None)


def _parsed(raw: bytes) -> tuple["Message[str, str]", bool]:
    """The message, and whether all of it was read: of what no reader gets through, the headers alone."""
    if raw.count(b"boundary") <= MOST_BOUNDARIES:
        try:
            return message_from_bytes(raw), True
        except (RecursionError, ValueError, LookupError, AttributeError, TypeError, AssertionError):
            pass
    ends = _HEADERS_END.search(raw)
    head = re.sub(
        rb"(?im)^content-(?:type|transfer-encoding):", b"X-Not-Read:", raw[: ends.start() if ends else 100_000]
    )
    return message_from_bytes(head + b"\r\n\r\n"), False


def _sender(headers: Headers) -> Correspondent:
    return _first(headers, "from") if first(headers, "from") else _first(headers, "sender")


def _first(headers: Headers, name: str) -> Correspondent:
    found = correspondents(headers.get(name, ())[:1])
    return found[0] if found else NOBODY
