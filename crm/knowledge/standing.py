"""Whether a piece is to be looked at again: it is old, or those who used it did not find it useful. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

KEEPS = timedelta(days=365)  # how long editors stand by what they published or confirmed
FEW = 3  # opinions below which nothing is said
HALF = 2


class Standing(StrEnum):
    """What an editor should know first."""

    RETIRED = "retired"
    DRAFT = "draft"  # never published
    USELESS = "useless"
    OLD = "old"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Opinions:
    """What those who used its current version said."""

    useful: int = 0
    useless: int = 0

    @property
    def all(self) -> int:
        return self.useful + self.useless


def standing(
    *, published: bool, retired: bool, review_by: date | None, opinions: Opinions, today: date
) -> Standing:  # fmt: skip
    """How a piece stands today: useless before old, since somebody is being misled now."""
    if retired:
        return Standing.RETIRED
    if not published:
        return Standing.DRAFT
    if opinions.all >= FEW and opinions.useful * HALF < opinions.all:
        return Standing.USELESS
    if review_by is not None and review_by < today:
        return Standing.OLD
    return Standing.GOOD
