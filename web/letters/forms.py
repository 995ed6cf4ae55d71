"""What the forms about batches say: prices, and files of the post."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, TypeVar

from fastapi import Form, UploadFile

from crm.core.errors import FieldError, InvalidError
from outbound.letters.codes import MOST_IN_BATCH
from outbound.letters.postage import MOST_CENTS, Prices, Weight

FileField = Annotated[UploadFile, Form()]
MOST_UPLOAD = 20 * 1024**2
T = TypeVar("T")


def prices(fields: Mapping[str, str]) -> tuple[Prices, int]:
    """The prices, and how many letters at the most. Raises `InvalidError` with what cannot be read."""
    wrong: list[InvalidError] = []

    def cents(name: str) -> int | None:
        text = fields.get(name, "").strip().removesuffix("€").strip().replace(",", ".")
        if not text:
            return None
        try:
            exact = Decimal(text) * 100
        except InvalidOperation:
            exact = Decimal(-1)
        value = int(exact) if exact.is_finite() and 0 <= exact <= MOST_CENTS else -1
        if value < 0:
            wrong.append(InvalidError("Un prezzo in euro, come 0,95.", field=name))
        return value

    postage = {step: value for step in Weight if (value := cents(f"postage-{step:d}")) is not None}
    found = Prices(cents("sheet_cents") or 0, cents("letter_cents") or 0, postage)
    most = fields.get("most", "").strip() or str(MOST_IN_BATCH)
    if not (most.isdecimal() and len(most) < 9):
        wrong.append(InvalidError("Scrivi un numero intero.", field="most"))
    if wrong:
        raise InvalidError("Qualcosa non si legge.", parts=wrong)
    return found, int(most)


def with_file(file: UploadFile, work: Callable[[Path], T]) -> T:
    """Do something with a file of outcomes that was sent. Raises `FieldError` for none, or too large a one."""
    if not file.filename:
        raise FieldError("Scegli il file degli esiti.", "file")
    if (file.size or 0) > MOST_UPLOAD:
        raise FieldError("Questo file è troppo grande: dividilo.", "file")
    with tempfile.TemporaryDirectory(prefix="filodiretto-") as folder:
        path = Path(folder) / "outcomes"
        with path.open("wb") as target:
            shutil.copyfileobj(file.file, target)
        return work(path)
