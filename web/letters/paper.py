"""A letter as a file: PDF/A-2a, to be kept, and PDF/UA-1, to be read aloud; laid out by Typst from `letter.typ`."""

import re
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import segno

from crm.positions.payable import QR_LEVEL, QR_QUIET_MODULES, QR_VERSION
from outbound.letters.printed import Printed
from web.edge import paper

SOURCE = Path(__file__).parent / "letter.typ"
STANDARDS: tuple[paper.Standard, ...] = ("a-2a", "ua-1")
_PAGE = re.compile(rb"/Type\s*/Page\b")  # Typst writes pages as plain objects


def typeset(said: Mapping[str, Any], at: datetime) -> Printed:
    """The file of what `outbound.letters.content.written` says; the same words make the same bytes."""
    notices = [{**one, "qr": _qr(one["qr"], QR_VERSION)} for one in said["notices"]]
    words = {**said, "notices": notices, "mark": _qr(said["code"], None)}
    content = paper.pdf(SOURCE, words, at, standards=STANDARDS)
    return Printed(content, len(_PAGE.findall(content)))


def _qr(content: str, version: int | None) -> str:
    code = segno.make_qr(content, version=version, error=QR_LEVEL, boost_error=False)
    drawn = BytesIO()
    code.save(drawn, kind="svg", border=QR_QUIET_MODULES, omitsize=True, light="#fff", xmldecl=False, nl=False)
    return drawn.getvalue().decode()
