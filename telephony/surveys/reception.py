"""Asking for the mark, on the line of a conversation that is over: each function answers with what is heard next.

The answer's id stands in the addresses that the carrier is given, and nowhere beside the call: told twice, an answer
counts once, and still nobody can tell whose it is.
"""

from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from telephony.calls.addresses import Addresses
from telephony.calls.models import Call
from telephony.carriers.port import Gather, Hangup, Instruction, Say
from telephony.ivr import prompts
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence
from telephony.ivr.turns import Place
from telephony.surveys.marks import keep
from telephony.surveys.models import SurveyAnswer, SurveyReason
from telephony.surveys.scale import score_of

Reply = tuple[Instruction, ...]
REASONS = {"1": SurveyReason.WAIT, "2": SurveyReason.CLARITY, "3": SurveyReason.COURTESY, "4": SurveyReason.SOLUTION}
KEY_S = 6
TRIES = 2


def begin(session: Session, call_id: UUID, to: Addresses) -> Reply:
    """The operator has hung up, and the caller is asked for a mark."""
    call = _call(session, call_id)
    return (_gather(call, to.survey_score(call.contract_id, call.id, uuid4(), 1), Sentence.SURVEY_SCORE),)


def score(session: Session, call_id: UUID, *, answer_id: UUID, attempt: int, pressed: str, to: Addresses) -> Reply:
    """He keyed his mark, or something else; asked twice in vain he is let go."""
    call = _call(session, call_id)
    mark = score_of(pressed)
    if mark is None:
        if attempt >= TRIES:
            return _thanks(call)
        again = to.survey_score(call.contract_id, call.id, answer_id, attempt + 1)
        return (_gather(call, again, Sentence.SURVEY_SCORE, Sentence.NOT_A_CHOICE),)
    keep(session, answer_id, score=mark, contract_id=call.contract_id, ente_id=call.ente_id, queue_id=call.queue_id)
    return (_gather(call, to.survey_reason(call.contract_id, call.id, answer_id), Sentence.SURVEY_REASON),)


def reason(session: Session, call_id: UUID, *, answer_id: UUID, pressed: str) -> Reply:
    """He keyed why, or nothing."""
    call = _call(session, call_id)
    if pressed in REASONS:
        session.execute(update(SurveyAnswer).where(SurveyAnswer.id == answer_id).values(reason=REASONS[pressed]))
    return _thanks(call)


def _call(session: Session, call_id: UUID) -> Call:
    return session.execute(
        select(Call).where(Call.id == call_id).execution_options(populate_existing=True)
    ).scalar_one()


def _language(call: Call) -> Language:
    return Place.restored(call.ivr).language


def _say(call: Call, which: Sentence) -> Say:
    return Say(prompts.sentence(which, _language(call)), _language(call).tag)


def _gather(call: Call, action: str, asks: Sentence, *before: Sentence) -> Gather:
    return Gather(action, tuple(_say(call, one) for one in (*before, asks)), digits=1, timeout_s=KEY_S)


def _thanks(call: Call) -> Reply:
    return (_say(call, Sentence.SURVEY_THANKS), Hangup())
