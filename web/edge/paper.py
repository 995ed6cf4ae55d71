"""What is printed: a PDF that screen readers can read (PDF/UA-1), laid out by Typst from a source of ours."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import typst

Standard = Literal["a-2a", "ua-1"]
NONE: Mapping[str, bytes] = MappingProxyType({})
FONTS = Path(__file__).parents[1] / "static" / "vendor" / "bootstrap-italia" / "fonts" / "Titillium_Web"


def pdf(
    source: Path, data: dict[str, Any], at: datetime, *, standards: Sequence[Standard] = ("ua-1",),
    files: Mapping[str, bytes] = NONE,
) -> bytes:  # fmt: skip
    """The file; the same data make the same file. `data` reach the source as JSON, `sys.inputs.data`; `files`, such as
    pictures, by their names below `/`.
    """
    with ExitStack() as stack:
        root = stack.enter_context(tempfile.TemporaryDirectory(prefix="filodiretto-")) if files else None
        for name, content in files.items():
            Path(str(root), name).write_bytes(content)
        made = typst.compile(  # type: ignore[type-var]  # its types want a source of text where a root is one
            _read(source), root=root, sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
            pdf_standards=list(standards), timestamp=int(at.timestamp()), font_paths=_fonts(),
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
