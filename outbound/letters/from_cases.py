"""Letters that answer requests: each waits until its ente's next batch of answers is made, and may leave as long as its
request stands where it stood when it was written. No budget ends them.
"""

# ruff: noqa: ARG001 (an `Origin`, where a campaign has more to do)

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.cases import posting
from crm.cases.models import Case
from crm.cases.posted import Fate, PostSays
from crm.cases.told import label
from crm.core import clock
from crm.core.clock import business_day
from crm.core.db import new_id
from outbound.letters import senders
from outbound.letters.answer import Asked, written
from outbound.letters.codes import Code
from outbound.letters.content import Sender
from outbound.letters.models import Letter, LetterAnswer, LetterBatch, LetterOutcome, LetterState
from outbound.letters.origin import Against
from telephony.lines import queries as lines

WAITING = (LetterAnswer.letter_id.is_(None), LetterAnswer.withdrawn_at.is_(None))


def alone(session: Session, batch: LetterBatch) -> None:
    """They are paid from no budget."""


def left(session: Session, batch: LetterBatch) -> None:
    """There is no budget."""


def compose(session: Session, batch: LetterBatch, number: int, room: int) -> bool:
    """Take some more of the answers that wait; what its request has gone on without is dropped."""
    some = session.scalars(
        select(LetterAnswer.id).join(Case, Case.id == LetterAnswer.case_id)
        .where(
            LetterAnswer.ente_id == batch.ente_id, LetterAnswer.contract_id == batch.contract_id, *WAITING, ~Case.rests
        )
        .order_by(LetterAnswer.written_at, LetterAnswer.id).limit(room)
    ).all()  # fmt: skip
    if not some:
        return False
    assert batch.contract_id is not None
    who = sender(session, ente_id=batch.ente_id, contract_id=batch.contract_id)
    for answer_id in some:
        one = session.get_one(LetterAnswer, answer_id)
        fate = posting.fate_of(session, case_id=one.case_id, step_id=one.step_id)
        session.refresh(one, with_for_update=True)
        if one.withdrawn_at is not None or fate is Fate.WAITS:
            continue  # meanwhile
        if fate is not Fate.LEAVES:
            _drop(session, one, fate)
            batch.left_out += 1
            continue
        number += 1
        said = written(
            str(Code(batch.id, number)), who, asked(session, one.case_id), to=tuple(one.lines), subject=one.subject,
            body=one.body, day=batch.day,
        )  # fmt: skip
        letter = Letter(
            id=new_id(session), ente_id=batch.ente_id, batch_id=batch.id, number=number, contact_id=one.contact_id,
            state=LetterState.COMPOSED, lines=one.lines, address_id=one.address_id, content=said, asked_cents=0,
            notices=0,
        )  # fmt: skip
        session.add(letter)
        session.flush()
        one.letter_id = letter.id
        session.flush()
    return True


def made(session: Session, costs: Mapping[UUID, int], batch: LetterBatch) -> None:
    """What they cost is their batch's alone."""


def unwritten(session: Session, batch: LetterBatch, letters: Sequence[Letter]) -> None:
    """They wait for the next batch again."""
    for one in _answers(session, letters).values():
        one.letter_id = None


def heavy(session: Session, batch: LetterBatch, letters: Sequence[Letter]) -> None:
    """They do not leave at these prices: whoever looks after the request is told."""
    for one in _answers(session, letters).values():
        one.letter_id = None
        _drop(session, one, Fate.HEAVY)


def against(
    session: Session, batch: LetterBatch, letters: Sequence[Letter], now: datetime
) -> Mapping[UUID, Against]:  # fmt: skip
    """Those whose request has gone on without them, or rests; and of whom nothing is known any more."""
    found, answers = {}, _answers(session, letters)
    for one in letters:
        its = answers.get(one.id)
        fate = posting.fate_of(session, case_id=its.case_id, step_id=its.step_id) if its else Fate.OVERTAKEN
        if fate is not Fate.LEAVES:
            found[one.id] = Against((fate,))
    return found


def withdrawn(
    session: Session, batch: LetterBatch, letters: Sequence[Letter], against: Mapping[UUID, Against], now: datetime
) -> None:  # fmt: skip
    """What rests waits for the next batch; the rest is dropped."""
    for letter_id, one in _answers(session, letters).items():
        (why,) = against[letter_id].reasons
        if why is Fate.WAITS:
            one.letter_id = None
        else:
            assert isinstance(why, Fate)
            _drop(session, one, why)
    session.flush()


def handed_over(session: Session, batch: LetterBatch, letters: Sequence[Letter], at: datetime) -> None:
    """Their requests were answered then."""
    for one in _answers(session, letters).values():
        posting.left(session, case_id=one.case_id, step_id=one.step_id, words=one.body, at=at)


def heard(session: Session, letter: Letter, now: datetime) -> None:
    """Their requests are told; what came back somebody looks at."""
    for one in _answers(session, [letter]).values():
        says = PostSays.DELIVERED if letter.outcome is LetterOutcome.DELIVERED else PostSays.RETURNED
        posting.came(session, case_id=one.case_id, says=says, letter=str(Code(letter.batch_id, letter.number)))


def about(session: Session, letter: Letter) -> dict[str, Any]:
    """The request."""
    for one in _answers(session, [letter]).values():
        return {"case": one.case_id, "request": label(session.get_one(Case, one.case_id))}
    return {}


def stands_still(session: Session, campaign_id: int | None, now: datetime) -> str:
    """Nothing halts all of them."""
    return ""


def is_stopped(session: Session, campaign_id: int | None) -> bool:
    """Nobody stops all of them."""
    return False


def sender(session: Session, *, ente_id: int, contract_id: int) -> Sender:
    """Who answers for an ente, and the number to call."""
    return senders.sender(session, ente_id=ente_id, contract_id=contract_id, line=lines.sender(session, ente_id) or "")


def asked(session: Session, case_id: int) -> Asked:
    """What is answered."""
    row = session.get_one(Case, case_id)
    return Asked(label(row), business_day(row.received_at), row.protocol_number, row.protocol_on)


def _answers(session: Session, letters: Sequence[Letter]) -> dict[UUID, LetterAnswer]:
    rows = session.scalars(select(LetterAnswer).where(LetterAnswer.letter_id.in_([one.id for one in letters])))
    return {one.letter_id: one for one in rows if one.letter_id is not None}


def _drop(session: Session, one: LetterAnswer, why: Fate) -> None:
    one.withdrawn_at = clock.now(session)
    session.flush()
    posting.dropped(session, None, case_id=one.case_id, why=why)
