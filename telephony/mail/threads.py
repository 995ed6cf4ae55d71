"""To which thread a mail belongs: by what it answers, then by the code in its subject. Pure."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

_SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that is taken for another
_CODE = re.compile(rf"\bM-([{_SIGNS}]{{7}})\b")


class ThreadedBy(StrEnum):
    NEW = "new"
    REFERENCE = "reference"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Known:
    """A thread that there is. `people`: the addresses that have written in it, or were written to."""

    id: UUID
    people: frozenset[str]


def new_code() -> str:
    """What a thread is called before citizens: 7 of 32 signs."""
    return "M-" + "".join(secrets.choice(_SIGNS) for _ in range(7))


def codes_in(subject: str) -> tuple[str, ...]:
    """The codes that a subject names, whatever else stands there."""
    return tuple(dict.fromkeys("M-" + one for one in _CODE.findall(subject.upper())))[:5]


def thread_of(
    *, references: Sequence[str], codes: Sequence[str], sender: str, by_id: Mapping[str, Known],
    by_code: Mapping[str, Known],
) -> tuple[Known | None, ThreadedBy]:  # fmt: skip
    """Where it goes. A Message-ID is known to who got the mail; a code can be guessed, or passed on with a subject:
    it counts for who is in that thread already. Whoever else writes it begins a thread of his own.
    """
    for one in reversed(references):
        if one in by_id:
            return by_id[one], ThreadedBy.REFERENCE
    for code in codes:
        known = by_code.get(code)
        if known is not None and sender in known.people:
            return known, ThreadedBy.CODE
    return None, ThreadedBy.NEW
