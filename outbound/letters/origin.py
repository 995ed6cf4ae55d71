"""What letters come from, as whoever makes and sends them sees it: a campaign, or people's answers to requests.

The way of a letter is the same for both; each of them says what follows for it from what befalls a letter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from crm.cases.posted import Fate
from outbound.compliance.rules import Reason, Verdict
from outbound.letters.models import Letter, LetterBatch


@dataclass(frozen=True, slots=True)
class Against:
    """Why a letter may not leave. `verdict`: of its campaign's rules, where it is of one."""

    reasons: tuple[Reason | Fate, ...]
    verdict: Verdict | None = None


class Origin(Protocol):
    """What is different."""

    def alone(self, session: Session, batch: LetterBatch, /) -> None:
        """Nobody else spends what the batch is paid from until the transaction ends."""

    def left(self, session: Session, batch: LetterBatch, /) -> int | None:
        """What may still be spent, in ten-thousandths of a euro; none: no budget ends it."""

    def compose(self, session: Session, batch: LetterBatch, number: int, room: int, /) -> bool:
        """Settle what some more letters say, those after a number. False: none are left to be written."""

    def made(self, session: Session, costs: Mapping[UUID, int], batch: LetterBatch, /) -> None:
        """The files of letters are there; what each costs, in ten-thousandths of a euro."""

    def unwritten(self, session: Session, batch: LetterBatch, letters: Sequence[Letter], /) -> None:
        """Letters that never left are about to be as if they had not been written."""

    def heavy(self, session: Session, batch: LetterBatch, letters: Sequence[Letter], /) -> None:
        """The same of those that the prices do not bear: they will not be written again."""

    def against(
        self, session: Session, batch: LetterBatch, letters: Sequence[Letter], now: datetime, /
    ) -> Mapping[UUID, Against]:
        """Of letters that are made and have not left: those that may not leave now."""

    def withdrawn(
        self, session: Session, batch: LetterBatch, letters: Sequence[Letter], against: Mapping[UUID, Against],
        now: datetime, /,
    ) -> None:  # fmt: skip
        """They were taken out."""

    def handed_over(self, session: Session, batch: LetterBatch, letters: Sequence[Letter], at: datetime, /) -> None:
        """They are on their way since an instant."""

    def heard(self, session: Session, letter: Letter, now: datetime, /) -> None:
        """The post has said what became of a letter."""

    def about(self, session: Session, letter: Letter, /) -> dict[str, Any]:
        """What a letter is about, for its addressee's timeline."""

    def stands_still(self, session: Session, campaign_id: int | None, now: datetime, /) -> str:
        """Why nothing of it may leave now; empty: it may."""

    def is_stopped(self, session: Session, campaign_id: int | None, /) -> bool:
        """Whether not even what has left may be printed anew."""
