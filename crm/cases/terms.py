"""Which terms a case has: what the contract promises for its topic, else what the law says. Pure.

The contract's are its levels (`crm.levels.metrics`), in the unit of their metric. Of the law:

- L. 241/1990 art. 2 c. 2: a proceeding ends within 30 days where nothing else is said; art. 25 c. 4: access to acts.
- Regulation (EU) 2016/679 art. 12(3): a month, taken here as 28 days, the shortest there is.
- L. 296/2006 art. 1 c. 164: the ente refunds within 180 days from the request.
- D.Lgs. 546/1992 art. 21 c. 2: after 90 days without an answer to a request of self-correction one may appeal.
- D.Lgs. 218/1997 art. 6 c. 4: whoever asks to talk an assessment over is summoned within 15 days; c. 3: his time to
  appeal rests for 90 days, within which he has to know what came of it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from crm.cases.carrying import TRACES
from crm.cases.deadlines import Span
from crm.cases.lifecycle import Deed, Topic
from crm.levels.agreement import Promise
from crm.levels.metrics import METRICS, Unit
from crm.levels.metrics import MetricName as N


class TermKind(StrEnum):
    """What is due."""

    REGISTERED = "registered"
    DECIDED = "decided"
    TOLD = "told"  # what was decided
    SHEET = "sheet"
    ENTE_DECIDES = "ente_decides"
    DRAFTED = "drafted"
    SENT = "sent"  # once signed
    REPLY = "reply"  # to the whole request
    HANDED_OVER = "handed_over"
    REPORTED = "reported"
    CLAIMED = "claimed"
    PREPARED = "prepared"
    GESTIONALE_ANSWERS = "gestionale_answers"  # to what was proposed
    CARRIED = "carried"  # what it accepted is seen in its feed
    DECIDED_AGAIN = "decided_again"  # what it refused
    SUMMONED = "summoned"
    LONGER_TOLD = "longer_told"  # that it takes longer


@dataclass(frozen=True, slots=True)
class Law:
    """What the law gives, in days of the calendar, and where it says so."""

    days: int
    source: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A term of a topic: from which deed it runs (from `OPEN`: from when the request came in), and which meets it.

    `agreed`: the levels by which contracts promise it, the first one that there is; `surety`: those of a request that
    comes with one; `own`: it is as many days of the calendar as the ente gives the collection system.
    """

    kind: TermKind
    since: frozenset[Deed]
    met_by: frozenset[Deed]
    agreed: tuple[N, ...] = ()
    law: Law | None = None
    surety: tuple[N, ...] = ()
    own: bool = False


@dataclass(frozen=True, slots=True)
class Agreed:
    """How long a term is, and which level of the contract, or which law, says so."""

    kind: TermKind
    span: Span
    source: str
    by_contract: bool


BY_ENTE = "own_days"  # the source of a term that the ente gives
GENERAL = Law(30, "L. 241/1990, art. 2, c. 2")
_IN, _DECIDED = frozenset({Deed.OPEN}), frozenset({Deed.AUTHORISE, Deed.DENY, Deed.DECIDE})
_K = TermKind


def _from_request(kind: TermKind, met_by: Deed, *agreed: N, law: Law | None = None, surety: tuple[N, ...] = ()) -> Rule:
    return Rule(kind, _IN, frozenset({met_by}), agreed, law, surety)


def _whole(law: Law, *agreed: N) -> Rule:
    return _from_request(_K.REPLY, Deed.REPLY, *agreed, law=law)


def _told(*agreed: N) -> Rule:
    return Rule(_K.TOLD, _DECIDED, frozenset({Deed.REPLY}), agreed)


_AT_GESTIONALE = (
    Rule(
        _K.GESTIONALE_ANSWERS, frozenset({Deed.PROPOSE}), frozenset({Deed.ACCEPTED, Deed.REJECTED, Deed.CARRIED_OUT}),
        own=True,
    ),
    Rule(_K.CARRIED, frozenset({Deed.ACCEPTED}), frozenset({Deed.CARRIED_OUT}), own=True),
    Rule(_K.DECIDED_AGAIN, frozenset({Deed.REJECTED}), _DECIDED, own=True),
)  # fmt: skip
_OF_TOPIC: Mapping[Topic, tuple[Rule, ...]] = MappingProxyType(
    {
        Topic.INSTALMENTS: (
            _from_request(_K.REGISTERED, Deed.OPEN, N.INSTALMENT_REGISTERED),
            _from_request(_K.DECIDED, Deed.DECIDE, N.INSTALMENT_DECIDED, law=GENERAL, surety=(N.SURETY_DECIDED,)),
            _told(N.INSTALMENT_TOLD),
        ),
        Topic.RELIEF: (
            _from_request(_K.SHEET, Deed.SEND_SHEET, N.RELIEF_SHEET), _told(N.RELIEF_TOLD), _whole(GENERAL),
        ),
        Topic.REFUND: (
            _from_request(_K.SHEET, Deed.SEND_SHEET, N.RELIEF_SHEET), _told(N.RELIEF_TOLD),
            _whole(Law(180, "L. 296/2006, art. 1, c. 164")),
        ),
        Topic.SUSPENSION: (
            _from_request(_K.SHEET, Deed.SEND_SHEET, N.SUSPENSION_SHEET),
            Rule(
                _K.ENTE_DECIDES, frozenset({Deed.SEND_SHEET}), frozenset({Deed.AUTHORISE, Deed.DENY, Deed.SEND_BACK}),
                (N.SUSPENSION_DECIDED,),
            ),
            Rule(_K.DRAFTED, _DECIDED, frozenset({Deed.DRAFT}), (N.SUSPENSION_DRAFTED,)),
            Rule(_K.SENT, frozenset({Deed.SIGN}), frozenset({Deed.REPLY}), (N.SUSPENSION_SENT,)),
        ),
        Topic.ANNULMENT: (
            _from_request(_K.SHEET, Deed.SEND_SHEET, N.ANNULMENT_SHEET),
            _whole(Law(90, "D.Lgs. 546/1992, art. 21, c. 2")),
        ),
        Topic.SELF_CORRECTION: (_whole(Law(90, "D.Lgs. 546/1992, art. 21, c. 2"), N.SELF_CORRECTION),),
        Topic.ACCESS: (_whole(Law(30, "L. 241/1990, art. 25, c. 4")),),
        Topic.COMPLAINT: (_whole(GENERAL, N.COMPLAINT_REPLY),),
        Topic.INFORMATION: (_whole(GENERAL, N.INFORMATION_REPLY, N.GENERIC_REQUEST),),
        Topic.DATA_PROTECTION: (_whole(Law(28, "Reg. (UE) 2016/679, art. 12, par. 3")),),
        Topic.FORMS: (_whole(GENERAL, N.INFORMATION_REPLY, N.GENERIC_REQUEST),),
        Topic.PAPERS: (_from_request(_K.HANDED_OVER, Deed.HAND_OVER, N.CASE_INFORMATION),),
        Topic.LITIGATION: (_from_request(_K.HANDED_OVER, Deed.HAND_OVER, N.LITIGATION_PAPERS, N.APPEAL_FORWARDED),),
        Topic.INSOLVENCY: (
            _from_request(_K.REPORTED, Deed.REPORT, N.INSOLVENCY_REPORTED),
            _from_request(_K.CLAIMED, Deed.FILE_CLAIM, N.INSOLVENCY_CLAIMED),
        ),
        Topic.RENOTIFICATION: (_from_request(_K.PREPARED, Deed.PREPARE, N.RENOTIFICATION),),
        Topic.ADHESION: (
            _from_request(
                _K.SUMMONED, Deed.SUMMON, N.ADHESION_SUMMONS, law=Law(15, "D.Lgs. 218/1997, art. 6, c. 4")
            ),
            _whole(Law(90, "D.Lgs. 218/1997, art. 6, c. 3")),
        ),
    }
)  # fmt: skip


RULES: Mapping[Topic, tuple[Rule, ...]] = MappingProxyType(
    {topic: (*rules, *(_AT_GESTIONALE if topic in TRACES else ())) for topic, rules in _OF_TOPIC.items()}
)


_LONGER = Rule(_K.LONGER_TOLD, _IN, frozenset({Deed.EXTEND}), (N.EXTENSION_NOTICE,))


def begun_by(
    topic: Topic, deed: Deed, promises: Mapping[str, Promise], *, surety: bool = False, own_days: int = 0
) -> list[Agreed]:  # fmt: skip
    """The terms that begin to run with a deed; `own_days`: what the ente gives the collection system."""
    rules = [one for one in RULES[topic] if deed in one.since]
    own = [Agreed(one.kind, Span(own_days), BY_ENTE, by_contract=False) for one in rules if one.own]
    found = (_agreed(one, promises, surety=surety) for one in rules if not one.own)
    return [*(one for one in found if one is not None), *own]


def longer_told(promises: Mapping[str, Promise]) -> Agreed | None:
    """The term, from when a request came in, within which he is told that it takes longer; none: nobody promised."""
    return _agreed(_LONGER, promises, surety=False)


def met_by(topic: Topic, deed: Deed) -> frozenset[TermKind]:
    """What is no longer due once this was done."""
    return frozenset(one.kind for one in RULES[topic] if deed in one.met_by)


def _agreed(rule: Rule, promises: Mapping[str, Promise], *, surety: bool) -> Agreed | None:
    names = (*rule.surety, *rule.agreed) if surety else rule.agreed
    for name in names:
        promise = promises.get(name)
        if promise is not None:
            return Agreed(rule.kind, span_of(promise), name.value, by_contract=True)
    if rule.law is None:
        return None
    return Agreed(rule.kind, Span(rule.law.days), rule.law.source, by_contract=False)


def span_of(promise: Promise) -> Span:
    """Whole days: within less than 5 days is within 4."""
    most = math.ceil(promise.target) - 1 if promise.op == "<" else math.floor(promise.target)
    return Span(max(0, most), METRICS[promise.metric].unit is Unit.WORKING_DAYS)
