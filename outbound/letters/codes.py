"""The number of a letter, printed on it and in the manifest: `L12-000034-51`. Pure.

It says the batch, the letter in it, and two check digits (ISO/IEC 7064, MOD 97-10), so that a number typed wrong is
found out. It says nothing of anybody.
"""

import re
from dataclasses import dataclass

from crm.core.errors import InvalidError

MOST_IN_BATCH = 999_999
_CODE = re.compile(r"L?\s*(\d{1,10})\s*[-/ ]\s*(\d{1,6})\s*[-/ ]\s*(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Code:
    """Which letter of which batch."""

    batch_id: int
    number: int

    @property
    def check(self) -> int:
        """The digits with which the whole number modulo 97 is 1."""
        return 98 - int(f"{self.batch_id}{self.number:06d}00") % 97

    def __str__(self) -> str:
        """As it is printed."""
        return f"L{self.batch_id}-{self.number:06d}-{self.check:02d}"


def parse(text: str) -> Code:
    """A letter's number in whatever way somebody wrote it. Raises `InvalidError`."""
    match = _CODE.fullmatch(text.strip().upper())
    if match is None:
        raise InvalidError("Il numero della lettera si scrive come L12-000034-51.")
    code = Code(int(match[1]), int(match[2]))
    if code.check != int(match[3]):
        raise InvalidError("Il numero della lettera contiene un errore (cifre di controllo): ricopialo.")
    return code
