"""What a mail may be about, by words in it: a suggestion, which an agent takes or not. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

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
            _IN_SUBJECT * _begins(word, pattern, title) + _begins(word, pattern, body)
            for word, pattern in _patterns(rule)
        )
        if found > most:
            best, most = rule.topic, found
    return best


@cache
def _patterns(rule: TopicRule) -> tuple[tuple[str, re.Pattern[str]], ...]:
    plain = [_plain(word) for word in rule.words if word]
    return tuple((word, re.compile(rf"(?<!\w){re.escape(word)}")) for word in plain)


def _begins(word: str, pattern: re.Pattern[str], text: str) -> bool:
    """Whether a word of the text begins so. Most do not stand there at all, which is found out quickly."""
    return word in text and pattern.search(text) is not None


def _plain(text: str) -> str:
    """Small letters without accents."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
