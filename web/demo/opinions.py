"""The demonstration's satisfaction survey: two months of marks."""

import random
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.enti.queries import enti_of
from telephony.queues.models import Queue
from telephony.surveys.models import SurveyAnswer, SurveyReason

MARKS = {1: 3, 2: 5, 3: 14, 4: 40, 5: 38}  # of a hundred
DAYS = 60
REASONED = 0.7  # the share of those who also say why


def give_opinions(session: Session, *, contract_id: int) -> None:
    """Marks for each queue that asks and each ente, and for the voice flow; a second time none."""
    if session.scalars(select(SurveyAnswer.id).where(SurveyAnswer.contract_id == contract_id).limit(1)).first():
        return
    dice, today = random.Random(5), clock.business_day(clock.now(session))  # noqa: S311  # an invented month
    asking = select(Queue.id).where(Queue.contract_id == contract_id, Queue.asks_survey).order_by(Queue.id)
    queues = session.scalars(asking).all()
    for ente_id in sorted(enti_of(session, contract_id)):
        for queue_id in (*queues, None):
            for _ in range(dice.randint(12, 60)):
                (score,) = dice.choices(list(MARKS), list(MARKS.values()))
                reasoned = queue_id is not None and dice.random() < REASONED
                session.add(
                    SurveyAnswer(
                        id=UUID(int=dice.getrandbits(128), version=4), contract_id=contract_id, ente_id=ente_id,
                        queue_id=queue_id, day=today - timedelta(days=dice.randrange(DAYS)), score=score,
                        reason=dice.choice(list(SurveyReason)) if reasoned else None,
                    )
                )  # fmt: skip
