"""Words shown. Evaluating conversations."""

from enum import StrEnum

from telephony.quality.marks import Moment
from telephony.quality.models import Spread, Word
from telephony.quality.scoring import Scale

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Scale: {Scale.YES_NO: "sì o no", Scale.FIVE: "da 1 a 5"},
    Spread: {
        Spread.TOPIC: "argomenti",
        Spread.QUEUE: "code",
        Spread.LENGTH: "durate (sotto i 2 minuti, fino a 5, oltre)",
        Spread.OUTCOME: "esiti",
    },
    Word: {
        Word.REPLY: "Risposta dell'operatore",
        Word.ANSWER: "Risposta di chi valuta",
        Word.CORRECTION: "Valutazione corretta",
    },
    Moment: {
        Moment.IDENTIFIED: "Identificato",
        Moment.HELD: "In attesa",
        Moment.BACK: "Ripresa",
        Moment.LEFT_OUT: "Dato riservato, non registrato",
        Moment.CONSULTED: "Consulta un collega",
        Moment.PASSED: "Passata",
    },
}
