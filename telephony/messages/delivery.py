"""Sending what is owed: a job takes the row under lease, sends with no transaction open, and writes what came.

An SMS that may have left is looked for at the carrier and never sent twice. An e-mail cannot be looked for: it is
repeated once, under the same Message-ID (see docs/decisions/0018-sent-once.md).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy.orm import Session

from crm.core.db import Database, Scope
from crm.core.jobs import Runner, Taken
from crm.enti import queries as enti
from crm.messages import bulk, outbox, service
from crm.messages.lifecycle import wait_after
from crm.messages.models import MessageChannel, Reason
from crm.messages.outbox import Leased
from crm.messages.templates import TEMPLATES
from crm.messages.wording import Kind
from telephony.calls.addresses import Addresses
from telephony.carriers.port import Carrier, CarrierError, TextMessage
from telephony.lines import queries as lines
from telephony.messages.mail import Attached, Mail, Mailer, MailError
from telephony.messages.receipts import OPTED_OUT, reason_of, state_of

log = structlog.get_logger(__name__)
ENDED = Counter("filodiretto_messages", "Messages by what became of the attempt", ["channel", "outcome"])

LOOKED_FOR = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10))  # an SMS nobody answered about
MOST_LOOKS = 12  # while the carrier cannot be asked
RECEIPT_AFTER, RECEIPT_AGAIN, MOST_RECEIPT_LOOKS = timedelta(minutes=15), timedelta(hours=2), 3
MAIL_REPEATED_AFTER = timedelta(minutes=15)

Enclose = Callable[[Database, Leased], Iterable[Attached]]  # the files that go with an e-mail of a template
NOTHING: Mapping[str, Enclose] = MappingProxyType({})


def _nobody(_session: Session, _addresses: tuple[str, ...]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Route:
    """How an e-mail leaves from a mailbox of its own: by which server, in whose name, as part of what."""

    mailer: Mailer
    sender: str
    answers: tuple[str, ...]
    thread: str
    by_hand: bool
    copied: tuple[str, ...] = ()
    attached: tuple[Attached, ...] = ()
    not_let_in: Callable[[], None] = lambda: None  # the server refused what was shown to it
    not_copied: Callable[[Session, tuple[str, ...]], None] = _nobody  # to whom the server takes no copy


class NoRouteError(Exception):
    """A mailbox cannot be written from now; `permanent`: nor later."""

    def __init__(self, said: str, *, permanent: bool) -> None:
        super().__init__(said)
        self.permanent = permanent


Routes = Callable[[Database, Leased], Route | None]  # none: it leaves as all others do; raises `NoRouteError`
ABREAST = 10  # messages of many that are sent at the same time
Before = Callable[[Session, Collection[UUID]], None]  # withholds those that must not leave any more
Ended = Callable[[Session, UUID], None]  # is told of a message of a template with a route that may just have ended


def _leave(_session: Session, _message_ids: Collection[UUID]) -> None:
    pass


def _told(_session: Session, _message_id: UUID) -> None:
    pass


class Delivery:
    """Sends messages. Without a mailer e-mails cannot leave."""

    def __init__(
        self, carrier: Carrier, mailer: Mailer | None, addresses: Addresses, *, before: Before = _leave,
        routes: Mapping[str, Routes] = MappingProxyType({}), ended: Ended = _told,
    ) -> None:  # fmt: skip
        """`routes`: how e-mails of a template leave, where they do so in a way of their own."""
        self._carrier, self._mailer, self._addresses = carrier, mailer, addresses
        self._before, self._routes, self._ended = before, routes, ended

    def runner(self, enclosing: Mapping[str, Enclose] = NOTHING) -> Runner:
        """How jobs of the kind `outbox.DELIVER` are done. `enclosing`: what goes with e-mails, by their template."""
        return Runner(partial(self.deliver, enclosing=enclosing), self.gave_up)

    def runner_of_many(self) -> Runner:
        """How jobs of the kind `bulk.DELIVER` are done."""
        return Runner(self.deliver_many, self.gave_up_many)

    def deliver(self, database: Database, job: Taken, *, enclosing: Mapping[str, Enclose] = NOTHING) -> None:
        """Do what there is to be done about a message now."""
        scope = Scope.of_enti([job.ente_id])
        message_id = UUID(job.argument["message"])

        def take(session: Session) -> tuple[Leased | None, str, str | None]:
            name = enti.badges(session)[job.ente_id].name
            self._before(session, [message_id])
            leased = outbox.lease(session, message_id)
            if leased is None:
                self._ended(session, message_id)
            return leased, name, lines.sender(session, job.ente_id)

        one, ente, line = database.transact(scope, take)
        if one is None:
            return
        write: Callable[[Session], None]
        if one.template in self._routes:
            write = partial(self._tell, came=self._routed(database, one), message_id=message_id)
        else:
            write = self._done(one, ente, line, lambda: _enclosed(database, one, enclosing))
        database.transact(scope, write)

    def _tell(self, session: Session, came: Callable[[Session], None], message_id: UUID) -> None:
        came(session)
        self._ended(session, message_id)

    def deliver_many(self, database: Database, job: Taken) -> None:
        """The same of many messages, some at a time: those that are under way when somebody dies are looked for."""
        scope = Scope.of_enti([job.ente_id])

        def take(session: Session, some: Collection[UUID]) -> tuple[list[Leased], str, str | None]:
            name, line = enti.badges(session)[job.ente_id].name, lines.sender(session, job.ente_id)
            due = bulk.to_do(session, some)
            self._before(session, due)
            return [one for one in (outbox.lease(session, each) for each in due) if one is not None], name, line

        def write(session: Session, writes: Iterable[Callable[[Session], None]]) -> None:
            for one in writes:
                one(session)

        with ThreadPoolExecutor(ABREAST) as pool:
            ids = [UUID(one) for one in job.argument["messages"]]
            for start in range(0, len(ids), ABREAST):
                job.renew()
                leased, ente, line = database.transact(scope, partial(take, some=ids[start : start + ABREAST]))
                came = list(pool.map(partial(self._done, ente=ente, line=line), leased))
                database.transact(scope, partial(write, writes=came))

    def gave_up_many(self, session: Session, job: Taken) -> None:
        """The same of those that a fault of ours left undone."""
        for one in job.argument["messages"]:
            outbox.broken(session, UUID(one))

    def _done(
        self, one: Leased, ente: str, line: str | None, enclosed: Callable[[], tuple[Attached, ...]] = tuple
    ) -> Callable[[Session], None]:
        """Do what there is to be done, with no transaction open; what came of it, to be written."""
        with structlog.contextvars.bound_contextvars(message=str(one.id)):
            if one.sent:
                return self._look_after(one)
            if one.channel is MessageChannel.SMS:
                return self._look_for(one, line) if one.may_have_left else self._text(one, line)
            return self._mail(one, ente, enclosed())

    def gave_up(self, session: Session, job: Taken) -> None:
        """A fault of ours, every time: it is shown to somebody."""
        outbox.broken(session, UUID(job.argument["message"]))
        self._ended(session, UUID(job.argument["message"]))

    # -- SMS --------------------------------------------------------------------------------------------------

    def _text(self, one: Leased, line: str | None) -> Callable[[Session], None]:
        sender = one.sender or line
        if sender is None:
            return _fails(one, Reason.NO_SENDER)
        text = TextMessage(one.id, sender, one.address, one.body, self._addresses.message(one.ente_id, one.id))
        if one.attempts > 1:  # the carrier may have answered an error and have it all the same
            try:
                found = self._carrier.find_message(text, since=one.first_tried_at, known=one.known)
            except CarrierError as error:
                return _again(one, str(error))
            if found is not None:
                return _sent(one, found.sid)
        try:
            sid = self._carrier.send_message(text)
        except CarrierError as error:
            return self._text_refused(one, error)
        log.info("message_sent", channel="sms", attempt=one.attempts)
        return _sent(one, sid)

    def _text_refused(self, one: Leased, error: CarrierError) -> Callable[[Session], None]:
        if error.unknown and not error.answered:
            log.warning("message_unknown", channel="sms", error=str(error))
            ENDED.labels("sms", "unknown").inc()
            return partial(outbox.unknown, one=one, wait=LOOKED_FOR[0])
        if not error.permanent:
            return _again(one, str(error))
        log.warning("message_refused", channel="sms", code=error.code)
        if error.code == OPTED_OUT:
            return partial(_opted_out, one=one)
        return _fails(one, reason_of(error.code) or Reason.REFUSED)

    def _look_for(self, one: Leased, line: str | None) -> Callable[[Session], None]:
        """Nobody answered for it, or whoever sent it died: ask the carrier. It is never sent twice."""
        text = TextMessage(one.id, one.sender or line or "", one.address, one.body, "")
        try:
            found = self._carrier.find_message(text, since=one.first_tried_at, known=one.known)
        except CarrierError as error:
            log.warning("message_not_looked_for", error=str(error))
            wait = wait_after(one.looks)
            return (
                partial(outbox.unknown, one=one, wait=wait) if one.looks < MOST_LOOKS else _fails(one, Reason.NOT_FOUND)
            )
        if found is not None:
            log.info("message_found")
            return _sent(one, found.sid)
        if one.looks < len(LOOKED_FOR):
            return partial(outbox.unknown, one=one, wait=LOOKED_FOR[one.looks])
        return _fails(one, Reason.NOT_FOUND)

    def _look_after(self, one: Leased) -> Callable[[Session], None]:
        """It was sent a while ago, and the receipt may have been lost."""
        later = partial(outbox.look_again, one=one, wait=RECEIPT_AGAIN)
        if one.external_id is None:
            return _nothing
        try:
            found = self._carrier.fetch_message(one.external_id)
        except CarrierError as error:
            log.warning("message_not_looked_after", error=str(error))
            return later if one.looks < MOST_LOOKS else _nothing
        told = state_of(found.status) if found else None
        if found is None or told is None:
            return later if one.looks < MOST_RECEIPT_LOOKS else _nothing

        def write(session: Session) -> None:
            reason = reason_of(found.error_code)
            outbox.heard(session, message_id=one.id, external_id=found.sid, told=told, reason=reason)
            if one.looks < MOST_RECEIPT_LOOKS:
                later(session)

        return write

    # -- e-mail -----------------------------------------------------------------------------------------------

    def _mail(self, one: Leased, ente: str, attached: tuple[Attached, ...]) -> Callable[[Session], None]:
        """By the installation's own server."""
        if self._mailer is None:
            return _fails(one, Reason.NO_SENDER)
        asked = TEMPLATES[one.template].kind is Kind.ASKED
        stop_url = None if asked else self._addresses.stop_mail(one.ente_id, one.id)
        mail = Mail(one.id, ente, one.address, one.subject, one.body, one.made_at, stop_url, one.calendar, attached)
        return self._handed_over(one, self._mailer, mail)

    def _routed(self, database: Database, one: Leased) -> Callable[[Session], None]:
        """From a mailbox of its own."""
        with structlog.contextvars.bound_contextvars(message=str(one.id)):
            try:
                route = self._routes[one.template](database, one)
            except NoRouteError as error:
                if error.permanent:
                    return _fails(one, Reason.NO_SENDER)
                return partial(outbox.repeat_later, one=one) if one.may_have_left else _again(one, str(error))
            if route is None:
                return _fails(one, Reason.NO_SENDER)
            mail = Mail(
                one.id, route.sender, one.address, one.subject, one.body, one.made_at, answers=route.answers,
                thread=route.thread, by_hand=route.by_hand, copied=route.copied, attached=route.attached,
            )  # fmt: skip
            return self._handed_over(one, route.mailer, mail, route.not_copied, route.not_let_in)

    def _handed_over(
        self, one: Leased, mailer: Mailer, mail: Mail,
        not_copied: Callable[[Session, tuple[str, ...]], None] = _nobody, not_let_in: Callable[[], None] = lambda: None,
    ) -> Callable[[Session], None]:  # fmt: skip
        """Sent; or, where nobody knows whether it was taken, sent once more."""
        if one.may_have_left and one.looks > 1:  # whoever repeated it died at it
            return _fails(one, Reason.NOT_SURE)
        try:
            refused = mailer.send(mail)
        except MailError as error:
            if error.not_let_in:
                not_let_in()
            return self._mail_refused(one, error)
        log.info("message_sent", channel=one.channel.value, attempt=one.attempts)
        ENDED.labels(one.channel.value, "sent").inc()
        if not refused:
            return partial(outbox.sent, one=one)
        log.warning("message_copies_refused", channel=one.channel.value, copies=len(refused))

        def write(session: Session) -> None:
            outbox.sent(session, one)
            not_copied(session, refused)

        return write

    def _mail_refused(self, one: Leased, error: MailError) -> Callable[[Session], None]:
        if error.unknown:
            log.warning("message_unknown", channel=one.channel.value, error=str(error))
            ENDED.labels(one.channel.value, "unknown").inc()
            if one.may_have_left:
                return _fails(one, Reason.NOT_SURE)
            return partial(outbox.unknown, one=one, wait=MAIL_REPEATED_AFTER)
        if error.permanent:
            log.warning("message_refused", channel=one.channel.value, error=str(error))
            large = Reason.TOO_LARGE if error.too_large else Reason.REFUSED
            return _fails(one, Reason.BAD_ADDRESS if error.no_mailbox else large)
        if one.may_have_left:
            return partial(outbox.repeat_later, one=one)
        return _again(one, str(error))


def _enclosed(database: Database, one: Leased, enclosing: Mapping[str, Enclose]) -> tuple[Attached, ...]:
    """What goes with an e-mail. What cannot be made is a fault of ours, and no reason not to write."""
    if one.template not in enclosing:
        return ()
    try:
        return tuple(enclosing[one.template](database, one))
    except Exception:
        log.exception("message_not_enclosed", template=one.template)
        return ()


def _sent(one: Leased, sid: str) -> Callable[[Session], None]:
    ENDED.labels("sms", "sent").inc()
    return partial(outbox.sent, one=one, external_id=sid, look_after=RECEIPT_AFTER)


def _again(one: Leased, error: str) -> Callable[[Session], None]:
    log.warning("message_owed_again", channel=one.channel.value, error=error, attempt=one.attempts)
    ENDED.labels(one.channel.value, "again").inc()
    return partial(outbox.again, one=one)


def _fails(one: Leased, reason: Reason) -> Callable[[Session], None]:
    log.error("message_failed", channel=one.channel.value, reason=reason.value)
    ENDED.labels(one.channel.value, "failed").inc()
    return partial(outbox.failed, one=one, reason=reason)


def _opted_out(session: Session, one: Leased) -> None:
    """The carrier knows of an opt-out of which no webhook told us."""
    service.stop(session, ente_id=one.ente_id, channel=MessageChannel.SMS, address=one.address)
    outbox.failed(session, one, Reason.OPTED_OUT)


def _nothing(_session: Session) -> None:
    pass
