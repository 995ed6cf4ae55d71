"""Words shown. What came of conversations, and promises to pay."""

from enum import StrEnum

from outbound.outcomes.catalogue import Said
from outbound.promises.judging import PromiseState
from outbound.results.breaches import Law

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Said: {
        Said.INFORMED: "Informato",
        Said.PROMISE: "Promette di pagare",
        Said.INSTALMENTS: "Chiede le rate",
        Said.DISPUTE: "Contesta",
        Said.ALREADY_PAID: "Dice che ha pagato",
        Said.REFUSES: "Non vuole pagare",
        Said.CALL_AGAIN: "Da richiamare",
        Said.NO_MORE_CALLS: "Non chiamare più",
        Said.THIRD_PARTY: "Un'altra persona",
        Said.WRONG_NUMBER: "Numero di altri",
        Said.MOVED: "Trasferito",
        Said.DECEASED: "Deceduto",
    },
    PromiseState: {
        PromiseState.OPEN: "aperta",
        PromiseState.KEPT: "mantenuta",
        PromiseState.PARTLY: "mantenuta in parte",
        PromiseState.BROKEN: "non mantenuta",
        PromiseState.UNJUDGED: "non si può ancora dire",
        PromiseState.LIFTED: "non più dovuta",
        PromiseState.WITHDRAWN: "annullata",
    },
    Law: {
        Law.HOURS: "fuori dagli orari del codice",
        Law.HOLIDAY: "in un giorno di festa",
        Law.SECOND_TODAY: "seconda conversazione nel giorno",
        Law.FOURTH_IN_A_WEEK: "più di tre conversazioni in sette giorni",
        Law.SILENT: "entro cinque giorni da una chiamata muta",
        Law.REFUSED: "aveva chiesto di non essere chiamato",
        Law.DEAD: "risultava deceduto",
        Law.UNSTATED: "avviata contro il giudizio delle regole",
    },
}
