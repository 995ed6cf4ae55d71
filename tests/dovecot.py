"""Dovecot, for the tests of mailboxes: Debian's package, without privileges, on a port of its own, one a run.

Every user exists and has the same password; mails lie in his Maildir, where a test may put them. About tokens it asks
the authorisation server (`tests.authorisation`) that may be at `tokens_port`.
"""

import getpass
import grp
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers import open_loopback
from web.run import claims

PROGRAM = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
PASSWORD = "segreto"
_CONFIGURATION = """
protocols = imap
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
last_valid_uid = 0
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 100
passdb {{
  driver = static
  mechanisms = plain login
  args = password={password}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""
_TOKENS = """
introspection_mode = post
introspection_url = http://127.0.0.1:{port}/introspect
client_id = dovecot
username_attribute = username
active_attribute = active
active_value = true
"""


@dataclass
class Dovecot:
    """A server; each `User` is a mailbox."""

    folder: Path
    port: int
    owner: tuple[int, int]
    tokens_port: int

    def mailbox(self) -> "Maildir":
        """One that nobody has used yet."""
        return Maildir(self, f"u{secrets.token_hex(5)}")


@dataclass
class Maildir:
    """A mailbox on the server."""

    server: Dovecot
    user: str
    _count: int = field(default=0)

    def deliver(self, *mails: bytes) -> None:
        """Put mails into it, as a delivery agent does."""
        new, tmp = self._folder / "new", self._folder / "tmp"
        for one in (self._folder, new, tmp, self._folder / "cur"):
            if not one.exists():
                one.mkdir(parents=True)
                os.chown(one, *self.server.owner)
        for mail in mails:
            self._count += 1
            name = f"1764000000.M{self._count:06}.prova"
            (tmp / name).write_bytes(mail)
            os.chown(tmp / name, *self.server.owner)
            (tmp / name).rename(new / name)

    def renumber(self) -> None:
        """The server has lost its numbers: from now on another UIDVALIDITY holds."""
        for one in self._folder.glob("dovecot*"):
            one.unlink()
        (self._folder / "dovecot-uidlist").write_text(f"3 V{int(time.time()) + 77} N1 G{secrets.token_hex(16)}\n")
        os.chown(self._folder / "dovecot-uidlist", *self.server.owner)

    def unread(self) -> int:
        """How many nobody has seen."""
        return sum(":2," not in one.name or "S" not in one.name.partition(":2,")[2] for one in self._mails())

    def _mails(self) -> list[Path]:
        return [*(self._folder / "new").iterdir(), *(self._folder / "cur").iterdir()]

    @property
    def _folder(self) -> Path:
        return self.server.folder / "mail" / self.user


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A running Dovecot. It is missing only where nobody could install it."""
    if PROGRAM is None:
        if os.environ.get("CI"):
            pytest.fail("Dovecot is not installed: .ci/run does that")
        pytest.skip("Dovecot is not installed (apt install dovecot-imapd)")
    open_loopback()
    with running() as made:
        yield made


@contextmanager
def running() -> Iterator[Dovecot]:
    """Dovecot while it runs."""
    assert PROGRAM is not None, "Dovecot is not installed (apt install dovecot-imapd)"
    folder = Path(tempfile.mkdtemp(prefix="filodiretto-dovecot-"))
    folder.chmod(0o755)
    name = "nobody" if os.geteuid() == 0 else getpass.getuser()
    user = pwd.getpwnam(name)
    for part in ("run", "state", "mail"):
        (folder / part).mkdir()
        os.chown(folder / part, user.pw_uid, user.pw_gid)
    port, tokens_port, group = claims.free_port(), claims.free_port(), grp.getgrgid(user.pw_gid).gr_name
    written = _CONFIGURATION.format(folder=folder, user=name, group=group, password=PASSWORD, port=port)
    (folder / "dovecot.conf").write_text(written)
    (folder / "oauth2.conf").write_text(_TOKENS.format(port=tokens_port))
    server = subprocess.Popen([PROGRAM, "-F", "-c", folder / "dovecot.conf"], stderr=subprocess.DEVNULL)
    try:
        _wait(port, server, folder / "log")
        yield Dovecot(folder, port, (user.pw_uid, user.pw_gid), tokens_port)
    finally:
        server.terminate()
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(200):
        if server.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"Dovecot does not start: {log.read_text() if log.exists() else ''}")
