"""An answer as it leaves: nothing of what was typed is lost, and only what is what it says goes with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import FieldError
from telephony.mail.composing import Quoted, body_of, others_in, text_of
from telephony.mail.copies import Lost, is_of_others, lost, without
from telephony.mail.enclosing import MOST_BYTES, brought
from telephony.mail.kinds import FileKind
from tests.cast import AS_OF

LINES = st.lists(st.text(st.characters(codec="utf-8", categories=("L", "N", "Zs")), max_size=60), min_size=1).map(
    "\n".join
)


@given(LINES, st.sampled_from(["", "Ufficio tributi\nEmpoli"]), st.none() | LINES, st.integers(0, 900))
def test_what_is_quoted_gives_way_to_what_was_typed(text: str, signature: str, quoted: str | None, most: int) -> None:
    of = Quoted(AS_OF, "Mario", quoted) if quoted is not None else None
    body = body_of(text, signature=signature, quoted=of, most=most)
    alone = body_of(text, signature=signature, quoted=None, most=most)
    assert body.startswith(alone)
    assert len(body) <= max(most, len(alone))
    assert text_of(body, signature=signature) == text


def test_a_copy_goes_to_whom_the_mail_was_for_but_us_and_him() -> None:
    asked = ["Studio@x.example", "studio@x.example", "tributi@e.example", "mario@x.example", "non un indirizzo"]
    assert others_in(asked, but={"tributi@e.example", "mario@x.example"}) == ("studio@x.example",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("vuoto.pdf", b""), ("programma.exe", b"MZ" + bytes(9)), ("fattura.pdf", b"MZ"), ("macro.docm", b"PK\x03\x04"),
        ("pagina.html", b"<html>"), ("lettera.pdf", b"solo testo"), ("grande.txt", b"a" * (MOST_BYTES + 1)),
    ],
)  # fmt: skip
def test_what_is_not_sent_is_refused_with_a_reason(name: str, content: bytes) -> None:
    with pytest.raises(FieldError):
        brought(name, content)


def test_a_file_is_what_is_in_it_and_is_called_as_it_may_be() -> None:
    assert (brought("../modulo.pdf", b"%PDF-1.7").name, brought("a.txt", b"ciao").kind) == ("modulo.pdf", FileKind.TEXT)


def test_what_does_not_arrive_at_copies_alone_is_no_failure_of_the_answer() -> None:
    to = [
        {"address": "mario@x.example", "name": "", "copied": False},
        {"address": "studio@x.example", "name": "", "copied": True},
    ]
    assert is_of_others(to, ["Studio@x.example"])
    assert not is_of_others(to, ["studio@x.example", "mario@x.example"])
    assert not is_of_others(to, ["inoltrato@y.example"])  # perhaps his, who has his mail sent on
    assert not is_of_others(to, [])
    assert lost(without(to, ["mario@x.example"], Lost.REFUSED)) == ()
    assert lost(without(to, ["STUDIO@x.example"], Lost.NOT_DELIVERED)) == (("studio@x.example", Lost.NOT_DELIVERED),)
