"""A letter as a file: what scanners read from it in black and white, that it is to be kept and read aloud."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from outbound.campaigns.plan import Phase
from outbound.letters import bulletin
from outbound.letters.address import Addressee
from outbound.letters.bulletin import Postal
from outbound.letters.content import Facts, Item, Sender, written
from outbound.letters.usual import USUAL
from tests.cast import NOTICE
from web.letters.paper import typeset

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
CODE = "L12-000034-51"
TO = Addressee("Mario Bianchi", "BNCMRA62A01D403X", ("MARIO BIANCHI", "VIA ROMA 1", "50053 EMPOLI FI"), 1)
SENDER = Sender(
    "Comune di Empoli", "01329160483", ("Comune di Empoli", "Via del Papa 41", "50053 EMPOLI FI"), "Tributi", "A1B2C",
    "800 000 000", ("lunedì–venerdì 9:00–13:00",), (), "I suoi dati sono trattati dal Comune di Empoli.",
)  # fmt: skip


def said(debts: int, **about: Any) -> dict[str, Any]:
    items = tuple(
        Item(f"TARI {2000 + n}", f"ingiunzione n. 2024/{n}", date(2024, 6, 30), True, 100 + n, NOTICE, n)
        for n in range(debts)
    )
    facts = Facts(CODE, Phase.PERSONAL, USUAL[Phase.PERSONAL], date(2026, 11, 24), None, SENDER, TO, items)
    return written(facts) | about


def scanned(content: bytes) -> list[list[str]]:
    """What a scanner in black and white reads on each page, at 200 dots an inch."""
    pages = pypdfium2.PdfDocument(content)
    images = [page.render(scale=200 / 72).to_pil().convert("1").convert("L") for page in pages]
    return [[one.text for one in zxingcpp.read_barcodes(image)] for image in images]


def test_scanners_read_the_letters_number_and_each_notice_as_pagopa_prescribes() -> None:
    letter = typeset(said(2), AT)
    assert letter.pages == 3
    assert scanned(letter.content) == [[CODE], *([f"PAGOPA|002|{NOTICE}|01329160483|{n}"] for n in (100, 101))]


def test_the_code_is_25_millimetres_wide() -> None:
    page = pypdfium2.PdfDocument(typeset(said(1), AT).content)[1]
    (code,) = zxingcpp.read_barcodes(page.render(scale=300 / 72).to_pil())
    at = code.position
    assert (at.top_right.x - at.top_left.x) / 300 * 25.4 == pytest.approx(25, abs=0.5)


def test_the_address_shows_in_the_window_and_nothing_else_does() -> None:
    """Folded in three, in an envelope DL: the window is 45 × 100 mm, 15 mm from the right and 20 mm from below."""
    page = pypdfium2.PdfDocument(typeset(said(1), AT).content)[0]
    mm = 72 / 25.4
    left, right, top, bottom = (110 * mm, 205 * mm, (297 - 48) * mm, (297 - 88) * mm)
    shown = page.get_textpage().get_text_bounded(left, bottom, right, top)
    assert shown.split("\r\n") == list(TO.lines)


def test_it_is_pdf_a_and_pdf_ua_and_names_nobody_where_files_are_listed() -> None:
    content = typeset(said(1), AT).content
    about = pypdfium2.PdfDocument(content).get_metadata_dict()
    assert about["Title"] == CODE
    assert about["Author"] == "Comune di Empoli"
    for mark in ("pdfaid:part>2<", "pdfaid:conformance>A<", "pdfuaid:part>1<", "/StructTreeRoot", "/OutputIntents"):
        assert re.search(mark.encode(), content), mark
    assert re.search(rb"/Lang\s*\(it\)", content)
    assert re.search(rb"/Marked\s+true", content)


def test_the_same_words_make_the_same_file_and_any_number_of_debts_its_pages() -> None:
    assert typeset(said(1), AT) == typeset(said(1), AT)
    many = typeset(said(40), AT)
    assert many.pages == len(pypdfium2.PdfDocument(many.content)) > 41
    assert typeset(said(3, notices=[]), AT).pages == 1


def test_what_people_write_is_never_taken_for_instructions() -> None:
    """Names and texts come as data: what means something to the typesetter is printed as it stands."""
    odd = '#panic("x") $ \\ ] } *not bold* // <b> "'
    letter = typeset(said(1, paragraphs=[odd], subject=odd, to=[odd, "VIA ROMA 1"]), AT)
    text = pypdfium2.PdfDocument(letter.content)[0].get_textpage().get_text_range()
    assert text.count('#panic("x")') == 3


@pytest.mark.parametrize("odd", ["李小龙", "BOB 😀", "MA\x07RIO", "\ue000", "A\ufffe"])
def test_a_name_that_no_type_has_does_not_stop_a_batch(odd: str) -> None:
    letter = typeset(said(1, paragraphs=[odd, "Gentile Đorđević, è così: 3 €"], to=[odd, "VIA ROMA 1"]), AT)
    text = pypdfium2.PdfDocument(letter.content)[0].get_textpage().get_text_range()
    assert "?" in text
    assert "Gentile Đorđević, è così: 3 €" in text
    assert scanned(letter.content)[0] == [CODE]


POSTAL = Postal("1630209310", "Comune di Empoli - Servizio Tesoreria", "AUT. DB/SISB/C/A 12345 DEL 01/02/2024")


def test_the_bulletin_of_an_ente_with_a_postal_account_is_read_as_poste_prescribe() -> None:
    facts = Facts(
        CODE, Phase.PERSONAL, USUAL[Phase.PERSONAL], date(2026, 11, 24), None, replace(SENDER, postal=POSTAL),
        replace(TO, name="Niccolò D'Àlessio «il Rosso»"),
        (Item("TARI 2024", "ingiunzione n. 2024/1", date(2026, 12, 30), False, 81_200, NOTICE, 1),),
    )  # fmt: skip
    letter = typeset(written(facts), AT)
    assert letter.pages == 2, "it is on the notice's page"
    page = pypdfium2.PdfDocument(letter.content)[1]
    found = {one.format: one for one in zxingcpp.read_barcodes(page.render(scale=300 / 72).to_pil().convert("1"))}
    code = found[zxingcpp.BarcodeFormat.DataMatrix]
    assert len(code.text) == bulletin.LENGTH
    assert code.text[15:33] == NOTICE, "where pagoPA's app looks for the notice, the amount and the ente"
    assert (code.text[35:47], code.text[49:59], code.text[66:77]) == ("001630209310", "0000081200", "01329160483")
    assert code.text[59:66] == "38961P1"
    assert code.text[77:133] == "BNCMRA62A01D403X" + "NICCOLO D'ALESSIO IL ROSSO".ljust(40)
    assert code.text[-13:] == " " * 12 + "A"
    at = code.position
    assert (at.top_right.x - at.top_left.x) / 300 * 25.4 == pytest.approx(25, abs=0.7)
    text = " ".join(page.get_textpage().get_text_range().split())
    assert "BOLLETTINO POSTALE PA" in text
    assert POSTAL.permit in text
    assert "in tutti gli Uffici Postali" in text
    assert zxingcpp.BarcodeFormat.QRCode in found


@given(st.text(max_size=120), st.text(max_size=120), st.integers(0, 10**10 - 1))
def test_the_matrix_holds_the_same_places_whatever_the_words(name: str, what: str, cents: int) -> None:
    about = {"notice_number": NOTICE, "account": "12", "ente_code": "01329160483", "payer_code": "BNCMRA62A01D403X"}
    held = bulletin.matrix(**about, cents=cents, name=name, what=what)
    assert len(held) == bulletin.LENGTH
    assert held.isascii()
    assert int(held[49:59]) == cents
    assert held.endswith("A")


def test_the_string_of_pagopa_s_own_example_is_made() -> None:
    """The example in the tests of the app IO (pagopa/io-app, `decodePosteDataMatrix`)."""
    about = {"notice_number": "300715700000000032", "account": "1630209310", "ente_code": "00085240950"}
    held = bulletin.matrix(**about, payer_code="BSCMTT83A12L719R", cents=1, name="Name Surname", what="test")
    theirs = "codfase=NBPA;18300715700000000032120016302093101000000000013896" + "1P100085240950BSCMTT83A12L719R"
    assert held.startswith(theirs + "NAME SURNAME")


@pytest.mark.parametrize(
    ("written", "fields"),
    [
        (("", "", ""), []),
        (("123", "Comune", "AUT. DB"), []),
        (("12a", "Comune", "AUT. DB"), ["postal_account"]),
        (("", "Comune", ""), ["postal_account"]),
        (("123", "", "x" * 61), ["postal_holder", "postal_permit"]),
    ],
)
def test_an_account_is_whole_or_there_is_none(written: tuple[str, str, str], fields: list[str]) -> None:
    assert [one.field for one in bulletin.check(*written)] == fields
