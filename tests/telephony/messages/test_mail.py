"""E-mail against a real SMTP server that accepts, refuses, drops and hangs."""

import contextlib
from dataclasses import replace
from datetime import timedelta
from email.utils import parseaddr

import pytest

from crm.contacts.models import ContactReach, ReachKind
from crm.core.db import Scope
from crm.messages.models import MessageChannel
from telephony.messages.delivery import MAIL_REPEATED_AFTER, Delivery
from telephony.messages.mail import Attached, Mail, Mailer, MailError
from tests.telephony.messages.conftest import LINK, MAIL, TO, MailServer, Post, free_port

pytestmark = pytest.mark.integration
EMAIL = MessageChannel.EMAIL
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_what_is_owed_is_sent_once(post: Post, mail_server: MailServer) -> None:
    made = post.owe(EMAIL)
    assert post.run() == 1
    assert post.state(made) == ("sent", None)
    (mail,) = mail_server.taken
    assert parseaddr(str(mail["from"])) == ("Comune di Empoli", "no-reply@cc.example.it")
    assert mail["to"] == MAIL
    assert mail["message-id"] == f"<{made}@cc.example.it>"
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["list-unsubscribe"] is None  # he asked for it
    assert mail.get_content_type() == "text/plain"
    assert LINK["link"] in mail.get_content()
    assert post.passes(DAY) == 0
    assert len(mail_server.seen) == 1


def test_what_he_did_not_ask_for_says_how_to_get_no_more(post: Post, mail_server: MailServer) -> None:
    made = post.owe(EMAIL, "reply", protocol="7/2026", answer="Perché è così.\n.\n..\nSaluti")
    post.run()
    (mail,) = mail_server.taken
    assert mail["list-unsubscribe"] == f"<https://cc.example.it/messages/{post.cast.empoli}/{made}/stop>"
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert "Perché è così.\n.\n..\nSaluti\n" in mail.get_content().replace("\r\n", "\n")


@pytest.mark.parametrize("reply", ["451 later", "data:452 full", "drop_before_data", "421 busy"])
def test_trouble_that_may_pass_is_tried_again_with_patience(post: Post, mail_server: MailServer, reply: str) -> None:
    mail_server.conduct = [reply, reply]
    made = post.owe(EMAIL)
    post.run()
    assert post.state(made) == ("owed", None)
    assert post.run() == 0  # not before a minute
    post.passes(timedelta(minutes=1))
    assert post.state(made) == ("owed", None)
    assert post.passes(timedelta(minutes=1)) == 0  # and then five
    post.passes(timedelta(minutes=4))
    assert post.state(made) == ("sent", None)
    assert len(mail_server.taken) == 1


def test_what_never_passes_ends_and_is_shown(post: Post, mail_server: MailServer) -> None:
    mail_server.conduct = ["451 later"] * 100
    made = post.owe(EMAIL)
    post.run()
    for _ in range(40):
        post.passes(HOUR)
    assert post.state(made) == ("expired", "too_late")
    assert len(post.shown_to_somebody()) == 1


@pytest.mark.parametrize(
    ("reply", "reason"), [("550 no such user", "bad_address"), ("data:554 spam", "refused"), ("552 no", "refused")]
)
def test_a_refusal_for_good_is_not_tried_again_and_is_shown(
    post: Post, mail_server: MailServer, reply: str, reason: str
) -> None:
    mail_server.conduct = [reply]
    made = post.owe(EMAIL)
    post.run()
    assert post.state(made) == ("failed", reason)
    assert post.passes(DAY) == 0
    (todo,) = post.shown_to_somebody()
    assert todo.note.startswith("Un'e-mail non è arrivata")


def test_a_server_that_accepts_and_then_drops_has_it(post: Post, mail_server: MailServer) -> None:
    mail_server.conduct = ["accept_and_drop"]
    made = post.owe(EMAIL)
    post.run()
    assert post.state(made) == ("sent", None)
    post.passes(DAY)
    assert len(mail_server.seen) == 1


@pytest.mark.parametrize("conduct", ["drop_after_data", "hang"])
def test_no_reply_after_the_content_is_unknown_and_repeated_once(
    post: Post, mail_server: MailServer, conduct: str
) -> None:
    mail_server.conduct = [conduct]
    made = post.owe(EMAIL)
    post.run()
    assert post.state(made) == ("unknown", None)
    assert post.passes(MAIL_REPEATED_AFTER - timedelta(minutes=1)) == 0
    post.passes(timedelta(minutes=1))
    assert post.state(made) == ("sent", None)
    first, second = mail_server.seen
    assert first["message-id"] == second["message-id"]
    assert first["date"] == second["date"]


def test_unknown_twice_is_told_as_it_is(post: Post, mail_server: MailServer) -> None:
    mail_server.conduct = ["drop_after_data"] * 3
    made = post.owe(EMAIL)
    post.run()
    post.passes(MAIL_REPEATED_AFTER)
    assert post.state(made) == ("failed", "not_sure")
    assert post.passes(DAY) == 0
    assert len(mail_server.seen) == 2
    assert len(post.shown_to_somebody()) == 1


def test_a_repetition_that_does_not_leave_is_none(post: Post, mail_server: MailServer) -> None:
    mail_server.conduct = ["drop_after_data", "451 later", "451 later"]
    made = post.owe(EMAIL)
    post.run()
    post.passes(MAIL_REPEATED_AFTER)
    post.passes(HOUR)
    assert post.state(made) == ("unknown", None)
    post.passes(HOUR)
    assert post.state(made) == ("sent", None)
    assert len(mail_server.seen) == 2


def test_killed_between_commit_and_sending_it_is_sent(post: Post, mail_server: MailServer) -> None:
    """The wake was lost with the process: the sweep finds the job."""
    made = post.owe(EMAIL)
    assert post.passes(timedelta(seconds=3)) == 1
    assert post.state(made) == ("sent", None)


def test_killed_while_sending_it_is_repeated_once(post: Post, mail_server: MailServer) -> None:
    made = post.owe(EMAIL)
    post.dies_while_sending(made)
    post.passes(timedelta(seconds=90))
    assert post.state(made) == ("sent", None)
    assert len(mail_server.taken) == 1


def test_killed_at_the_repetition_it_is_not_sent_again(post: Post, mail_server: MailServer) -> None:
    made = post.owe(EMAIL)
    post.dies_while_sending(made)
    post.dies_while_sending(made)
    post.passes(timedelta(seconds=90))
    assert post.state(made) == ("failed", "not_sure")
    assert mail_server.seen == []


def test_without_a_mail_server_somebody_is_told(post: Post) -> None:
    post.delivery = Delivery(post.carrier, None, TO)
    made = post.owe(EMAIL)
    post.run()
    assert post.state(made) == ("failed", "no_sender")


def test_a_server_that_is_not_there_is_waited_for(post: Post) -> None:
    nobody = Mailer(f"smtp://127.0.0.1:{free_port()}", "a@example.it", timeout_s=0.4)
    post.delivery = Delivery(post.carrier, nobody, TO)
    made = post.owe(EMAIL)
    post.run()
    assert post.state(made) == ("owed", None)


def test_a_password_is_not_sent_in_clear_to_another_machine(
    post: Post, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server offers no STARTTLS: nothing is said to it."""
    monkeypatch.setattr("telephony.messages.mail.LOOPBACK", frozenset())
    made = post.owe(EMAIL)
    post.run()
    assert post.state(made) == ("owed", None)
    assert mail_server.seen == []


# -- attacks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["mario\x00@example.it", "mària@example.it", '"a\r\nBcc: x@y.it"@example.it', "a@b..it"]
)
def test_an_address_that_no_server_could_take_fails_at_once(post: Post, mail_server: MailServer, address: str) -> None:
    mailer = Mailer(f"smtp://127.0.0.1:{mail_server.port}", "a@example.it", timeout_s=0.4)
    with pytest.raises(MailError) as refused:
        mailer.send(replace(a_mail(post), to=address))
    assert refused.value.permanent
    assert mail_server.seen == []


def test_a_domain_of_other_letters_is_written_as_the_dns_has_it(post: Post, mail_server: MailServer) -> None:
    mailer = Mailer(f"smtp://127.0.0.1:{mail_server.port}", "a@example.it", timeout_s=0.4)
    mailer.send(replace(a_mail(post), to="mario@città.example.it"))
    mailer.send(replace(a_mail(post), to="mario@straße.example.de"))
    assert [one["to"] for one in mail_server.taken] == [
        "mario@xn--citt-3na.example.it",
        "mario@xn--strae-oqa.example.de",
    ]


@pytest.mark.parametrize("field", ["subject", "sender"])
def test_no_header_is_smuggled_in(post: Post, mail_server: MailServer, field: str) -> None:
    mailer = Mailer(f"smtp://127.0.0.1:{mail_server.port}", "a@example.it", timeout_s=0.4)
    changes = {field: "Ciao\r\nBcc: altri@example.it"}
    with contextlib.suppress(MailError):
        mailer.send(replace(a_mail(post), **changes))  # type: ignore[arg-type]
    assert all(mail["bcc"] is None for mail in mail_server.seen)


def test_a_huge_address_on_file_harms_nobody(post: Post, mail_server: MailServer) -> None:
    with post.database.begin(Scope.of_enti([post.cast.empoli])) as session:
        session.add(
            ContactReach(
                ente_id=post.cast.empoli, contact_id=post.cast.mario, kind=ReachKind.EMAIL,
                value="a" * 64 + "@" + "b" * 180 + ".it",
            )
        )  # fmt: skip
    made = post.owe(EMAIL)
    post.run()
    assert post.state(made) == ("sent", None)  # to the verified one


def test_an_appointment_brings_its_entry_for_calendars(post: Post) -> None:
    entry = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:È un appuntamento\r\nEND:VCALENDAR\r\n"
    mail = Mailer("smtp://127.0.0.1:9", "a@example.it", timeout_s=1).compose(replace(a_mail(post), calendar=entry))
    (attached,) = mail.iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == ("text/calendar", "appuntamento.ics")
    assert attached.get_content().split() == entry.split()
    assert attached["content-type"].params["method"] == "REQUEST"  # RFC 6047, 2.4


def a_mail(post: Post) -> Mail:
    return Mail(post.owe(EMAIL), "Comune", MAIL, "Prova", "Testo", post.message(post.owe(EMAIL)).made_at)


def test_files_go_with_it_and_what_cannot_be_made_keeps_it_from_nobody(post: Post, mail_server: MailServer) -> None:
    made = post.owe(EMAIL)
    post.run(lambda _database, one: [Attached("r.pdf", "application/pdf", one.cause.encode())])
    (mail,) = mail_server.taken
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("r.pdf", "application/pdf")
    assert file.get_content() == post.message(made).cause.encode()
    body = mail.get_body()
    assert body is not None
    assert LINK["link"] in body.get_content()

    def fails(_database: object, _one: object) -> list[Attached]:
        raise RuntimeError

    again = post.owe(EMAIL)
    post.run(fails)
    assert post.state(again) == ("sent", None)
    assert not list(mail_server.taken[-1].iter_attachments())
