"""A letter as a file: what scanners read from it in black and white, that it is to be kept and read aloud."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from outbound.campaigns.plan import Phase
from outbound.letters.address import Addressee
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
