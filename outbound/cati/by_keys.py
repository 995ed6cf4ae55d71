"""A questionnaire answered by the keys of a telephone: by whoever calls a line whose flow leads to it, or after a call.

Nobody is called by a machine to be asked: a call without an operator needs consent that was given for it before
(art. 130 Codice privacy), which nobody has. Who comes to it has called, or was called by a person and said yes.

Each key is one transaction, as each answer is everywhere: whoever hangs up goes on where he was. What was keyed is an
answer of his interview alone; neither the call nor a log has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.core import clock
from outbound.campaigns import running
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Campaign, CampaignContact, CampaignVersion
from outbound.cati import codes, queries, spoken, steps
from outbound.cati.aapor import Disposition
from outbound.cati.models import Interview, InterviewDeed, InterviewState, Mode, SurveyForm
from outbound.cati.questionnaire import interview as engine
from outbound.cati.questionnaire import keypad
from outbound.cati.questionnaire.definition import Kind
from outbound.cati.questionnaire.keypad import Key
from outbound.cati.spoken import Line
from telephony.calls import asking, reception
from telephony.calls.addresses import Addresses
from telephony.calls.models import Call, Phase, ProposedBy
from telephony.carriers.port import Gather, Hangup, Instruction, Say
from telephony.ivr.asking import DIGITS_S, KEY_S
from telephony.ivr.definition import OPERATOR_KEY, Questions
from telephony.ivr.languages import Language
from telephony.ivr.turns import Place

Reply = tuple[Instruction, ...]
SILENCES, MOST = 2, 5  # nothing keyed so often, or nothing that fits: he is asked no more


@dataclass(frozen=True, slots=True)
class Talk:
    """A caller to whom a questionnaire is put: his call, at which step of its menu, and where the carrier asks."""

    session: Session
    call: Call
    step: int
    to: Addresses

    @property
    def language(self) -> Language:
        return Place.restored(self.call.ivr).language


def put(session: Session, call_id: UUID, *, step: int, to: Addresses) -> Reply:
    """The caller has come to a questionnaire, or goes on with it: what he hears."""
    node = asking.at_questions(session, call_id, step)
    talk = _talk(session, call_id, step, to)
    row = _under_way(session, call_id)
    if row is not None and talk.call.phase is not Phase.IVR:  # from an operator, who has said nothing of keys
        return _ask(talk, row, spoken.line(Line.HELP, _language(talk, row)))
    if row is not None and node is not None:
        return _ask(talk, row)
    if node is None:
        return reception.resume(session, call_id, to)
    row = _of_caller(talk, node)
    if row is None and node.by_code:
        return (_ask_code(talk, 1),)
    return _begun(talk, row if row is not None else _anonymous(talk, node))


def code(session: Session, call_id: UUID, *, step: int, attempt: int, keyed: str, to: Addresses) -> Reply:
    """He keyed his personal code, or something else; nothing goes on without."""
    node = asking.at_questions(session, call_id, step)
    if node is None or _under_way(session, call_id) is not None:
        return put(session, call_id, step=step, to=to)
    talk = _talk(session, call_id, step, to)
    if keyed == OPERATOR_KEY:
        return reception.keys(session, call_id, step=step, pressed=OPERATOR_KEY, to=to)
    if not keyed:
        return _begun(talk, _anonymous(talk, node))
    found = codes.read(
        session, keyed, campaigns=_surveys(session, node.questionnaire), contract_id=talk.call.contract_id,
        caller=talk.call.caller,
    )  # fmt: skip
    row = _opened(talk, *found, proven=True) if found is not None else None
    if row is not None:
        return _begun(talk, row)
    if attempt >= SILENCES:
        return _begun(talk, _anonymous(talk, node))
    return (_ask_code(talk, attempt + 1, Line.WRONG_CODE),)


def keys(
    session: Session, call_id: UUID, *, step: int, revision: int, attempt: int, keyed: str, hashed: bool, to: Addresses
) -> Reply:  # fmt: skip
    """He keyed something at a question, or nothing in time. Told twice, it counts once."""
    at = asking.at_questions(session, call_id, step)
    talk, row = _talk(session, call_id, step, to), _under_way(session, call_id)
    if row is None or (at is None and talk.call.phase is Phase.IVR) or row.revision != revision:
        return put(session, call_id, step=step, to=to)
    known, answers, setting = steps.state(session, row)
    screen, language = engine.step(known, answers, setting), _language(talk, row)
    if screen is None:
        return _ask(talk, row)
    meant = keypad.heard(screen, keyed, hashed=hashed)
    if isinstance(meant, Key):
        return _no_answer(talk, row, meant, attempt)
    refusal = steps.answered(session, row, None, meant)
    if refusal is None:
        return _ask(talk, row)
    return _once_more(talk, row, spoken.why(refusal.error, screen, language), attempt, most=MOST)


def hung_up(session: Session, call_id: UUID) -> None:
    """A line is over: whoever was answering a questionnaire on it has broken it off."""
    row = _under_way(session, call_id)
    if row is not None:
        _break_off(session, row)


def stands_ready(session: Session, call_id: UUID) -> bool:
    """Whether a call goes on with a questionnaire once its operator has left it."""
    return _under_way(session, call_id) is not None


def surveys_of(session: Session, contact_id: int) -> tuple[int, ...]:
    """The surveys that run, may be answered by keys, and ask this contact, who has yet to answer; the latest first."""
    over = select(Interview.id).where(
        Interview.campaign_id == Campaign.id, Interview.contact_id == contact_id,
        Interview.state == InterviewState.DONE,
    )  # fmt: skip
    asked = (
        select(CampaignContact.contact_id)
        .where(CampaignContact.campaign_id == Campaign.id, CampaignContact.contact_id == contact_id)
        .exists()
    )
    return tuple(session.scalars(_running().where(asked, ~over.exists())))


def open_for(session: Session, call: Call, *, campaign_id: int, contact_id: int) -> bool:
    """Put a survey's questionnaire to a case that is on the line, once his operator leaves it; false: it may not be."""
    talk = Talk(session, call, 0, Addresses(""))
    return _opened(talk, campaign_id, contact_id, proven=True) is not None


# -- parts -------------------------------------------------------------------------------------------------------------


def _talk(session: Session, call_id: UUID, step: int, to: Addresses) -> Talk:
    call = session.execute(
        select(Call).where(Call.id == call_id).execution_options(populate_existing=True)
    ).scalar_one()
    return Talk(session, call, step, to)


def _under_way(session: Session, call_id: UUID) -> Interview | None:
    """What is being answered by keys in a call, locked."""
    return session.scalars(
        select(Interview)
        .where(Interview.call_id == call_id, Interview.mode == Mode.IVR, Interview.state == InterviewState.RUNNING)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _running() -> Select[int]:
    return (
        select(Campaign.id)
        .join(
            CampaignVersion,
            (CampaignVersion.campaign_id == Campaign.id) & (CampaignVersion.number == Campaign.version),
        )
        .where(Campaign.state == State.RUNNING, CampaignVersion.plan["by_ivr"].as_boolean())
        .order_by(Campaign.id.desc())
    )


def _surveys(session: Session, form_id: int) -> Sequence[int]:
    """The surveys with a questionnaire that run and may be answered by keys."""
    return session.scalars(_running().where(CampaignVersion.plan["form_id"].as_integer() == form_id)).all()


def _of_caller(talk: Talk, node: Questions) -> Interview | None:
    """The case of the one contact whose number calls. It proves no more than a number does: what a colleague, or he
    himself on the web, has begun is gone on with by his code alone.
    """
    session, call = talk.session, talk.call
    if call.contact_id is None or call.proposed_by is not ProposedBy.CALLER_NUMBER:
        return None
    asked = set(_surveys(session, node.questionnaire))
    his = [one for one in surveys_of(session, call.contact_id) if one in asked]
    return _opened(talk, his[0], call.contact_id, proven=False) if his else None


def _opened(talk: Talk, campaign_id: int, contact_id: int, *, proven: bool) -> Interview | None:
    """A case's interview, begun or gone on with by keys; none while somebody else leads it, or once it is over."""
    session, found = talk.session, running.get(talk.session, campaign_id)
    if session.get(CampaignContact, (campaign_id, contact_id)) is None:
        return None
    if found.state is not State.RUNNING or not found.plan.by_ivr or found.plan.form_id is None:
        return None
    its = select(Interview).where(Interview.campaign_id == campaign_id, Interview.contact_id == contact_id)
    row = session.scalars(its.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if row is None:
        row = _created(talk, found.plan.form_id, found.ente_id, contact_id=contact_id, campaign_id=campaign_id)
    elif row.state is InterviewState.DONE or not (proven or row.mode is Mode.IVR) or _is_led(session, row):
        return None
    else:
        steps.resumed(session, row, None, Mode.IVR)
        row.call_id = talk.call.id
        steps.moved(session, row, row.at)
    if row is not None:
        steps.keep_place(session, row, None)
    return row


def _is_led(session: Session, row: Interview) -> bool:
    """Whether somebody is answering it elsewhere; who conducts it hands it over himself."""
    held = row.held_until is not None and row.held_until > clock.now(session)
    return row.state is InterviewState.RUNNING and row.mode is Mode.WEB and held


def _anonymous(talk: Talk, node: Questions) -> Interview | None:
    """Of nobody, for the ente that the call is about, where it is known and the questionnaire is for it."""
    if not node.anonymous or talk.call.ente_id is None:
        return None
    return _created(talk, node.questionnaire, talk.call.ente_id, contact_id=None, campaign_id=None)


def _created(
    talk: Talk, form_id: int, ente_id: int, *, contact_id: int | None, campaign_id: int | None
) -> Interview | None:
    session, form = talk.session, talk.session.get(SurveyForm, form_id)
    if form is None or form.current is None or form.withdrawn_at is not None or form.ente_id not in {None, ente_id}:
        return None
    if form.contract_id != talk.call.contract_id:
        return None
    known = queries.questionnaire(session, queries.version_id(session, form.id, form.current))
    if keypad.hindrances(known):
        return None
    try:
        with session.begin_nested():
            return steps.create(
                session, None, form=form, ente_id=ente_id, contact_id=contact_id, campaign_id=campaign_id,
                call_id=talk.call.id, language=keypad.spoken_in(known, talk.language), mode=Mode.IVR,
            )  # fmt: skip
    except IntegrityError:  # one case, one interview: a unique index says so
        return None


def _begun(talk: Talk, row: Interview | None) -> Reply:
    if row is None:
        return _end(talk, talk.language, Line.OVER, done=False)
    language = _language(talk, row)
    nobodys = [spoken.line(Line.ANONYMOUS, language)] if row.contact_id is None else []
    return _ask(talk, row, " ".join([*nobodys, spoken.line(Line.HELP, language)]))


def _ask(talk: Talk, row: Interview, before: str = "", *, attempt: int = 1) -> Reply:
    """What is asked now, after what is only read; or the end."""
    session, language, says = talk.session, _language(talk, row), [before] if before else []
    while row.state is InterviewState.RUNNING:
        known, answers, setting = steps.state(session, row)
        screen = engine.step(known, answers, setting)
        if screen is None:
            steps.close(session, row, None, Disposition.COMPLETE, for_good=True, complete=True)
            return _end(talk, language, Line.THANKS, done=True, before=says)
        says.append(spoken.question(screen, language))
        if screen.kind is not Kind.NOTE:
            where = talk.to.question(talk.call.contract_id, talk.call.id, talk.step, row.revision, attempt)
            digits = keypad.awaits(screen)
            patience = KEY_S if digits else DIGITS_S
            return (Gather(where, (Say(" ".join(says), language.tag),), digits=digits, timeout_s=patience),)
        steps.answered(session, row, None, ())
    return _end(talk, language, Line.FULL, done=True, before=says)


def _no_answer(talk: Talk, row: Interview, key: Key, attempt: int) -> Reply:
    language = _language(talk, row)
    match key:
        case Key.OPERATOR:
            return _to_operator(talk, row)
        case Key.BACK:
            _back(talk.session, row)
            return _ask(talk, row)
        case Key.AGAIN:
            return _ask(talk, row)
        case Key.NOTHING:
            return _once_more(talk, row, spoken.line(Line.NOTHING, language), attempt, most=SILENCES)
        case Key.WRONG:
            return _once_more(talk, row, spoken.line(Line.WRONG, language), attempt, most=MOST)


def _once_more(talk: Talk, row: Interview, why: str, attempt: int, *, most: int) -> Reply:
    return _broken_off(talk, row) if attempt >= most else _ask(talk, row, why, attempt=attempt + 1)


def _back(session: Session, row: Interview) -> None:
    known, answers, setting = steps.state(session, row)
    here, back = engine.step(known, answers, setting), keypad.before(known, answers, setting)
    if here is not None and back != answers:
        steps.add(session, row, None, InterviewDeed.WENT_BACK, path=here.path, timed=True)
        steps.moved(session, row, back.at)


def _broken_off(talk: Talk, row: Interview) -> Reply:
    language = _language(talk, row)
    _break_off(talk.session, row)
    return _end(talk, language, Line.BROKEN_OFF, done=False)


def _break_off(session: Session, row: Interview) -> None:
    """It may be gone on with, by whoever is its case's; of nobody it is over."""
    steps.close(session, row, None, Disposition.BREAK_OFF, for_good=row.contact_id is None)


def _to_operator(talk: Talk, row: Interview) -> Reply:
    language, is_flow = _language(talk, row), talk.call.phase is Phase.IVR
    _break_off(talk.session, row)
    if not is_flow:
        return _end(talk, language, Line.BROKEN_OFF, done=False)
    return reception.keys(talk.session, talk.call.id, step=talk.step, pressed=OPERATOR_KEY, to=talk.to)


def _end(talk: Talk, language: Language, which: Line, *, done: bool, before: Sequence[str] = ()) -> Reply:
    says = (Say(" ".join([*before, spoken.line(which, language)]), language.tag),)
    if talk.call.phase is not Phase.IVR:  # his operator has left him already
        return (*says, Hangup())
    return (*says, *reception.after_questions(talk.session, talk.call.id, step=talk.step, done=done, to=talk.to))


def _ask_code(talk: Talk, attempt: int, *before: Line) -> Gather:
    said = " ".join(spoken.line(one, talk.language) for one in (*before, Line.ASK_CODE))
    where = talk.to.question_code(talk.call.contract_id, talk.call.id, talk.step, attempt)
    return Gather(where, (Say(said, talk.language.tag),), timeout_s=DIGITS_S)


def _language(talk: Talk, row: Interview) -> Language:
    return keypad.language_of(row.language) or talk.language
