"""What a mail may be about, by words in it: a suggestion, which an agent takes or not. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from telephony.calls.choices import Topic

_IN_SUBJECT = 3  # a word in the subject counts for so many in the text
_READ = 5_000


@dataclass(frozen=True, slots=True)
class TopicRule:
    """Words, in small letters, at the beginning of which a topic is known."""

    topic: Topic
    words: tuple[str, ...]


USUAL: tuple[TopicRule, ...] = (
    TopicRule(Topic.INSTALMENTS, ("rateizz", "rateazion", "dilazion", "a rate", "piano di rate")),
    TopicRule(Topic.RELIEF, ("sgravi", "rimbors", "doppio pagament", "già pagat", "gia pagat")),
    TopicRule(Topic.SUSPENSION, ("sospension", "sospender")),
    TopicRule(Topic.ANNULMENT, ("annull", "autotutela", "non dovut")),
    TopicRule(Topic.PRECAUTIONARY, ("fermo amministrativ", "ipotec", "pignorament", "preavviso di fermo")),
    TopicRule(Topic.INJUNCTION, ("ingiunzion", "accertament esecutiv", "accertamento esecutiv")),
    TopicRule(Topic.NOTIFICATION, ("notific", "relata", "compiuta giacenza")),
    TopicRule(Topic.ACCESS, ("accesso agli atti", "copia dell", "estratto di ruolo")),
    TopicRule(Topic.SELF_CORRECTION, ("ravvediment", "dichiarazione tari", "dichiarazione imu", "rettific")),
    TopicRule(Topic.COMPLAINT, ("reclam", "disservizi", "segnalazion", "lamentel")),
    TopicRule(Topic.LITIGATION, ("ricors", "corte di giustizia", "contenzios", "sentenz")),
    TopicRule(Topic.APPOINTMENT, ("appuntament",)),
    TopicRule(Topic.FORMS, ("modul", "compilar")),
    TopicRule(Topic.PAYMENT, ("pagopa", "f24", "bollettin", "pagament", "quietanz", "ricevuta di pagament")),
    TopicRule(Topic.REMINDER, ("sollecit",)),
)


def suggested(subject: str, text: str, rules: Sequence[TopicRule] = USUAL) -> Topic | None:
    """The topic most of whose words stand in it; of equals the one that comes first among the rules."""
    title, body = _plain(subject), _plain(text[:_READ])
    best, most = None, 0
    for rule in rules:
        found = sum(
            _IN_SUBJECT * bool(pattern.search(title)) + bool(pattern.search(body)) for pattern in _patterns(rule)
        )
        if found > most:
            best, most = rule.topic, found
    return best


def _patterns(rule: TopicRule) -> list[re.Pattern[str]]:
    return [re.compile(rf"(?<!\w){re.escape(_plain(word))}") for word in rule.words if word]


def _plain(text: str) -> str:
    """Small letters without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
