"""Who keeps mailboxes under the eye: a thread for each that this process has, which reads, waits for news, and reads.

It waits by IDLE (RFC 2177), anew after some minutes, as servers end what is silent for long; where a server has no IDLE
it asks again after a minute. Any number of processes may do this: a mailbox is read by who holds its lease.
"""

import threading
from functools import partial
from uuid import uuid4

import structlog

from telephony.mail.connecting import Inbox
from telephony.mail.errors import LeaseLostError, MailboxError
from telephony.mail.fetching import LEASE, Fetcher, Leased
from telephony.mail.models import Trouble

log = structlog.get_logger(__name__)
LOOKS_S = 5.0  # for mailboxes that nobody reads
WAITS_S = LEASE.total_seconds() / 2  # for news, until the lease is renewed
POLLS_S = 60.0  # where a server tells nothing
MOST = 200  # mailboxes of one process


class Watch:
    """Reads mailboxes until it is told to stop."""

    def __init__(self, fetcher: Fetcher, *, waits_s: float = WAITS_S, polls_s: float = POLLS_S) -> None:
        self._fetcher, self._waits_s, self._polls_s = fetcher, waits_s, polls_s
        self._who, self._stop = uuid4(), threading.Event()
        self._lock = threading.Lock()
        self._kept: dict[int, threading.Thread] = {}
        self._waiting: dict[int, Inbox] = {}

    def run(self, stop: threading.Event) -> None:
        """Until `stop`, look for mailboxes that nobody reads."""
        self.look()
        while not stop.wait(LOOKS_S):
            self.look()
        self.close()

    def look(self) -> None:
        """Take what nobody reads. What goes wrong is tried again at the next look."""
        try:
            due = self._fetcher.due()
        except Exception:
            log.exception("mailboxes_not_looked_for")
            return
        with self._lock:
            self._kept = {id_: thread for id_, thread in self._kept.items() if thread.is_alive()}
            for mailbox_id, contract_id in due:
                if mailbox_id not in self._kept and len(self._kept) < MOST:
                    keep = partial(self.keep, mailbox_id, contract_id)
                    self._kept[mailbox_id] = threading.Thread(target=keep, name=f"mailbox-{mailbox_id}", daemon=True)
                    self._kept[mailbox_id].start()

    def keep(self, mailbox_id: int, contract_id: int) -> None:
        """Read a mailbox for as long as all goes well; what goes wrong is written down, and somebody tries again."""
        with structlog.contextvars.bound_contextvars(mailbox=mailbox_id):
            leased = None
            try:
                leased = self._fetcher.lease(mailbox_id, contract_id, self._who)
                if leased is not None:
                    self._follow(leased)
                    self._fetcher.release(leased)
            except LeaseLostError:
                log.info("mailbox_left_to_another")
            except MailboxError as error:
                log.warning("mailbox_not_read", trouble=error.trouble.value, error=str(error))
                self._give_up(leased, error.trouble)
            except Exception:
                log.exception("mailbox_not_read")
                self._give_up(leased, Trouble.REFUSED)

    def close(self) -> None:
        """Stop reading: whoever waits is woken; what is being taken is finished."""
        self._stop.set()
        with self._lock:
            waiting, threads = list(self._waiting.values()), list(self._kept.values())
        for inbox in waiting:
            inbox.wake()
        for thread in threads:
            thread.join(timeout=5)

    def _follow(self, leased: Leased) -> None:
        mailbox_id: int = leased.box.id
        inbox = self._fetcher.opened(leased)
        with inbox:
            while not self._stop.is_set():
                self._fetcher.round(leased, inbox, stop=self._stop.is_set)
                with self._lock:
                    if self._stop.is_set():  # whoever wakes those who wait has done so
                        return
                    self._waiting[mailbox_id] = inbox
                try:
                    if inbox.can_idle:
                        inbox.wait(self._waits_s)
                    else:
                        self._stop.wait(min(self._polls_s, self._waits_s))
                        inbox.wait(0)
                except MailboxError:
                    if not self._stop.is_set():
                        raise
                finally:
                    with self._lock:
                        self._waiting.pop(mailbox_id, None)
                if not self._stop.is_set():
                    self._fetcher.renew(leased)

    def _give_up(self, leased: Leased | None, trouble: Trouble) -> None:
        if leased is None:
            return
        try:
            self._fetcher.release(leased, trouble)
        except Exception:
            log.exception("mailbox_not_released")  # its lease ends by itself
