"""Words shown. The figures of the live board."""

from enum import StrEnum

from crm.levels.tracing import Figure
from web.supervision.outcomes import Came
from web.supervision.spans import Apart, Live, Span

HEAD = ("Arrivo", "Ente", "Coda", "Da dove", "Attesa (s)", "Conversazione (s)", "Com'è andata")

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Figure: {
        Figure.RECEIVED: "Chiamate ricevute",
        Figure.ENTERED: "Chiamate entrate in coda",
        Figure.ANSWERED: "Chiamate con risposta",
        Figure.ANSWERED_WITHIN: "Chiamate con risposta entro T",
        Figure.WAITED_OVER: "Chiamate con attesa oltre la soglia",
        Figure.LOST: "Chiamate perse",
        Figure.ABANDONED: "Chiamate abbandonate",
        Figure.IN_TIME: "Chiamate contate come risposte entro T",
        Figure.HANDLED: "Conversazioni finite",
    },
    Came: {
        Came.ANSWERED: "con risposta",
        Came.TALKS: "in conversazione",
        Came.WAITS: "in attesa",
        Came.ABANDONED: "ha rinunciato",
        Came.TURNED_AWAY: "non accolta: coda piena",
        Came.OWED: "da richiamare",
        Came.NOT_REACHED: "richiamata senza trovarlo",
        Came.FOUND_SHUT: "il numero era chiuso",
        Came.IN_MENU: "al risponditore",
        Came.LEFT_MENU: "uscita dal risponditore",
    },
    Live: {
        Live.WAITING: "Chi aspetta adesso",
        Live.TALKING: "Chi parla adesso",
        Live.AWAY: "Da richiamare",
    },
    Apart: {Apart.FOUND_SHUT: "Chiamate a numeri chiusi"},
    Span: {
        Span.NOW: "in questo quarto d'ora",
        Span.HOUR: "in quest'ora",
        Span.LATELY: "nelle ultime due ore",
        Span.WEEK: "negli ultimi sette giorni",
        Span.TODAY: "oggi",
        Span.PERIOD: "nel periodo",
    },
}
