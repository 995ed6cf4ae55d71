"""A letter as a file: PDF/A-2a, to be kept, and PDF/UA-1, to be read aloud; laid out by Typst from `letter.typ`."""

import re
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import segno
import typst
import zxingcpp

from crm.positions.payable import QR_LEVEL, QR_QUIET_MODULES, QR_VERSION
from outbound.letters.printed import Printed
from web.edge import paper

SOURCE = Path(__file__).parent / "letter.typ"
STANDARDS: tuple[paper.Standard, ...] = ("a-2a", "ua-1")
PRINTED = frozenset("–—‘’“”„…•€")  # beyond the letters of Europe
_EUROPE = 0x250  # code points of Latin with its extensions A and B
_PAGE = re.compile(rb"/Type\s*/Page\b")  # Typst writes pages as plain objects


def typeset(said: Mapping[str, Any], at: datetime) -> Printed:
    """The file of what `outbound.letters.content.written` says; the same words make the same bytes."""
    try:
        return _laid_out(said, at)
    except typst.TypstError:  # one person's odd name stops nobody else's letter
        return _laid_out(printable(said), at)


def printable(words: Any) -> Any:
    """The same with a question mark for each character that our type may lack (PDF/A-2 wants all of them drawn)."""
    match words:
        case str():
            return "".join(one if _drawn(one) else "?" for one in words)
        case Mapping():
            return {name: printable(one) for name, one in words.items()}
        case list() | tuple():
            return [printable(one) for one in words]
    return words


def _drawn(one: str) -> bool:
    return one in PRINTED or (one.isprintable() and ord(one) < _EUROPE)


def _laid_out(said: Mapping[str, Any], at: datetime) -> Printed:
    notices = [{**one, "qr": _qr(one["qr"], QR_VERSION), "bulletin": _bulletin(one)} for one in said["notices"]]
    words = {**said, "notices": notices, "mark": _qr(said["code"], None)}
    content = paper.pdf(SOURCE, words, at, standards=STANDARDS)
    return Printed(content, len(_PAGE.findall(content)))


def _bulletin(notice: Mapping[str, Any]) -> dict[str, Any] | None:
    own = notice.get("bulletin")  # a letter that was composed before there were any has none
    if own is None:
        return None
    code = zxingcpp.create_barcode(own["matrix"], zxingcpp.BarcodeFormat.DataMatrix)
    return {**own, "matrix": code.to_svg(add_quiet_zones=True)}


def _qr(content: str, version: int | None) -> str:
    code = segno.make_qr(content, version=version, error=QR_LEVEL, boost_error=False)
    drawn = BytesIO()
    code.save(drawn, kind="svg", border=QR_QUIET_MODULES, omitsize=True, light="#fff", xmldecl=False, nl=False)
    return drawn.getvalue().decode()
