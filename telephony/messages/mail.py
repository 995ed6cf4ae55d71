"""E-mail by SMTP (RFC 5321), one connection a message; every step ends within the time-out."""

import contextlib
import re
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as CRLF
from typing import Self
from urllib.parse import unquote, urlsplit
from uuid import UUID

import idna

_WIRE = CRLF.clone(max_line_length=200)  # so that no address on the web is folded; RFC 5322 allows 998
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_DATA_WANTED = 354
_METHOD = re.compile(r"^METHOD:([A-Z]+)\r?$", re.MULTILINE)  # of an entry for calendars
_TAKEN = frozenset({250, 251})  # 251: and forwarded
_NO_SUCH_MAILBOX = frozenset({550, 551, 553})
_TOO_LARGE = 552  # to MAIL FROM (RFC 1870, 6.1); elsewhere it may be that somebody's mailbox is full
_TOO_LARGE_SAID = re.compile(rb"5\.(?:3\.4|2\.3)\b")  # RFC 3463, 3.3 and 3.4


class MailError(Exception):
    """It was not taken, or nobody knows.

    `permanent`: trying again cannot help; `unknown`: the server had it all and did not say whether it took it;
    `no_mailbox`: there is nobody of that address; `not_let_in`: the server refuses user or password; `too_large`: it
    takes none of that size.
    """

    def __init__(
        self, said: str, *, permanent: bool = False, unknown: bool = False, no_mailbox: bool = False,
        not_let_in: bool = False, too_large: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(said)
        self.too_large = too_large
        self.not_let_in = not_let_in
        self.permanent = permanent
        self.unknown = unknown
        self.no_mailbox = no_mailbox


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that goes with an e-mail. `media_type` such as `application/pdf`."""

    name: str
    media_type: str
    contents: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail. `id` makes its Message-ID: sent again it is the same one. `answers`: the Message-IDs of those that it
    answers, the last one last; `thread`: what it belongs to; `by_hand`: a person wrote it to this one; `copied`: who
    gets a copy, as everybody sees.
    """

    id: UUID
    sender: str  # the name that stands before the address
    to: str
    subject: str
    body: str
    made_at: datetime
    stop_url: str | None = None
    calendar: str = ""  # an entry for calendars (RFC 5545)
    attached: tuple[Attached, ...] = ()
    answers: tuple[str, ...] = ()
    thread: str = ""
    by_hand: bool = False
    copied: tuple[str, ...] = ()


class Mailer:
    """Hands e-mails to one server. Raises `MailError`."""

    def __init__(self, url: str, mail_from: str, *, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._host, self._tls = parts.hostname or "", parts.scheme == "smtps"
        self._port = parts.port or (465 if self._tls else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._token = ""
        self._from, self._timeout_s = mail_from, timeout_s

    @classmethod
    def at(
        cls, host: str, port: int, *, encrypted: bool, user: str, password: str, token: str, mail_from: str,
        timeout_s: float,
    ) -> Self:  # fmt: skip
        """One for a server whose address is not written as one text. `encrypted`: from the connection's beginning."""
        made = cls(f"{'smtps' if encrypted else 'smtp'}://{host}:{port}", mail_from, timeout_s=timeout_s)
        made._user, made._password, made._token = user, password, token
        return made

    def greet(self) -> None:
        """Sign in, send nothing: whether one could."""
        server = self._connected()
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()
        server.close()

    def send(self, mail: Mail) -> tuple[str, ...]:
        """Returns once the server has taken it: from then on it is the server's. To whom it does not take a copy."""
        try:
            to = [_ascii(one) for one in (mail.to, *mail.copied)]
            content = self.compose(mail).as_bytes(policy=_WIRE)
        except (MessageError, ValueError, IndexError) as error:
            raise MailError("the address cannot be written", permanent=True, no_mailbox=True) from error
        server = self._connected()
        try:
            refused = _hand_over(server, self._from, to, content)
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()  # whatever it says now, what it has said stands
            server.close()
        return tuple(copy for copy, ascii_ in zip(mail.copied, to[1:], strict=True) if ascii_ in refused)

    def compose(self, mail: Mail) -> EmailMessage:
        """The e-mail, plain text; an entry for calendars and files go with it."""
        message = EmailMessage()
        message["From"] = Address(mail.sender, addr_spec=self._from)
        message["To"] = Address(addr_spec=_ascii(mail.to))
        if mail.copied:
            message["Cc"] = [Address(addr_spec=_ascii(one)) for one in mail.copied]
        message["Subject"] = mail.subject
        message["Date"] = mail.made_at
        message["Message-ID"] = f"<{message_id(mail.id, self._from)}>"
        if mail.answers:  # RFC 5322, 3.6.4
            message["In-Reply-To"] = f"<{mail.answers[-1]}>"
            message["References"] = " ".join(f"<{one}>" for one in mail.answers)
        if mail.thread:
            message["X-Filodiretto"] = mail.thread  # it comes back: it goes round in a circle
        if not mail.by_hand:  # RFC 3834: no answering machine answers it
            message["Auto-Submitted"] = "auto-replied" if mail.answers else "auto-generated"
        if mail.stop_url:  # RFC 8058
            message["List-Unsubscribe"] = f"<{mail.stop_url}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(mail.body, charset="utf-8", cte="quoted-printable")
        if mail.calendar:
            method = _METHOD.search(mail.calendar)  # RFC 6047, 2.4: the content type says it too
            told = {"method": method[1]} if method else None
            message.add_attachment(mail.calendar, subtype="calendar", filename="appuntamento.ics", params=told)
        for one in mail.attached:
            kind, _, subkind = one.media_type.partition("/")
            message.add_attachment(one.contents, maintype=kind, subtype=subkind, filename=one.name)
        return message

    def _connected(self) -> smtplib.SMTP:
        """A connection on which a message may be handed over; passwords and addresses leave encrypted alone, but on
        this very machine.
        """
        try:
            server = self._opened()
        except (OSError, smtplib.SMTPException) as error:
            raise MailError(f"the mail server is not to be reached: {type(error).__name__}") from error
        try:
            server.ehlo_or_helo_if_needed()
            if not self._tls and self._host not in LOOPBACK:
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
            if self._token:
                self._show_token(server)
            elif self._user and not (self._host in LOOPBACK and not server.has_extn("auth")):  # nobody is asked there
                server.login(self._user, self._password)
        except (OSError, smtplib.SMTPException) as error:
            server.close()
            # A wrong password is nobody's message's fault: they wait until somebody has put it right.
            refused = isinstance(error, smtplib.SMTPAuthenticationError)
            raise MailError(
                f"the mail server does not let us in: {type(error).__name__}", not_let_in=refused
            ) from error
        return server

    def _show_token(self, server: smtplib.SMTP) -> None:
        """By the standard (RFC 7628) where the server knows nothing else, else by its forerunner. To a refusal that
        comes as a question the answer is a line that means nothing, so that it is said in full.
        """
        offered = server.esmtp_features.get("auth", "").upper().split()
        if "OAUTHBEARER" in offered and "XOAUTH2" not in offered:
            first = f"n,a={self._user},\x01host={self._host}\x01port={self._port}\x01auth=Bearer {self._token}\x01\x01"
            server.auth("OAUTHBEARER", lambda asked=None: "\x01" if asked else first)
        else:
            first = f"user={self._user}\x01auth=Bearer {self._token}\x01\x01"
            server.auth("XOAUTH2", lambda asked=None: "" if asked else first)

    def _opened(self) -> smtplib.SMTP:
        if self._tls:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout_s, context=context)
        return smtplib.SMTP(self._host, self._port, timeout=self._timeout_s)


def message_id(mail_id: UUID, mail_from: str) -> str:
    """The Message-ID of a mail from this address, without its brackets."""
    return f"{mail_id}@{mail_from.rpartition('@')[2]}"


def _hand_over(server: smtplib.SMTP, sender: str, to: Sequence[str], content: bytes) -> frozenset[str]:
    """The three steps of RFC 5321. Until the content has gone nothing can have been taken; then the reply decides.

    The first of `to` is whom it is for: a copy that the server does not take for another keeps it from nobody. Those
    are what comes back. What is larger than the server says it takes is not begun with (RFC 1870).
    """
    size, most = len(content), server.esmtp_features.get("size", "")
    if most.isdecimal() and 0 < int(most) < size:
        raise MailError(f"the mail server takes {most} bytes, not {size}", permanent=True, too_large=True)
    try:
        _expect(server.mail(sender, [f"SIZE={size}"] if server.has_extn("size") else []), whose_fault_is_ours=True)
        _expect(server.rcpt(to[0]))
        refused = frozenset(one for one in to[1:] if server.rcpt(one)[0] not in _TAKEN)
        _expect(server.docmd("DATA"), wanted=_DATA_WANTED)
    except (OSError, smtplib.SMTPException) as error:
        raise MailError(f"the mail server hung up before the message: {type(error).__name__}") from error
    try:
        server.send(_dotted(content))
        reply = server.getreply()
    except (TimeoutError, OSError, smtplib.SMTPException) as error:
        raise MailError(
            f"the mail server had the message and did not answer: {type(error).__name__}", unknown=True
        ) from error
    _expect(reply)
    return refused


def _expect(reply: tuple[int, bytes], *, wanted: int = 250, whose_fault_is_ours: bool = False) -> None:
    """Raise what a refusal means: 4xx may pass, 5xx will not. That the sender is refused is a setting to put right."""
    code, said = reply
    if code == wanted or (wanted == 250 and code in _TAKEN):
        return
    too_large = bool(_TOO_LARGE_SAID.match(said)) or (code == _TOO_LARGE and whose_fault_is_ours)
    permanent = code >= 500 and (too_large or not whose_fault_is_ours)
    no_mailbox = code in _NO_SUCH_MAILBOX and not too_large
    raise MailError(f"the mail server answered {code}", permanent=permanent, no_mailbox=no_mailbox, too_large=too_large)


def _dotted(content: bytes) -> bytes:
    """The content as it goes over the wire: a line that begins with a dot gets another, and a dot ends it all."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    body = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _ascii(address: str) -> str:
    """The address with its domain as the DNS has it; a mailbox of other characters is not one we can write to.

    By IDNA 2008: that of 2003, the standard library's, takes `straße.de` to somebody else's `strasse.de`.
    """
    mailbox, _, domain = address.rpartition("@")
    if not mailbox.isascii() or not mailbox.isprintable() or " " in mailbox:
        raise ValueError("not a mailbox that SMTP can name")
    return f"{mailbox}@{idna.encode(domain, uts46=True).decode('ascii')}"
