"""The life of a case, topic by topic, as data. Pure.

A case is opened when a request is registered, taken up, decided by whoever has to, answered and closed. What the ente
has to do itself (authorise, sign) is a step of its own. `docs/case-states.md` draws it from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from crm.core.errors import ConflictError, FieldError


class Topic(StrEnum):
    """What a case is about."""

    INSTALMENTS = "instalments"
    RELIEF = "relief"
    REFUND = "refund"
    SUSPENSION = "suspension"
    ANNULMENT = "annulment"
    SELF_CORRECTION = "self_correction"
    ACCESS = "access"  # to acts
    COMPLAINT = "complaint"  # or a report of something that is wrong
    INFORMATION = "information"
    DATA_PROTECTION = "data_protection"
    FORMS = "forms"  # help with them
    PAPERS = "papers"  # asked for by the ente
    LITIGATION = "litigation"  # papers for its litigation office
    INSOLVENCY = "insolvency"
    RENOTIFICATION = "renotification"
    ADHESION = "adhesion"  # to an assessment, once it was talked over with the ente


class Channel(StrEnum):
    """How a request came in."""

    PHONE = "phone"
    DESK = "desk"
    VISIT = "visit"
    EMAIL = "email"
    PEC = "pec"
    LETTER = "letter"
    WEB = "web"
    ENTE = "ente"


class State(StrEnum):
    RECEIVED = "received"  # registered, and nobody has begun
    WORKING = "working"
    AT_ENTE = "at_ente"  # the sheet is there, and the ente decides
    DECIDED = "decided"  # nobody has been told yet
    TO_SIGN = "to_sign"  # the reply is drafted
    SIGNED = "signed"
    REPORTED = "reported"  # an insolvency of which the ente knows: the claim is to be filed
    SUMMONED = "summoned"  # to talk an assessment over
    AT_GESTIONALE = "at_gestionale"  # what was granted is still to be seen in the collection system's state
    CLOSED = "closed"


class Deed(StrEnum):
    """A step in the life of a case."""

    OPEN = "open"
    TAKE = "take"
    SEND_SHEET = "send_sheet"  # the summary sheet goes to the ente
    AUTHORISE = "authorise"
    DENY = "deny"
    SEND_BACK = "send_back"  # the ente wants more, or something else
    DECIDE = "decide"
    DRAFT = "draft"
    SIGN = "sign"
    REPLY = "reply"  # the citizen is told
    HAND_OVER = "hand_over"  # papers reach the ente
    REPORT = "report"
    FILE_CLAIM = "file_claim"
    PREPARE = "prepare"
    SUMMON = "summon"  # to talk an assessment over: when and where
    CARRIED_OUT = "carried_out"  # the collection system has done what was granted
    REJECTED = "rejected"  # the collection system does not do it, and says why
    REDIRECT = "redirect"
    WITHDRAW = "withdraw"
    # What leaves the state as it is.
    ASSIGN = "assign"
    PAUSE = "pause"
    RESUME = "resume"
    EXTEND = "extend"
    REGISTER = "register"  # in the ente's protocol
    ATTACH = "attach"
    WARN = "warn"  # a term is running out
    HEAR = "hear"  # he wrote again
    CONSIGN = "consign"  # documents are handed to the taxpayer, by a one-time code
    RECALL = "recall"  # and are not to be opened any more
    READ = "read"  # he opened one
    IDENTIFY = "identify"  # it is known now which taxpayer's it is
    REPEAT = "repeat"  # it is asked for again
    CONCERN = "concern"  # it is about other debts than it was
    PROPOSE = "propose"  # what was granted, to the collection system
    ACCEPTED = "accepted"  # by the collection system
    WRITE_LETTER = "write_letter"  # an answer that leaves by post waits for the next batch
    DROP_LETTER = "drop_letter"  # it does not leave after all
    POST_TOLD = "post_told"  # what became of a letter


class Who(StrEnum):
    """Whose step it is."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    ENTE = "ente"
    GESTIONALE = "gestionale"  # the collection system


class Need(StrEnum):
    """What a step cannot do without."""

    OUTCOME = "outcome"
    REASON = "reason"
    OFFICE = "office"  # the one that is competent
    PROTOCOL = "protocol"  # the case has its number
    INSTALMENTS = "instalments"  # how many are granted, where they are


class Outcome(StrEnum):
    GRANTED = "granted"
    PARTLY = "partly"
    REFUSED = "refused"
    ANSWERED = "answered"
    DONE = "done"  # papers handed over, a claim filed, an act prepared
    REDIRECTED = "redirected"
    WITHDRAWN = "withdrawn"


CARRIED = frozenset({Outcome.GRANTED, Outcome.PARTLY})  # what the collection system has to do something about
DECISIONS: Mapping[Deed, tuple[Outcome, ...]] = MappingProxyType(
    {
        Deed.AUTHORISE: (Outcome.GRANTED, Outcome.PARTLY),
        Deed.DENY: (Outcome.REFUSED,),
        Deed.DECIDE: (Outcome.GRANTED, Outcome.PARTLY, Outcome.REFUSED),
        Deed.REDIRECT: (Outcome.REDIRECTED,),
        Deed.WITHDRAW: (Outcome.WITHDRAWN,),
        Deed.HAND_OVER: (Outcome.DONE,),
        Deed.FILE_CLAIM: (Outcome.DONE,),
        Deed.PREPARE: (Outcome.DONE,),
    }
)  # what may come of a step; the others decide nothing
NOTHING: frozenset[Need] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """From a state to the next. `carried`: the next one where something was granted that is to be carried out."""

    deed: Deed
    since: State
    to: State
    who: Who = Who.OPERATOR
    needs: frozenset[Need] = NOTHING
    carried: State | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands, and what came of it so far."""

    state: State
    outcome: Outcome | None = None


OPENED = Standing(State.RECEIVED)
UNDECIDED = frozenset({State.RECEIVED, State.WORKING, State.SUMMONED})  # and not with the ente to be decided
_WHY, _BOTH = frozenset({Need.REASON}), frozenset({Need.REASON, Need.OUTCOME})
_REGISTERED = frozenset({Need.PROTOCOL})
_TAKEN = Step(Deed.TAKE, State.RECEIVED, State.WORKING)


def _at_ente(since: State) -> tuple[Step, ...]:
    """The ente has the sheet, decides, or sends it back."""
    return (
        Step(Deed.SEND_SHEET, since, State.AT_ENTE),
        Step(Deed.AUTHORISE, State.AT_ENTE, State.DECIDED, Who.ENTE, frozenset({Need.OUTCOME})),
        Step(Deed.DENY, State.AT_ENTE, State.DECIDED, Who.ENTE, _WHY),
        Step(Deed.SEND_BACK, State.AT_ENTE, since, Who.ENTE, _WHY),
    )


_AT_ENTE = (_TAKEN, *_at_ente(State.WORKING))


def _told(since: State, *, carried: bool) -> Step:
    then = State.AT_GESTIONALE if carried else None
    return Step(Deed.REPLY, since, State.CLOSED, needs=_REGISTERED, carried=then)


def _back(to: State, *since: State) -> tuple[Step, ...]:
    """What was granted is not done: it is to be decided again."""
    return tuple(Step(Deed.REJECTED, one, to, Who.GESTIONALE, _WHY) for one in since)


_CARRIED_OUT = Step(Deed.CARRIED_OUT, State.AT_GESTIONALE, State.CLOSED, Who.SUPERVISOR, _WHY)
_BY_US = (
    _TAKEN,
    Step(Deed.DECIDE, State.WORKING, State.DECIDED, needs=_BOTH | {Need.INSTALMENTS}),
    _told(State.DECIDED, carried=True),
    _CARRIED_OUT,
    *_back(State.WORKING, State.DECIDED, State.AT_GESTIONALE),
)
_BY_ENTE = (
    *_AT_ENTE,
    _told(State.DECIDED, carried=True),
    _CARRIED_OUT,
    *_back(State.AT_ENTE, State.DECIDED, State.AT_GESTIONALE),
)
_SIGNED = (
    *_AT_ENTE,
    Step(Deed.DRAFT, State.DECIDED, State.TO_SIGN),
    Step(Deed.SIGN, State.TO_SIGN, State.SIGNED, Who.ENTE),
    Step(Deed.SEND_BACK, State.TO_SIGN, State.DECIDED, Who.ENTE, _WHY),
    _told(State.SIGNED, carried=True),
    _CARRIED_OUT,
    *_back(State.AT_ENTE, State.DECIDED, State.TO_SIGN, State.SIGNED, State.AT_GESTIONALE),
)
_OF_ENTE = (*_AT_ENTE, _told(State.DECIDED, carried=False))  # nothing of it is the collection system's
_ANSWERED = (_TAKEN, Step(Deed.REPLY, State.WORKING, State.CLOSED, needs=_WHY))
_HANDED = (_TAKEN, Step(Deed.HAND_OVER, State.WORKING, State.CLOSED, needs=_WHY))
_CLAIMED = (
    _TAKEN,
    Step(Deed.REPORT, State.WORKING, State.REPORTED, needs=_WHY),
    Step(Deed.FILE_CLAIM, State.REPORTED, State.CLOSED, needs=_WHY),
)
_PREPARED = (_TAKEN, Step(Deed.PREPARE, State.WORKING, State.CLOSED, needs=_WHY))
_TALKED_OVER = (
    _TAKEN,
    Step(Deed.SUMMON, State.WORKING, State.SUMMONED, needs=_WHY),
    *_at_ente(State.SUMMONED),
    _told(State.DECIDED, carried=False),
    Step(Deed.WITHDRAW, State.SUMMONED, State.CLOSED, needs=_WHY),
)
_ANY_TIME = tuple(
    step
    for state in (State.RECEIVED, State.WORKING)
    for step in (
        Step(Deed.REDIRECT, state, State.CLOSED, needs=frozenset({Need.REASON, Need.OFFICE})),
        Step(Deed.WITHDRAW, state, State.CLOSED, needs=_WHY),
    )
)
MACHINES: Mapping[Topic, tuple[Step, ...]] = MappingProxyType(
    {
        topic: (*steps, *_ANY_TIME)
        for topic, steps in {
            Topic.INSTALMENTS: _BY_US,
            Topic.RELIEF: _BY_ENTE,
            Topic.REFUND: _BY_ENTE,
            Topic.SUSPENSION: _SIGNED,
            Topic.ANNULMENT: _BY_ENTE,
            Topic.SELF_CORRECTION: _BY_ENTE,
            Topic.ACCESS: _OF_ENTE,
            Topic.COMPLAINT: _ANSWERED,
            Topic.INFORMATION: _ANSWERED,
            Topic.DATA_PROTECTION: _OF_ENTE,
            Topic.FORMS: _ANSWERED,
            Topic.PAPERS: _HANDED,
            Topic.LITIGATION: _HANDED,
            Topic.INSOLVENCY: _CLAIMED,
            Topic.RENOTIFICATION: _PREPARED,
            Topic.ADHESION: _TALKED_OVER,
        }.items()
    }
)


def possible(topic: Topic, state: State) -> tuple[Step, ...]:
    """What may be done with a case of this topic in this state, whoever's it is."""
    return tuple(step for step in MACHINES[topic] if step.since is state)


def step_of(topic: Topic, state: State, deed: Deed) -> Step:
    """The step by which a deed leads on.

    Raises:
        ConflictError: it cannot be done to such a case in that state.
    """
    found = next((one for one in possible(topic, state) if one.deed is deed), None)
    if found is None:
        raise ConflictError("La richiesta nel frattempo è cambiata: riaprila e guarda a che punto è.")
    return found


def after(topic: Topic, standing: Standing, deed: Deed, outcome: Outcome | None = None) -> Standing:
    """Where a case stands after a deed. Raises as `step_of`, and `InvalidError` for an outcome that it cannot have."""
    step = step_of(topic, standing.state, deed)
    came = _outcome(deed, standing.outcome, outcome)
    to = step.carried if step.carried and came in CARRIED else step.to
    anew = deed is Deed.REJECTED or (deed is Deed.SEND_BACK and to is State.WORKING)
    return Standing(to, None if anew else came)


def _outcome(deed: Deed, before: Outcome | None, said: Outcome | None) -> Outcome | None:
    may = DECISIONS.get(deed, ())
    if len(may) == 1:
        return may[0]
    if may:
        if said not in may:
            raise FieldError("Scegli l'esito.", "outcome")
        return said
    return Outcome.ANSWERED if deed is Deed.REPLY and before is None else before
