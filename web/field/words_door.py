"""Words shown of visits: what came of them, who was there, what was not as it has to be."""

from enum import StrEnum

from outbound.field.visits.door import Fault, Outcome, Whom
from outbound.field.visits.models import AlarmKind, Apart, FileKind
from outbound.field.visits.signs import Sign


class Identity(StrEnum):
    """By what it was established who somebody is: the kind of document alone, never its number."""

    IDENTITY_CARD = "identity_card"
    DRIVING_LICENCE = "driving_licence"
    PASSPORT = "passport"
    OTHER_DOCUMENT = "other_document"
    ANSWERS = "answers"  # he knows what only he knows
    NONE = "none"


IDENTITIES = tuple(Identity)
WORDS: dict[type[StrEnum], dict[str, str]] = {
    Identity: {
        Identity.IDENTITY_CARD: "Carta d'identità vista",
        Identity.DRIVING_LICENCE: "Patente vista",
        Identity.PASSPORT: "Passaporto visto",
        Identity.OTHER_DOCUMENT: "Altro documento visto",
        Identity.ANSWERS: "Ha detto data e luogo di nascita",
        Identity.NONE: "In nessun modo",
    },
    Whom: {
        Whom.HIMSELF: "È la persona cercata",
        Whom.ENTITLED: "Può parlare per lei: erede, tutore, delegato",
        Whom.COMPANY: "Può parlare per l'azienda",
        Whom.THIRD_PARTY: "È qualcun altro",
        Whom.NOT_ESTABLISHED: "Dice di esserlo, ma non lo mostra",
    },
    Outcome: {
        Outcome.MET: "Ha ascoltato, senza impegnarsi",
        Outcome.PAID: "Ha pagato ora, con l'avviso",
        Outcome.PROMISE: "Promette di pagare",
        Outcome.INSTALMENTS: "Chiede di pagare a rate",
        Outcome.DISPUTE: "Contesta",
        Outcome.ALREADY_PAID: "Dice di aver già pagato",
        Outcome.HARDSHIP: "È in difficoltà",
        Outcome.REFUSED: "Rifiuta",
        Outcome.THIRD_PARTY: "Parlato con qualcun altro",
        Outcome.ABSENT: "Nessuno: lasciato l'avviso",
        Outcome.MOVED: "Si è trasferito",
        Outcome.DECEASED: "È deceduto",
        Outcome.NOT_FOUND: "L'indirizzo non esiste",
        Outcome.CLOSED: "L'attività è chiusa",
        Outcome.UNSAFE: "Non era sicuro",
    },
    Fault: {
        Fault.OUT_OF_ORDER: "un passo fuori ordine",
        Fault.NOT_ENTITLED: "si è parlato del debito con chi non poteva sentirne",
        Fault.COMPANY_UNNAMED: "manca chi ha parlato, o a che titolo",
        Fault.NOT_TOLD: "esito senza aver detto motivo e conseguenze",
        Fault.UNFINISHED: "senza esito",
    },
    Sign: {
        Sign.CLOCK_OFF: "l'orologio del telefono era sbagliato",
        Sign.CLOCK_MOVED: "l'orologio del telefono è stato spostato",
        Sign.TOO_EXACT: "posizione senza margine: nessun ricevitore ne dà",
        Sign.SAME_POINT: "stessa identica posizione di un'altra porta",
        Sign.TOO_FAST: "troppo lontano dalla visita più vicina nel tempo",
        Sign.FAR: "lontano dall'indirizzo",
        Sign.TWICE: "visitata alla stessa ora da un altro telefono",
        Sign.NO_MANDATE: "nessun incarico per quel giorno",
        Sign.TOO_MANY: "più visite di quante ne dà l'incarico",
        Sign.OVER: "la pratica era già chiusa, sospesa o di un altro: l'esito non ha avuto effetto",
        Sign.NOT_DONE: "una conseguenza non si è potuta registrare: è tra le attività",
        Sign.MISSING: "prima di questa visita il telefono ne ha contata una che non è arrivata",
    },
    Apart: {
        Apart.REVOKED: "fatta quando non poteva più fare visite",
        Apart.UNKNOWN: "una pratica che non era sua",
        Apart.UNREADABLE: "non si può leggere",
    },
    AlarmKind: {
        AlarmKind.HELP: "chiede aiuto",
        AlarmKind.PANIC: "è in pericolo",
    },
    FileKind: {
        FileKind.SIGNATURE: "Firma per ricevuta",
        FileKind.PHOTOGRAPH: "Fotografia del luogo",
    },
}
