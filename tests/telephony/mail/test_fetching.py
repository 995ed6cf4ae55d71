"""A mailbox is read from a real server: nothing is lost and nothing taken twice, whatever breaks on the way."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import update

from crm.core import clock
from crm.documents.store import FolderStore
from telephony.mail.automatic import Nature
from telephony.mail.errors import LeaseLostError, MailboxError
from telephony.mail.fetching import Fetcher, wait_after
from telephony.mail.models import Mailbox, ThreadState, Trouble
from telephony.mail.watching import Watch
from tests.telephony.mail import taking
from tests.telephony.mail.conftest import Post, cutter
from tests.telephony.mail.letters import letter, with_file

pytestmark = pytest.mark.integration


class Crash(BaseException):
    """The process dies."""


class DyingStore(FolderStore):
    """Somebody is killed before, or right after, a mail's bytes are kept."""

    def __init__(self, folder: Path, *, before: bool) -> None:
        super().__init__(folder)
        self._before = before

    def put(self, ente_id: int, sha256: str, source: Path) -> None:
        if not self._before:
            super().put(ente_id, sha256, source)
        raise Crash


def some(count: int, *, start: int = 0) -> list[bytes]:
    return [letter(f"Lettera {n}", named=f"{n}@example.it") for n in range(start, start + count)]


def test_what_came_is_taken_once_and_nobody_has_seen_it(post: Post) -> None:
    post.maildir.deliver(*some(3))
    assert post.fetch() == 3
    assert post.fetch() == 0
    assert [one.message_id for one in post.mails() if one.inbound] == ["0@example.it", "1@example.it", "2@example.it"]
    assert post.maildir.unread() == 3
    first = next(one for one in post.mails() if one.inbound)
    assert first.digest is not None
    assert b"Lettera 0" in post.store.read(post.cast.empoli, first.digest, most=10_000)
    assert (post.row().trouble, post.row().good_at is None) == (None, False)


def test_cut_at_any_byte_nothing_is_lost_and_nothing_twice(post: Post) -> None:
    large = with_file("foto.jpg", b"\xff\xd8\xff" + bytes(range(256)) * 8_000, "image/jpeg")
    post.maildir.deliver(*some(4), large, *some(3, start=4))
    with cutter(post.server.port) as network:
        post.at_port(network.port)
        for after in (200, 500, 700, 900, 1_500, 3_000, 6_000, 400_000, 1_200_000, 2_500_000, 2_750_000):
            network.after = after
            with pytest.raises(MailboxError) as cut:
                post.fetch()
            assert cut.value.trouble is Trouble.AWAY
        assert network.cut >= 11
        assert post.row().failing_since is not None
        network.after = None
        post.fetch()
    inbound = [one.message_id for one in post.mails() if one.inbound]
    assert sorted(inbound) == sorted([*(f"{n}@example.it" for n in range(7)), "file@example.it"])
    assert post.row().failing_since is None


@pytest.mark.parametrize("before", [True, False])
def test_killed_around_the_store_it_goes_on_where_it_was(post: Post, tmp_path: Path, before: bool) -> None:
    post.maildir.deliver(*some(2))
    with pytest.raises(Crash):
        post.fetch(Fetcher(post.database, DyingStore(tmp_path, before=before)))
    assert post.mails() == []
    assert post.fetch() == 2


def test_with_other_numbers_all_is_read_again_and_nothing_taken_twice(post: Post) -> None:
    post.maildir.deliver(*some(3))
    post.fetch()
    validity = post.row().uidvalidity
    post.maildir.renumber()
    post.maildir.deliver(*some(1, start=3))
    assert post.fetch() == 1
    assert post.row().uidvalidity != validity
    assert sum(one.inbound for one in post.mails()) == 4


def test_one_process_has_it_and_whoever_lost_it_writes_nothing(post: Post) -> None:
    post.maildir.deliver(*some(1))
    first = post.fetcher.lease(post.mailbox_id, post.cast.contract, uuid4())
    assert first is not None
    assert post.fetcher.lease(post.mailbox_id, post.cast.contract, uuid4()) is None
    assert post.fetcher.due() == []
    inbox = post.fetcher.opened(first)
    assert post.fetch() == 1  # the lease was over: somebody else was faster
    with inbox, pytest.raises(LeaseLostError):
        post.fetcher.round(first, inbox)
    assert sum(one.inbound for one in post.mails()) == 1


def test_whoever_reads_is_killed_and_each_mail_is_taken_and_acknowledged_once(post: Post, tmp_path: Path) -> None:
    """Forty mails at once, two readers; `python -m bench mails` has a thousand."""
    post.maildir.deliver(*some(40))
    url = post.database.app_engine.url.render_as_string(hide_password=False)
    where = (url, tmp_path, post.mailbox_id, post.cast.contract)
    other = subprocess.Popen([sys.executable, "-m", taking.__name__, *map(str, where)])
    stop, whom = threading.Event(), (post.fetcher, post.mailbox_id, post.cast.contract, uuid4())
    mine = threading.Thread(target=taking.keep_taking, args=(*whom, stop))
    try:
        until(lambda: len(post.mails()) > 20)
        mine.start()
        assert post.fetcher.lease(*whom[1:]) is None  # the other one has it
    finally:
        other.kill()  # SIGKILL, with a mail in its hands
        other.wait()
    with post.database.begin(post.scope) as session:  # two minutes pass: its lease is over
        session.execute(update(Mailbox).values(leased_until=clock.now(session)))
    until(lambda: sum(mail.inbound for mail in post.mails()) >= 40)
    stop.set()
    mine.join()
    mails = post.mails()
    assert sorted(one.message_id for one in mails if one.inbound) == sorted(f"{n}@example.it" for n in range(40))
    assert sorted(one.answers for one in mails if not one.inbound) == sorted(f"{n}@example.it" for n in range(40))


def until(so: Callable[[], bool]) -> None:
    """It becomes so within moments."""
    news = threading.Event()
    for _ in range(600):
        if so():
            return
        news.wait(0.05)
    raise AssertionError("it does not become so")


def test_two_who_watch_take_all_together_once(post: Post) -> None:
    post.maildir.deliver(*some(20))
    watches = [Watch(Fetcher(post.database, post.store), waits_s=5) for _ in range(2)]
    for one in watches:
        one.look()
    until(lambda: sum(mail.inbound for mail in post.mails()) == 20)
    post.maildir.deliver(*some(1, start=20))  # told by the server, not asked for
    until(lambda: sum(mail.inbound for mail in post.mails()) == 21)
    for one in watches:
        one.close()
    assert sum(mail.inbound for mail in post.mails()) == 21
    until(lambda: post.row().leased_by is None)


def test_wrong_words_and_folders_are_told_and_tried_ever_later(post: Post) -> None:
    with post.database.begin(post.scope) as session:
        session.execute(update(Mailbox).values(folder="Altrove"))
    with pytest.raises(MailboxError) as error:
        post.fetch()
    assert error.value.trouble is Trouble.NO_FOLDER
    assert post.row().trouble is Trouble.NO_FOLDER
    assert post.fetcher.lease(post.mailbox_id, post.cast.contract, uuid4()) is None
    assert [wait_after(one) for one in (0, 200, 3_000, 9_999_999)] == [30.0, 60.0, 900.0, 900.0]


def test_a_mail_of_bytes_alone_is_taken_as_it_is(post: Post) -> None:
    post.maildir.deliver(bytes(range(1, 256)) * 20, b"From: a@b.it\r\nSubject: \xff\x00x\r\n\r\n\x00testo", letter())
    assert post.fetch() == 3
    assert len(post.threads()) == 3
    assert all(one.digest for one in post.mails() if one.inbound)
    assert {one.state for one in post.threads()} == {ThreadState.OPEN}
    assert {one.nature for one in post.mails() if one.inbound} == {Nature.PERSON}
