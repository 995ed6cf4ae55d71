"""A segment read aloud: one sentence, in the reader's language. Pure; whoever has the catalogue passes it in."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from outbound.segments.conditions import CHOICES, SHAPES, Condition, Field, Kind, Operator, Segment, Shape

EVERYBODY = "%(ente)s: tutti i contribuenti"
PEOPLE = "%(ente)s: contribuenti"
WITH_POSITIONS = "con posizioni %(positions)s"
OR = "oppure"

# What is said of each field, by its operator. Of positions first: "con posizioni …".
TAX_IS = "per %(value)s"
TAX_NOT = "non per %(value)s"
YEAR_FROM = "dall'anno %(value)s in poi"
YEAR_UNTIL = "fino all'anno %(value)s"
ACT_IS = "con atto %(value)s"
ACT_NOT = "con atto diverso da %(value)s"
STANDING_IS = "con pagamento %(value)s"
STANDING_NOT = "con pagamento non %(value)s"
PHASE_IS = "in fase %(value)s"
PHASE_NOT = "non in fase %(value)s"
NOTIFICATION_IS = "con esito %(value)s"
NOTIFICATION_NOT = "con esito diverso da %(value)s"
DUE_LEAST = "scadute da almeno %(value)s giorni"
DUE_MOST = "scadute da non più di %(value)s giorni"
NOTIFIED_LEAST = "notificate da almeno %(value)s giorni"
NOTIFIED_MOST = "notificate da non più di %(value)s giorni"
RESIDUAL_LEAST = "di almeno %(value)s l'una"
RESIDUAL_MOST = "di non più di %(value)s l'una"
PLAN_IS = "con rateazione %(value)s"
PLAN_NOT = "con rateazione non %(value)s"
COLLECT_YES = "da riscuotere con atto esecutivo notificato"
COLLECT_NO = "non da riscuotere con atto esecutivo"
OWED_LEAST = "che devono in tutto almeno %(value)s"
OWED_MOST = "che devono in tutto non più di %(value)s"
POSITIONS_LEAST = "con almeno %(value)s di queste posizioni"
POSITIONS_MOST = "con non più di %(value)s di queste posizioni"
KIND_IS = "che sono %(value)s"
KIND_NOT = "che non sono %(value)s"
REACHED_IS = "raggiungibili per %(value)s"
REACHED_NOT = "non raggiungibili per %(value)s"
CALLS_YES = "che hanno chiesto di non essere chiamati"
CALLS_NO = "che non hanno chiesto di non essere chiamati"
CONDITION_IS = "segnati come %(value)s"
CONDITION_NOT = "non segnati come %(value)s"
CONTACT_LEAST = "non sentiti da almeno %(value)s giorni"
CONTACT_MOST = "sentiti negli ultimi %(value)s giorni"
OUTCOME_IS = "la cui ultima conversazione è finita con %(value)s"
OUTCOME_NOT = "la cui ultima conversazione non è finita con %(value)s"
TOWN_IS = "con indirizzo a %(value)s"
TOWN_NOT = "senza indirizzi a %(value)s"
POSTCODE_IS = "con CAP che comincia per %(value)s"
POSTCODE_NOT = "senza CAP che cominci per %(value)s"
STREET_IS = "con indirizzo che comincia per %(value)s"
STREET_NOT = "senza indirizzi che comincino per %(value)s"

_PAIRS = {
    Field.TAX: (TAX_IS, TAX_NOT), Field.YEAR: (YEAR_FROM, YEAR_UNTIL), Field.ACT_KIND: (ACT_IS, ACT_NOT),
    Field.STANDING: (STANDING_IS, STANDING_NOT), Field.PHASE: (PHASE_IS, PHASE_NOT),
    Field.NOTIFICATION: (NOTIFICATION_IS, NOTIFICATION_NOT), Field.DUE_DAYS: (DUE_LEAST, DUE_MOST),
    Field.NOTIFIED_DAYS: (NOTIFIED_LEAST, NOTIFIED_MOST), Field.RESIDUAL: (RESIDUAL_LEAST, RESIDUAL_MOST),
    Field.PLAN: (PLAN_IS, PLAN_NOT), Field.TO_COLLECT: (COLLECT_YES, COLLECT_NO),
    Field.OWED: (OWED_LEAST, OWED_MOST), Field.POSITIONS: (POSITIONS_LEAST, POSITIONS_MOST),
    Field.PERSON_KIND: (KIND_IS, KIND_NOT), Field.REACHED_BY: (REACHED_IS, REACHED_NOT),
    Field.NO_CALLS: (CALLS_YES, CALLS_NO), Field.CONDITION: (CONDITION_IS, CONDITION_NOT),
    Field.CONTACT_DAYS: (CONTACT_LEAST, CONTACT_MOST), Field.LAST_OUTCOME: (OUTCOME_IS, OUTCOME_NOT),
    Field.TOWN: (TOWN_IS, TOWN_NOT), Field.POSTCODE: (POSTCODE_IS, POSTCODE_NOT),
    Field.STREET: (STREET_IS, STREET_NOT),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Voice:
    """A language: its sentence for an Italian one, its word for a member, its way to write cents and numbers."""

    say: Callable[[str], str]
    word: Callable[[StrEnum], str]
    euro: Callable[[int], str]
    number: Callable[[int], str]


def in_words(segment: Segment, ente: str, voice: Voice) -> str:
    """The segment as one sentence: `Comune di Empoli: contribuenti con posizioni per «TARI», scadute da …; che …`."""
    which = [_group(one, voice) for one in segment.of_kind(Kind.POSITION)]
    others = [
        _group(one, voice) for kind in (Kind.TOGETHER, Kind.PERSON) for one in segment.of_kind(kind)
    ]  # fmt: skip
    if not which and not others:
        return voice.say(EVERYBODY) % {"ente": ente}
    head = voice.say(PEOPLE) % {"ente": ente}
    if which:
        head = f"{head} {voice.say(WITH_POSITIONS) % {'positions': ', '.join(which)}}"
        return "; ".join([head, *others])
    return f"{head} {'; '.join(others)}"


def said(condition: Condition, voice: Voice) -> str:
    """One condition."""
    first, second = _PAIRS[condition.field]
    is_first = condition.operator in {Operator.IS, Operator.AT_LEAST} and condition.value is not False
    return voice.say(first if is_first else second) % {"value": _value(condition, voice)}


def _group(group: Iterable[Condition], voice: Voice) -> str:
    return f" {voice.say(OR)} ".join(said(one, voice) for one in group)


def _value(condition: Condition, voice: Voice) -> str:
    value = condition.value
    if isinstance(value, tuple):
        chosen = CHOICES.get(condition.field)
        words = [f"«{voice.word(chosen(one)) if chosen else one}»" for one in value]
        return _listed(words, voice.say(OR))
    shape = SHAPES[condition.field]
    if shape is Shape.CENTS:
        return voice.euro(value)
    return str(value) if shape is Shape.YEAR else voice.number(value)


def _listed(words: list[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
