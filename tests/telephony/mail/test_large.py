"""Files of 50 MB, and mails that are larger than what is taken: nothing is lost, and memory is bounded."""

import base64
import hashlib
from pathlib import Path
from types import MappingProxyType

import pytest
from sqlalchemy import select

from crm.documents.models import Scan
from crm.documents.scanning import Scanner
from telephony.mail.fetching import Fetcher
from telephony.mail.models import MOST_BYTES, MailAttachment, ThreadState
from telephony.mail.reading import part_of
from tests.telephony.mail.clamd import clamd
from tests.telephony.mail.conftest import Post
from tests.telephony.mail.letters import letter, with_file

pytestmark = pytest.mark.integration
PIECE = b"%PDF-1.7" + bytes(range(256)) * 222 + b"x"  # of whole lines as base64
PIECES = 880  # 50 MB
HEAD = (
    b"From: mario.bianchi@example.it\r\nSubject: Planimetrie\r\nMessage-ID: <grande@example.it>\r\n"
    b'Content-Type: multipart/mixed; boundary="confine"\r\n\r\n--confine\r\n\r\nIn allegato.\r\n--confine\r\n'
    b'Content-Type: application/pdf; name="planimetrie.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
)  # fmt: skip


def memory() -> MappingProxyType[str, int]:
    """Of this process: bytes now, and the most since it was forgotten."""
    lines = (one.split() for one in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return MappingProxyType({one[0]: int(one[1]) * 1024 for one in lines if one[0] in {"VmRSS:", "VmHWM:"}})


def test_a_file_of_50_mb_is_kept_listed_scanned_and_given_back(post: Post) -> None:
    lines = base64.encodebytes(PIECE).replace(b"\n", b"\r\n")
    post.maildir.deliver(HEAD + lines * PIECES + b"--confine--\r\n")
    expected = hashlib.sha256()
    for _ in range(PIECES):
        expected.update(PIECE)
    with clamd() as daemon:
        fetcher = Fetcher(post.database, post.store, scanner=Scanner(daemon.address))
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the most is forgotten: proc(5)
        before = memory()["VmRSS:"]
        assert post.fetch(fetcher) == 1
        grown = memory()["VmHWM:"] - before
    with post.database.begin(post.scope) as session:
        (file,) = session.scalars(select(MailAttachment)).all()
    size = len(PIECE) * PIECES
    assert (file.size, file.sha256, file.scan) == (size, expected.hexdigest(), Scan.CLEAN)
    assert daemon.seen == [size]
    (mail,) = (one for one in post.mails() if one.inbound)
    assert (mail.words, mail.cut) == ("In allegato.", False)
    assert mail.digest is not None
    again = part_of(post.store.read(post.cast.empoli, mail.digest, most=MOST_BYTES), file.part)
    assert again is not None
    assert hashlib.sha256(again.content).hexdigest() == file.sha256
    assert grown < 3.5 * size  # its page in the cache, and the file once


def test_of_what_is_too_large_the_beginning_is_taken_and_somebody_sees_it(post: Post) -> None:
    large = with_file("foto.jpg", b"\xff\xd8\xff" + bytes(3_000_000), "image/jpeg")
    post.maildir.deliver(letter(named="prima@example.it"), large, letter(named="dopo@example.it"))
    fetcher = Fetcher(post.database, post.store, most=2_000_000)
    assert post.fetch(fetcher) == 3
    mail = next(one for one in post.mails() if one.message_id == "file@example.it")
    assert (mail.words, mail.cut, mail.size > 4_000_000) == ("In allegato la ricevuta.", True, True)
    assert {one.state for one in post.threads()} == {ThreadState.OPEN}
    with post.database.begin(post.scope) as session:
        assert session.scalars(select(MailAttachment)).all() == []
    assert post.fetch(fetcher) == 0
