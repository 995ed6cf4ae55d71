"""Words shown. Campaigns, their steps, and why somebody is not called."""

from enum import StrEnum

from crm.collection.sources.port import Lookup
from outbound.campaigns.lifecycle import Deed, State
from outbound.campaigns.models import ContactState, Skip
from outbound.campaigns.plan import Channel, Mode, Order, Phase, Purpose
from outbound.compliance.rules import Ended, Reason
from outbound.dialer.fit import Lack

WORDS: dict[type[StrEnum], dict[str, str]] = {
    State: {
        State.DRAFT: "Bozza",
        State.SUBMITTED: "In attesa dell'ente",
        State.APPROVED: "Approvata",
        State.RUNNING: "In corso",
        State.PAUSED: "In pausa",
        State.STOPPED: "Fermata dall'ente",
        State.ENDED: "Conclusa",
    },
    Deed: {
        Deed.SUBMIT: "Chiedi l'approvazione dell'ente",
        Deed.TAKE_BACK: "Ritira la richiesta",
        Deed.START: "Avvia",
        Deed.PAUSE: "Metti in pausa",
        Deed.RESUME: "Riprendi",
        Deed.CHANGE: "Modifica",
        Deed.END: "Concludi",
        Deed.APPROVE: "Approva",
        Deed.REFUSE: "Non approvare",
        Deed.STOP: "Ferma",
        Deed.RELEASE: "Togli il blocco",
    },
    Purpose: {Purpose.PAYMENT: "pagamento", Purpose.INFORMATION: "informazione", Purpose.SURVEY: "indagine"},
    Phase: {Phase.VOLUNTARY: "Promemoria", Phase.PERSONAL: "Sollecito"},
    Channel: {
        Channel.SMS: "SMS",
        Channel.EMAIL: "e-mail",
        Channel.LETTER: "lettera",
        Channel.CALL: "telefonata",
        Channel.VISIT: "visita",
    },
    Order: {
        Order.AMOUNT: "chi deve di più",
        Order.OLDEST: "chi è in ritardo da più tempo",
        Order.CHANCE: "a caso",
    },
    Mode: {
        Mode.PREVIEW: "L'operatore guarda, poi chiama",
        Mode.PROGRESSIVE: "Una chiamata per ogni operatore libero",
        Mode.PREDICTIVE: "In anticipo sugli operatori",
    },
    ContactState: {
        ContactState.LATER: "più avanti",
        ContactState.READY: "da chiamare",
        ContactState.CLAIMED: "in corso",
        ContactState.OUT: "esclusi",
        ContactState.DONE: "conclusi",
    },
    Skip: {
        Skip.KNOWN: "lo conosco",
        Skip.LANGUAGE: "serve un'altra lingua",
        Skip.DATA: "i suoi dati sembrano sbagliati",
        Skip.COLLEAGUE: "se ne occupa un collega",
        Skip.STOPS: "devo fermarmi",
        Skip.OTHER: "altro",
    },
    Lack: {
        Lack.QUEUE: "chiama chi risponde alla sua coda",
        Lack.LEVEL: "chiama chi ha più esperienza in questa coda",
        Lack.LANGUAGE: "chiama chi parla le sue lingue",
    },
    Ended: {
        Ended.SPOKEN: "ha parlato chi si cercava",
        Ended.ANSWERED: "ha risposto qualcuno",
        Ended.SILENT: "ha risposto e non ha trovato nessuno",
        Ended.MACHINE: "segreteria",
        Ended.BUSY: "occupato",
        Ended.NO_ANSWER: "nessuna risposta",
        Ended.FAILED: "numero non raggiungibile",
        Ended.UNKNOWN: "non si sa ancora",
    },
    Lookup: {
        Lookup.ANSWERED: "letto ora dal gestionale",
        Lookup.UNKNOWN: "il gestionale non lo conosce",
        Lookup.UNREADABLE: "la risposta del gestionale non si può leggere",
        Lookup.SILENT: "il gestionale non risponde",
        Lookup.LET_ALONE: "il gestionale non rispondeva, e per ora non gli si chiede",
    },
    Reason: {
        Reason.DECEASED: "è deceduto",
        Reason.DO_NOT_CALL: "ha chiesto di non essere chiamato",
        Reason.INSOLVENT: "è in una procedura di insolvenza",
        Reason.NO_CONSENT: "non ha dato il consenso",
        Reason.NOTHING_DUE: "non deve niente",
        Reason.PAID: "ha pagato",
        Reason.SUSPENDED: "ciò che deve è sospeso",
        Reason.COMPLAINT: "ha una pratica o un reclamo aperto",
        Reason.CLAIMED: "se ne occupa un'altra campagna",
        Reason.SAME_PERSON: "è già nella campagna con un'altra scheda",
        Reason.NO_NUMBER: "non c'è un numero che sia suo",
        Reason.EXHAUSTED: "è stato cercato quanto basta",
        Reason.STOPPED: "non vuole altri messaggi",
        Reason.NO_ADDRESS: "non c'è un recapito a cui scrivergli",
        Reason.NOT_RUNNING: "la campagna non è in corso",
        Reason.UNCHECKED: "si sta chiedendo al gestionale se ha pagato",
        Reason.STALE: "ciò che si sa di lui è troppo vecchio",
        Reason.WINDOW: "fuori dall'orario consentito",
        Reason.SPOKEN_TODAY: "gli si è già parlato oggi",
        Reason.SPOKEN_THIS_WEEK: "gli si è già parlato tre volte in una settimana",
        Reason.SILENT: "ha risposto e non ha trovato un operatore",
        Reason.TRIED: "è stato cercato da poco",
        Reason.WISH: "ha chiesto un altro momento",
        Reason.WRITTEN: "gli si è già scritto quanto basta in una settimana",
        Reason.PROMISED: "ha promesso di pagare",
        Reason.DO_NOT_VISIT: "non vuole visite a casa",
        Reason.IN_PRACTICE: "ha già una pratica di visita aperta",
        Reason.VISITED: "è stato visitato da poco",
    },
}
