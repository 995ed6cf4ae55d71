"""The code on a courtesy notice, `V120-45`: by it whoever calls is found, and it says nothing of a debt. Pure.

The practice's number with two check digits (ISO/IEC 7064, MOD 97-10), so that one copied wrong is found out.
"""

import re

from crm.core.errors import InvalidError

_CODE = re.compile(r"V?\s*(\d{1,12})\s*[-/ ]\s*(\d{2})", re.ASCII)


def code_of(practice_id: int) -> str:
    """As it is printed, or written by hand."""
    return f"V{practice_id}-{_check(practice_id):02d}"


def parse(text: str) -> int:
    """The practice of a code in whatever way somebody wrote it. Raises `InvalidError`."""
    match = _CODE.fullmatch(text.strip().upper())
    if match is None:
        raise InvalidError("Il codice dell'avviso si scrive come V120-45.", field="code")
    if _check(int(match[1])) != int(match[2]):
        raise InvalidError("Il codice contiene un errore (cifre di controllo): ricopialo.", field="code")
    return int(match[1])


def _check(practice_id: int) -> int:
    return 98 - int(f"{practice_id}00") % 97
