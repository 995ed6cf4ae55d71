"""What a screen shows in turn, cut into as many sheets as it takes: whatever there is comes by. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telephony.walls.models import WallPage

ON_A_SHEET = {WallPage.LEVELS: 4, WallPage.QUEUES: 9, WallPage.ENTI: 9}  # as many as can be read from five metres


@dataclass(frozen=True, slots=True)
class Sheet:
    """One of the screens that a page takes: the `number`th of `of`, from 1, with its part of the rows."""

    page: WallPage
    number: int
    of: int
    rows: Sequence[Any]


def sheets(pages: Sequence[WallPage], rows: Mapping[WallPage, Sequence[Any]]) -> tuple[Sheet, ...]:
    """The pages in their order, each row on one sheet; a page without rows has one, which says so."""
    found = []
    for page in pages:
        mine, size = rows.get(page, ()), ON_A_SHEET.get(page, 1)
        of = max(1, -(-len(mine) // size))
        even = -(-len(mine) // of) if mine else size  # 10 are five and five, not nine and one
        found += [Sheet(page, n + 1, of, mine[n * even : (n + 1) * even]) for n in range(of)]
    return tuple(found)
