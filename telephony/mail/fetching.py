"""Reading a mailbox: by one process at a time, under lease, message by message, each committed with how far it read.

Killed anywhere, whoever comes next goes on behind the last message that was taken: the bytes are put into the store
before the row is written, and putting them there again changes nothing. Numbers are those of one UIDVALIDITY (RFC
3501, 2.3.1.1): under another all is read again, and what was taken is known by its Message-ID and its digest.
"""

import mmap
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import structlog
from cryptography.x509 import Certificate
from prometheus_client import Counter
from sqlalchemy import or_, select, update
from sqlalchemy.exc import DataError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import Database, Scope, table_of, touch
from crm.documents.scanning import Scanner
from crm.documents.store import DocumentStore, StoreError
from crm.enti import queries as enti
from telephony.mail import boxes, intake, scanning, secrets
from telephony.mail.boxes import Box
from telephony.mail.bulky import Raw
from telephony.mail.connecting import Account, Inbox, Listed
from telephony.mail.errors import LeaseLostError, MailboxError
from telephony.mail.intake import Came
from telephony.mail.models import MOST_BYTES, Auth, Mailbox, Trouble
from telephony.mail.reading import Reading, read, unread
from telephony.mail.secrets import Secret, Tokens

log = structlog.get_logger(__name__)
TAKEN = Counter("filodiretto_mails", "Mails fetched, by what became of them", ["outcome"])
LEASE = timedelta(minutes=2)  # renewed with each mail; longer than a step of the server's may take
BACK_OFF = (30.0, 60.0, 300.0, 900.0)  # seconds, while it cannot be read
BATCH, BATCH_BYTES, SMALL = 50, 8_000_000, 1_000_000
BEGINNING = 200_000
NO_FOLDER = 0  # the UIDVALIDITY of what was not fetched; no server's (RFC 3501, 2.3.1.1)
_BOX = table_of(Mailbox)


@dataclass(frozen=True, slots=True)
class Leased:
    """A mailbox that is ours to read for a while."""

    box: Box
    who: UUID
    account: Callable[[str], Account]
    auth_secret: tuple[Auth, Secret]
    uidvalidity: int | None
    last_uid: int
    kept_under: int
    failing_since: datetime | None


class Fetcher:
    """Takes what is new in mailboxes."""

    def __init__(
        self, database: Database, store: DocumentStore, *, scanner: Scanner | None = None, tokens: Tokens | None = None,
        anchors: Sequence[Certificate] = (), open_inbox: Callable[[Account], Inbox] = Inbox, most: int = MOST_BYTES,
    ) -> None:  # fmt: skip
        """`most`: bytes of a mail that is taken whole."""
        self._database, self._store = database, store
        self._scanner, self._tokens = scanner or Scanner(None), tokens or Tokens()
        self._anchors, self._open, self._most = anchors, open_inbox, most

    def due(self) -> list[tuple[int, int]]:
        """Mailboxes that nobody reads now: each with its contract."""
        with self._database.begin(Scope.nothing()) as session:
            covered = enti.coverage(session)
        found: list[tuple[int, int]] = []
        with self._database.begin(Scope.of_enti(frozenset().union(*covered.values()), covered)) as session:
            now = clock.now(session)
            free = or_(_BOX.c.leased_until.is_(None), _BOX.c.leased_until < now)
            rows = select(_BOX.c.id, _BOX.c.contract_id).where(_BOX.c.closed_at.is_(None), _BOX.c.due_at <= now, free)
            found.extend((row.id, row.contract_id) for row in session.execute(rows.order_by(_BOX.c.due_at)))
        return found

    def lease(self, mailbox_id: int, contract_id: int, who: UUID) -> Leased | None:
        """Have it for a while. None: somebody else has, or it is closed."""
        return self._database.transact(Scope.of_contract(contract_id), partial(_lease, mailbox_id=mailbox_id, who=who))

    def opened(self, leased: Leased) -> Inbox:
        """Its folder. A token that is not taken may be over: it is got anew, once. Raises `MailboxError`."""
        auth, secret = leased.auth_secret
        try:
            return self._opened(leased)
        except MailboxError as error:
            if error.trouble is not Trouble.CREDENTIALS or auth is Auth.PASSWORD:
                raise
        self._tokens.refused(secret)
        return self._opened(leased)

    def round(self, leased: Leased, inbox: Inbox, *, stop: Callable[[], bool] = lambda: False) -> int:
        """Take all that is new, or what is taken when `stop` says so; how many were. Raises `MailboxError`,
        `LeaseLostError`.
        """
        last, now = self._database.transact(
            _scope(leased), partial(_begin, leased=leased, uidvalidity=inbox.uidvalidity)
        )  # fmt: skip
        taken, anew = 0, last == 0  # read from its beginning there may be what was taken under other numbers
        uids = inbox.after(last)
        for start in range(0, len(uids), BATCH):
            for one, raw in self._fetched(inbox, uids[start : start + BATCH], now):
                taken += self._take(leased, inbox.uidvalidity, one, raw, anew=anew)
                if stop():
                    return taken
            # Gone while we looked: there is nothing to take of them.
            self._database.transact(
                _scope(leased), partial(_advance, leased=leased, uid=uids[start : start + BATCH][-1])
            )
        self._database.transact(_scope(leased), partial(_well, leased=leased))
        try:
            scanning.scan_again(self._database, _scope(leased), self._store, self._scanner, mailbox_id=leased.box.id)
        except Exception:  # it keeps nobody from reading
            log.exception("files_not_scanned_again", mailbox=leased.box.id)
        return taken

    def bring(self, leased: Leased, mails: Iterable[tuple[bytes, datetime]]) -> int:
        """Take mails that lie elsewhere, such as in files, each with when it came, as if they had been fetched."""
        after = leased.last_uid + 1
        some = enumerate(mails, start=after)
        return sum(self._take(leased, NO_FOLDER, Listed(uid, len(raw), at), raw) for uid, (raw, at) in some)

    def renew(self, leased: Leased) -> None:
        """It goes on. Raises `LeaseLostError`."""
        self._database.transact(_scope(leased), partial(_renew, leased=leased))

    def release(self, leased: Leased, trouble: Trouble | None = None) -> None:
        """Leave it to others: at once, or, when it cannot be read, after a while."""
        self._database.transact(_scope(leased), partial(_release, leased=leased, trouble=trouble))

    def _opened(self, leased: Leased) -> Inbox:
        def keep(old: Secret, new: Secret) -> None:
            renewed = partial(secrets.renewed, mailbox_id=leased.box.id, old=old, new=new)
            self._database.transact(_scope(leased), renewed)

        return self._open(leased.account(secrets.credential(*leased.auth_secret, self._tokens, keep)))

    def _fetched(self, inbox: Inbox, uids: Sequence[int], now: datetime) -> Iterator[tuple[Listed, Path | bytes]]:
        """These in their order: small ones together, large ones piece by piece onto the disk."""
        together: list[Listed] = []
        for one in inbox.listed(uids, now=now):
            if one.size > SMALL:
                yield from self._together(inbox, together)
                together = []
                with tempfile.NamedTemporaryFile(prefix="filodiretto-mail-") as file:
                    for piece in _at_most(inbox.pieces(one.uid), self._most if one.size <= self._most else BEGINNING):
                        file.write(piece)
                    file.flush()
                    told = one if file.tell() < self._most else replace(one, size=max(one.size, self._most + 1))
                    yield told, Path(file.name)
                continue
            together.append(one)
            if sum(each.size for each in together) > BATCH_BYTES:
                yield from self._together(inbox, together)
                together = []
        yield from self._together(inbox, together)

    @staticmethod
    def _together(inbox: Inbox, some: Sequence[Listed]) -> Iterator[tuple[Listed, bytes]]:
        if some:
            found = inbox.contents([one.uid for one in some])
            yield from ((one, found[one.uid]) for one in some if one.uid in found)

    def _take(
        self, leased: Leased, uidvalidity: int, one: Listed, raw: Path | bytes, *, anew: bool = False
    ) -> int:  # fmt: skip
        """Keep its bytes, then write it. What the database refuses is kept unread: it stops nobody else's. `anew`: it
        is likely that it was taken before; then it is not looked through again.
        """
        with _mapped(raw) as content:
            said = read(content, anchors=self._anchors, at=one.at)
            if one.size > self._most:  # files of which there is a beginning alone are no files
                said = replace(said, attachments=(), cut=True)
            if anew and self._database.transact(_scope(leased), partial(_known, leased=leased, said=said)):
                self._database.transact(_scope(leased), partial(_advance, leased=leased, uid=one.uid))
                TAKEN.labels("known").inc()
                return 0
            self._keep(leased, said.digest, raw)
            scanned = {each.part: self._scanner.scan(each.content) for each in said.attachments}
            came = Came(said, uidvalidity, one.uid, one.size, one.at, leased.kept_under, scanned)
            write = partial(_write, leased=leased, uid=one.uid)
            try:
                new = self._database.transact(_scope(leased), partial(write, came=came))
            except (DataError, IntegrityError, StatementError, ValueError):
                log.exception("mail_not_read", mailbox=leased.box.id, uid=one.uid)
                bare = Came(unread(content), uidvalidity, one.uid, one.size, one.at, leased.kept_under)
                new = self._database.transact(_scope(leased), partial(write, came=bare))
        TAKEN.labels("taken" if new else "known").inc()
        return int(new)

    def _keep(self, leased: Leased, digest: str, raw: Path | bytes) -> None:
        try:
            if isinstance(raw, Path):
                self._store.put(leased.kept_under, digest, raw)
                return
            with tempfile.NamedTemporaryFile(prefix="filodiretto-mail-") as file:
                file.write(raw)
                file.flush()
                self._store.put(leased.kept_under, digest, Path(file.name))
        except StoreError as error:
            raise MailboxError(Trouble.STORE, str(error)) from error


def _lease(session: Session, mailbox_id: int, who: UUID) -> Leased | None:
    row = session.get(Mailbox, mailbox_id, with_for_update=True, populate_existing=True)
    now = clock.now(session)
    if row is None or row.closed_at is not None or row.due_at > now:
        return None
    if row.leased_until is not None and row.leased_until >= now and row.leased_by != who:
        return None
    under = row.ente_id or min(enti.enti_of(session, row.contract_id), default=None)
    if under is None or under not in enti.enti_of(session, row.contract_id):  # its contract has ended
        return None
    row.leased_by, row.leased_until = who, now + LEASE
    session.flush()
    return Leased(
        boxes.box_of(row), who, boxes.reader(row), (row.auth, secrets.opened(session, row)), row.uidvalidity,
        row.last_uid, under, row.failing_since,
    )  # fmt: skip


def _begin(session: Session, *, leased: Leased, uidvalidity: int) -> tuple[int, datetime]:
    """Up to where it was read, under these numbers; and the instant."""
    row = _mine(session, leased)
    if row.uidvalidity != uidvalidity:
        row.uidvalidity, row.last_uid = uidvalidity, 0
        session.flush()
    return row.last_uid, clock.now(session)


def _write(session: Session, *, leased: Leased, uid: int, came: Came) -> bool:
    _advance(session, leased=leased, uid=uid)
    return intake.take(session, leased.box, came) is not None


def _known(session: Session, *, leased: Leased, said: Reading) -> bool:
    return intake.taken_already(session, leased.box, message_id=said.message_id, digest=said.digest)


def _advance(session: Session, *, leased: Leased, uid: int) -> None:
    """Read up to here, and ours for as long again."""
    until = clock.now(session) + LEASE
    mine = update(_BOX).where(_BOX.c.id == leased.box.id, _BOX.c.leased_by == leased.who)
    if session.execute(mine.values(last_uid=uid, leased_until=until).returning(_BOX.c.id)).first() is None:
        raise LeaseLostError


def _renew(session: Session, *, leased: Leased) -> None:
    _mine(session, leased).leased_until = clock.now(session) + LEASE
    session.flush()


def _well(session: Session, *, leased: Leased) -> None:
    row = _mine(session, leased)
    if row.failing_since is not None:
        touch(session, topics.mail(row.contract_id))
    row.good_at, row.failing_since, row.trouble = clock.now(session), None, None
    session.flush()


def _release(session: Session, *, leased: Leased, trouble: Trouble | None) -> None:
    row = session.get(Mailbox, leased.box.id, with_for_update=True, populate_existing=True)
    if row is None or row.leased_by != leased.who:
        return
    row.leased_by = row.leased_until = None
    now = clock.now(session)
    if trouble is not None:
        if row.trouble is not trouble:
            touch(session, topics.mail(row.contract_id))
        row.failing_since, row.trouble = row.failing_since or now, trouble
        row.due_at = now + timedelta(seconds=wait_after((now - row.failing_since).total_seconds()))
    session.flush()


def wait_after(failing_s: float) -> float:
    """After how many seconds it is tried again that has failed for so long: ever later. Pure."""
    return next((one for one in BACK_OFF if failing_s < 4 * one), BACK_OFF[-1])


def _mine(session: Session, leased: Leased) -> Mailbox:
    row = session.get(Mailbox, leased.box.id, with_for_update=True, populate_existing=True)
    if row is None or row.leased_by != leased.who or row.closed_at is not None:
        raise LeaseLostError
    return row


def _scope(leased: Leased) -> Scope:
    return Scope.of_contract(leased.box.contract_id)


@contextmanager
def _mapped(raw: Path | bytes) -> Iterator[Raw]:
    """A mail's bytes; of one on the disk whatever of them is looked at."""
    if isinstance(raw, bytes) or not raw.stat().st_size:
        yield raw if isinstance(raw, bytes) else b""
        return
    with raw.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


def _at_most(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    left = most
    for piece in pieces:
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            return
