"""How a practice call goes: what was done folds into where it stands. Pure.

What is kept of a call is the list of what its trainee did and when; everything that is shown of it follows from that,
whichever process or tab asks.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from crm.core.errors import ConflictError, InvalidError
from crm.files.gate import USUAL, Gate, GateOutcome, missing
from crm.files.models import DEFAULT_NEEDED
from telephony.calls.models import Phase
from telephony.practice.people import BY_ID
from telephony.practice.story import Advice, Answer, Deed, Fact, Reply, Story

GATE = Gate(USUAL, DEFAULT_NEEDED)
ASKED = {
    "name": "Mi dice nome e cognome?",
    "born": "Mi dice la data di nascita?",
    "address": "Qual è il suo indirizzo?",
    "codice_fiscale": "Mi legge la fine del codice fiscale?",
    "act": "Mi legge il numero della lettera?",
}
PICKED_UP = "Pronto?"
WHY = Answer("Perché me lo chiede? Non le serve per rispondermi.", right=False)
NOT_ME = Answer("No, non sono io.", right=False)
COLLEAGUE = "Dimmi. Ma questa la puoi risolvere tu."
LONG_HOLD = timedelta(minutes=2)
LEFT_OUT = timedelta(minutes=2)
OVER = frozenset({Phase.OUTSIDE, Phase.ENDED})
_AFTERWARDS = frozenset({Deed.SAVE, Deed.PROPOSE, Deed.TURN_AWAY, Deed.RETRACT, Deed.PROMISE, Deed.HELP})


class Voice(StrEnum):
    CALLER = "caller"
    TRAINEE = "trainee"
    COLLEAGUE = "colleague"


@dataclass(frozen=True, slots=True)
class Step:
    """Something the trainee did. `what` says to or about what: a reply's key, a person's number, an outcome."""

    at: datetime
    deed: Deed
    what: str = ""


@dataclass(frozen=True, slots=True)
class Speech:
    """Something that was said."""

    by: Voice
    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Choice:
    """What may be said now; `asks` is a question of the gate."""

    key: str
    words: str
    asks: bool


@dataclass(frozen=True, slots=True)
class Course:
    """Where a call stands. Instants are those of the steps."""

    story: Story
    rang_at: datetime
    proposed: int | None
    found_by_search: bool = False
    phase: Phase = Phase.RINGING
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    saved_at: datetime | None = None
    held_since: datetime | None = None
    consults: bool = False
    together: bool = False
    identified_at: datetime | None = None
    turned_away: GateOutcome | None = None
    retracted: bool = False
    left_out_until: datetime | None = None  # of the recording: then it goes on by itself
    withdrawn: bool = False
    helped_at: datetime | None = None
    said: frozenset[str] = frozenset()
    proven: frozenset[str] = frozenset()  # questions that were answered rightly
    facts: frozenset[str] = frozenset()
    speech: tuple[Speech, ...] = ()

    @property
    def over(self) -> bool:
        """Whether only the notes are left."""
        return self.phase in OVER

    def is_recorded(self, at: datetime) -> bool:
        """Whether what is said is recorded at an instant."""
        is_left_out = self.left_out_until is not None and at < self.left_out_until
        return self.story.recorded and not (self.withdrawn or is_left_out)


def course_of(story: Story, rang_at: datetime, steps: Iterable[Step]) -> Course:
    """Where a call stands after these steps, which were taken one after another.

    One that does not fit is left out: another version of the story may have been begun.
    """
    now = Course(story, rang_at, story.person.id if story.knows_number else None)
    for step in steps:
        with contextlib.suppress(ConflictError, InvalidError):
            now = after(now, step)
    return now


def after(now: Course, step: Step) -> Course:
    """Where it stands after one more step. Raises `ConflictError` for what cannot be done now, `InvalidError` for what
    is missing; a step that changes nothing leaves it as it is.
    """
    _check(now, step)
    return _DEEDS[step.deed](now, step)


def choices(now: Course) -> tuple[Choice, ...]:
    """What the trainee may say: the story's sentences that fit, and the questions of the gate before a closed file."""
    if now.phase is not Phase.TALKING or now.held_since is not None:
        return ()
    offered = [Choice(one.key, one.words, asks=False) for one in now.story.replies if _fits(now, one)]
    if now.proposed is not None and now.identified_at is None and now.turned_away is None:
        asks = (key for key in ASKED if _ask_key(key) not in now.said)
        offered += [Choice(_ask_key(key), ASKED[key], asks=True) for key in asks]
    return tuple(offered)


def advice(now: Course, *, topic: str | None, disposition: str | None) -> Advice | None:
    """What to do next; nothing once it is saved."""
    if now.saved_at is not None:
        return None
    if now.phase is Phase.RINGING:
        return Advice.ANSWER_IT
    if now.over:
        if topic is None:
            return Advice.CHOOSE_TOPIC
        return Advice.CHOOSE_OUTCOME if disposition is None else Advice.SAVE
    if Fact.GREETED not in now.facts:
        return Advice.GREET
    ahead = next((leads for fact, leads in now.story.path if fact not in now.facts), Advice.HANG_UP)
    if now.held_since is not None and ahead is not Advice.PASS_ON:
        return Advice.TAKE_BACK
    if ahead is Advice.ASK and now.proposed is None:
        return Advice.FIND
    return ahead


# -- parts ----------------------------------------------------------------------------------------------------


def _check(now: Course, step: Step) -> None:
    deed = step.deed
    if now.saved_at is not None:
        raise ConflictError("Questa chiamata è già stata conclusa.")
    if (now.phase is Phase.RINGING) is not (deed is Deed.ANSWER):
        raise ConflictError("Hai già risposto." if deed is Deed.ANSWER else "La conversazione non è ancora cominciata.")
    if deed is Deed.SAVE and not now.over:
        raise ConflictError("La chiamata è ancora in corso.")
    if now.over and deed not in _AFTERWARDS:
        raise ConflictError("La chiamata è finita: completa le note.")
    if deed in {Deed.SAY, Deed.ASK} and now.held_since is not None:
        raise ConflictError("Chi chiama è in attesa e non ti sente: riprendi la conversazione.")


def _answered(now: Course, step: Step) -> Course:
    return _heard(replace(now, phase=Phase.TALKING, answered_at=step.at), PICKED_UP, step.at)


def _fits(now: Course, reply: Reply) -> bool:
    return reply.key not in now.said and reply.needs <= now.facts and not reply.unless & now.facts


def _said(now: Course, step: Step) -> Course:
    reply = next((one for one in now.story.replies if one.key == step.what and _fits(now, one)), None)
    if reply is None:
        raise ConflictError("Questa frase non c'entra più: scegline un'altra.")
    slips = set()
    if reply.tells and now.identified_at is None:
        slips.add(Fact.TOLD_TOO_EARLY)
    if reply.takes_number and now.is_recorded(step.at):
        slips.add(Fact.NUMBER_RECORDED)
    spoken = replace(now, said=now.said | {reply.key}, facts=now.facts | reply.gives | slips)
    return _heard(_says(spoken, reply.words, step.at), reply.answer, step.at)


def _asked(now: Course, step: Step) -> Course:
    key = step.what
    if now.proposed is None or now.identified_at is not None:
        raise ConflictError("Prima cerca la persona con cui parli.")
    if key not in ASKED or _ask_key(key) in now.said:
        raise ConflictError("Questa domanda l'hai già fatta.")
    is_he = now.proposed == now.story.person.id
    answer = now.story.answers.get(key, WHY) if is_he else NOT_ME
    proven = now.proven | {key} if answer.right else now.proven
    asked = replace(now, said=now.said | {_ask_key(key)}, proven=proven)
    if not missing(GATE, proven):
        asked = _with(asked, Fact.PROVEN)
    if not now.story.answers:
        asked = _with(asked, Fact.ASKED_TOO_MUCH)
    wrong = sum(_ask_key(one) in asked.said for one in ASKED) - len(proven)
    if wrong >= GATE.needed:
        asked = _with(asked, Fact.DOUBTED)
    return _heard(_says(asked, ASKED[key], step.at), answer.words, step.at)


def _proposed(now: Course, step: Step) -> Course:
    if now.identified_at is not None:
        raise ConflictError("La persona è già stata identificata.")
    if step.what not in map(str, BY_ID):
        raise ConflictError("Questa persona non c'è.")
    another = now.proposed != int(step.what)
    found = replace(now, proposed=int(step.what), found_by_search=True, turned_away=None)
    if another:  # whoever is asked anew has proved nothing yet
        asked = {_ask_key(one) for one in ASKED}
        found = replace(found, said=now.said - asked, proven=frozenset(), facts=now.facts - {Fact.PROVEN, Fact.DOUBTED})
    return _with(found, Fact.PROPOSED)


def _identified(now: Course, step: Step) -> Course:
    right = frozenset(step.what.split(",")) - {""}
    if now.proposed is None:
        raise ConflictError("Prima cerca la persona con cui parli.")
    if now.identified_at is not None:  # pressed twice
        return now
    if lacking := missing(GATE, right):
        wrong = "Manca una risposta esatta: fai un'altra domanda."
        wrong = wrong if lacking == 1 else "Mancano risposte esatte: fai le domande e segna quelle giuste."
        part = InvalidError(wrong, field="right")
        raise InvalidError("Prima di aprire il fascicolo accerta con chi parli.", parts=(part,))
    opened = _with(replace(now, identified_at=step.at, turned_away=None, retracted=False), Fact.IDENTIFIED)
    return opened if right <= now.proven else _with(opened, Fact.TICKED_WRONGLY)


def _turned_away(now: Course, step: Step) -> Course:
    outcome = GateOutcome(step.what)
    if now.proposed is None or now.identified_at is not None:
        raise ConflictError("La persona proposta non è più quella: guarda chi risulta in linea.")
    proposed = None if outcome is GateOutcome.WRONG_PERSON else now.proposed
    return _with(replace(now, turned_away=outcome, proposed=proposed), Fact.TURNED_AWAY)


def _retracted(now: Course, _: Step) -> Course:
    if now.identified_at is None:
        return now
    return replace(now, identified_at=None, proposed=None, retracted=True)


def _recorded(now: Course, step: Step) -> Course:
    if not now.story.recorded or now.withdrawn:
        raise ConflictError("Questa chiamata non si registra.")
    if step.deed is Deed.RECORD_AGAIN:
        return replace(now, left_out_until=None)
    withdrawn = step.deed is Deed.WITHDRAW
    until = None if withdrawn else step.at + LEFT_OUT
    return _with(replace(now, left_out_until=until, withdrawn=withdrawn), Fact.LEFT_OUT)


def _helped(now: Course, step: Step) -> Course:
    return replace(now, helped_at=step.at if step.what else None)


def _held(now: Course, step: Step) -> Course:
    if now.held_since is not None:
        return now
    told = now if Fact.TOLD_TO_WAIT in now.facts else _with(now, Fact.HELD_SUDDENLY)
    return _with(replace(told, held_since=step.at, together=False), Fact.HELD)


def _consulted(now: Course, step: Step) -> Course:
    if now.consults:
        return now
    heard = Speech(Voice.COLLEAGUE, now.story.colleague or COLLEAGUE, step.at)
    return replace(_held(now, step), consults=True, speech=(*now.speech, heard))


def _together(now: Course, step: Step) -> Course:
    if not now.consults:
        raise ConflictError("Nessun collega è in linea.")
    return replace(_taken_back(now, step.at), together=True)


def _back(now: Course, step: Step) -> Course:
    if now.held_since is None and not now.consults:
        return now
    back = replace(_taken_back(now, step.at), consults=False, together=False)
    return _heard(back, now.story.reactions.get(Deed.BACK, "Sì, sono qui."), step.at)


def _passed(now: Course, step: Step) -> Course:
    gone = replace(_taken_back(now, step.at), phase=Phase.OUTSIDE, ended_at=step.at, consults=False, together=False)
    return _with(gone, Fact.PASSED)


def _hung_up(now: Course, step: Step) -> Course:
    gone = replace(_taken_back(now, step.at), phase=Phase.ENDED, ended_at=step.at, consults=False, together=False)
    return replace(gone, left_out_until=None, helped_at=None)


def _taken_back(now: Course, at: datetime) -> Course:
    if now.held_since is None:
        return now
    back = replace(now, held_since=None)
    return _with(back, Fact.HELD_LONG) if at - now.held_since > LONG_HOLD else back


def _with(now: Course, fact: str) -> Course:
    return replace(now, facts=now.facts | {fact})


def _says(now: Course, words: str, at: datetime) -> Course:
    return replace(now, speech=(*now.speech, Speech(Voice.TRAINEE, words, at)))


def _heard(now: Course, words: str, at: datetime) -> Course:
    return replace(now, speech=(*now.speech, Speech(Voice.CALLER, words, at)))


def _ask_key(question: str) -> str:
    return f"ask:{question}"


_DEEDS: Mapping[Deed, Callable[[Course, Step], Course]] = {
    Deed.ANSWER: _answered, Deed.SAY: _said, Deed.ASK: _asked, Deed.PROPOSE: _proposed, Deed.IDENTIFY: _identified,
    Deed.TURN_AWAY: _turned_away, Deed.RETRACT: _retracted, Deed.HOLD: _held, Deed.BACK: _back,
    Deed.CONSULT: _consulted, Deed.TOGETHER: _together, Deed.PASS: _passed, Deed.LEAVE_OUT: _recorded,
    Deed.RECORD_AGAIN: _recorded, Deed.WITHDRAW: _recorded, Deed.HELP: _helped,
    Deed.PROMISE: lambda now, _: _with(now, Fact.PROMISED), Deed.HANG_UP: _hung_up,
    Deed.SAVE: lambda now, step: replace(now, saved_at=step.at),
}  # fmt: skip
