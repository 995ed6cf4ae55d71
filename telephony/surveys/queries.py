"""What callers said, in figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from telephony.queues import queries as queues
from telephony.surveys.models import SurveyAnswer, SurveyReason

CONTENT = 4  # the mark from which a caller counts as satisfied
FEWEST = 5  # answers below which no figure is shown: so few might tell whose they are


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """The answers of a queue and an ente, by mark, and the reasons given. Without a queue: of whoever the voice flow
    served.
    """

    queue: str | None
    ente_id: int | None
    scores: Mapping[int, int]
    reasons: Mapping[SurveyReason, int]

    @property
    def answers(self) -> int:
        return sum(self.scores.values())

    @property
    def is_shown(self) -> bool:
        """Whether there are enough of them."""
        return self.answers >= FEWEST

    @property
    def mean(self) -> Decimal | None:
        """The mean mark; none while there are too few."""
        if not self.is_shown:
            return None
        return Decimal(sum(mark * times for mark, times in self.scores.items())) / self.answers

    @property
    def satisfied(self) -> Decimal | None:
        """The share of those who gave 4 or 5."""
        return Decimal(self.scores.get(4, 0) + self.scores.get(5, 0)) / self.answers if self.is_shown else None


def contented(
    session: Session, contract_id: int, since: date, until: date, *, ente_id: int | None = None
) -> tuple[int, int] | None:
    """How many gave 4 or 5 in a period (its end left out), and how many answered; none while there are too few."""
    answers = select(
        func.count().filter(SurveyAnswer.score >= CONTENT), func.count()
    ).where(SurveyAnswer.contract_id == contract_id, SurveyAnswer.day >= since, SurveyAnswer.day < until)  # fmt: skip
    if ente_id is not None:
        answers = answers.where(SurveyAnswer.ente_id == ente_id)
    content, answered = session.execute(answers).one()
    return (content, answered) if answered >= FEWEST else None


def satisfaction(session: Session, by: Principal, *, since: date, until: date) -> list[Satisfaction]:
    """What was answered in a period (its end left out), for somebody who may watch enti."""
    by.require(Permission.ENTE_WATCH)
    return said(session, since, until)


def said(session: Session, since: date, until: date) -> list[Satisfaction]:
    """What was answered in a period (its end left out), by queue and ente, as far as the scope reaches."""
    rows = session.execute(
        select(
            SurveyAnswer.contract_id, SurveyAnswer.queue_id, SurveyAnswer.ente_id, SurveyAnswer.score,
            SurveyAnswer.reason, func.count(),
        )
        .where(SurveyAnswer.day >= since, SurveyAnswer.day < until)
        .group_by(
            SurveyAnswer.contract_id, SurveyAnswer.queue_id, SurveyAnswer.ente_id, SurveyAnswer.score,
            SurveyAnswer.reason,
        )
    ).all()  # fmt: skip
    contracts = frozenset(row.contract_id for row in rows)
    names = {one.id: one.name for one in queues.with_closed(session, contracts)} if contracts else {}
    scores: dict[tuple[int | None, int | None], dict[int, int]] = {}
    reasons: dict[tuple[int | None, int | None], dict[SurveyReason, int]] = {}
    for _, queue_id, ente_id, score, reason, times in rows:
        mine = scores.setdefault((queue_id, ente_id), {})
        mine[score] = mine.get(score, 0) + times
        if reason is not None:
            why = reasons.setdefault((queue_id, ente_id), {})
            why[reason] = why.get(reason, 0) + times
    found = [
        Satisfaction(
            names.get(queue_id, str(queue_id)) if queue_id else None,
            ente_id,
            marks,
            reasons.get((queue_id, ente_id), {}),
        )
        for (queue_id, ente_id), marks in scores.items()
    ]
    return sorted(found, key=lambda one: (one.queue is None, one.queue or "", one.ente_id or 0))
