"""A mailbox that is opened by tokens (OAuth2), read from a real Dovecot that asks about each, written to by SMTP."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from crm.core.db import Database
from telephony.mail import boxes, secrets
from telephony.mail.errors import MailboxError
from telephony.mail.fetching import Fetcher
from telephony.mail.models import Auth, Mailbox, Trouble
from telephony.mail.secrets import Secret, Tokens
from tests.authorisation import CLIENT, Authorisation, authorisation
from tests.cast import Cast, principal_of
from tests.dovecot import Dovecot
from tests.telephony.mail.conftest import Post, opened, told
from tests.telephony.mail.letters import letter
from tests.telephony.mail.test_correspondence import smtp_at
from tests.telephony.messages.conftest import MailServer, mail_server

pytestmark = pytest.mark.integration
__all__ = ("mail_server",)  # a fixture


@pytest.fixture
def provider(dovecot: Dovecot, loopback: None) -> Iterator[Authorisation]:
    with authorisation(dovecot.tokens_port) as made:
        yield made


@pytest.fixture
def post(database: Database, cast: Cast, dovecot: Dovecot, provider: Authorisation, tmp_path: Path) -> Post:
    """Empoli's mailbox, of which somebody gave us the first refresh token."""
    secret = Secret(token_url=provider.token_url, client_id=CLIENT[0], client_secret=CLIENT[1], refresh_token="rinnovo")
    made = opened(database, cast, dovecot, tmp_path, auth=Auth.OAUTH2, secret=secret)
    provider.users["rinnovo"] = made.maildir.user
    return made


def refresh_token(post: Post) -> str:
    with post.database.begin(post.scope) as session:
        return secrets.opened(session, session.get_one(Mailbox, post.mailbox_id)).refresh_token


def test_a_token_is_got_once_and_anew_when_the_server_takes_it_no_more(post: Post, provider: Authorisation) -> None:
    post.maildir.deliver(letter(named="1@example.it"))
    assert post.fetch() == 1
    post.maildir.deliver(letter(named="2@example.it"))
    assert (post.fetch(), provider.given) == (1, 1)
    provider.active.clear()  # over before its time
    post.maildir.deliver(letter(named="3@example.it"))
    assert (post.fetch(), provider.given) == (1, 2)
    assert post.row().trouble is None


def test_another_refresh_token_replaces_the_first(post: Post, provider: Authorisation) -> None:
    provider.renews = True
    assert (post.fetch(), refresh_token(post)) == (0, "rinnovo-1")
    provider.active.clear()
    post.fetch()
    assert refresh_token(post) == "rinnovo-2"
    post.maildir.deliver(letter())
    assert post.fetch(Fetcher(post.database, post.store)) == 1  # of another process
    assert provider.users == {"rinnovo-3": post.maildir.user}


def test_a_revoked_authorisation_is_told_and_a_server_that_is_away_is_tried_again(
    post: Post, provider: Authorisation
) -> None:
    provider.revoke()
    with pytest.raises(MailboxError) as error:
        post.fetch()
    assert (error.value.trouble, post.row().trouble) == (Trouble.TOKEN, Trouble.TOKEN)
    with post.database.begin(post.scope) as session:  # somebody writes the new refresh token, and nothing else
        by, more = principal_of(session, post.cast.sara), {"imap_port": post.server.port, "username": post.maildir.user}
        anew = told(post.cast, auth=Auth.OAUTH2, secret=Secret(refresh_token="nuovo"), **more)
        boxes.change(session, by, mailbox_id=post.mailbox_id, told=anew)
    provider.users["nuovo"] = post.maildir.user
    post.fetch()
    assert post.row().trouble is None
    tokens, nobody = Tokens(), Secret(token_url="http://127.0.0.1:9/token", client_id="c", refresh_token="r")
    with pytest.raises(MailboxError) as error:
        tokens.access(nobody, lambda _old, _new: None)
    assert error.value.trouble is Trouble.AWAY


def test_an_answer_leaves_by_a_token_and_by_another_one_when_it_is_refused(
    post: Post, provider: Authorisation, mail_server: MailServer
) -> None:
    desk = smtp_at(post, mail_server)
    mail_server.active = provider.active
    thread = desk.comes(letter())
    assert len(desk.leaves()) == 1  # that it came
    provider.active.clear()
    desk.answer(thread, once=uuid4())
    assert len(desk.leaves()) == 1
    assert len(desk.leaves(timedelta(minutes=5))) == 2
