"""What is printed: a PDF that screen readers can read (PDF/UA-1), laid out by Typst from a source of ours."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import typst

Standard = Literal["a-2a", "ua-1"]
FONTS = Path(__file__).parents[1] / "static" / "vendor" / "bootstrap-italia" / "fonts" / "Titillium_Web"


def pdf(source: Path, data: dict[str, Any], at: datetime, *, standards: Sequence[Standard] = ("ua-1",)) -> bytes:
    """The file; the same data make the same file. `data` reach the source as JSON, `sys.inputs.data`."""
    made = typst.compile(
        _read(source), sys_inputs={"data": json.dumps(data, ensure_ascii=False)}, pdf_standards=list(standards),
        timestamp=int(at.timestamp()), font_paths=_fonts(),
    )  # fmt: skip
    assert isinstance(made, bytes)
    return made


@lru_cache(maxsize=8)
def _read(source: Path) -> bytes:
    return source.read_bytes()


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(FONTS)] if FONTS.is_dir() else []
    )
