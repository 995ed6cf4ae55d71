"""Words shown. How an appointment stands, where it was made, and how an agenda stands."""

from enum import StrEnum

from crm.agendas.bulk.models import BulkKind, BulkState, ItemState
from crm.agendas.external.models import Trouble
from crm.agendas.models import AgendaState, AppointmentDeed, AppointmentState
from crm.agendas.ratings.models import Because
from crm.agendas.rules import Channel
from crm.agendas.sites import Link
from crm.agendas.wishes.models import Outcome, Part, WishState

WORDS: dict[type[StrEnum], dict[str, str]] = {
    AppointmentState: {
        AppointmentState.HELD: "in prenotazione",
        AppointmentState.BOOKED: "prenotato",
        AppointmentState.ARRIVED: "in attesa",
        AppointmentState.CALLED: "chiamato",
        AppointmentState.SERVING: "allo sportello",
        AppointmentState.DONE: "servito",
        AppointmentState.NO_SHOW: "non venuto",
        AppointmentState.UNSERVED: "chiuso a fine giornata",
        AppointmentState.CANCELLED_BY_CITIZEN: "disdetto",
        AppointmentState.CANCELLED_BY_OFFICE: "annullato dall'ufficio",
    },
    Channel: {
        Channel.WEB: "dal sito",
        Channel.PHONE: "per telefono",
        Channel.DESK: "allo sportello",
    },
    AppointmentDeed: {
        AppointmentDeed.BOOKED: "prenotato",
        AppointmentDeed.MOVED: "spostato",
        AppointmentDeed.CANCELLED: "annullato",
        AppointmentDeed.ARRIVED: "è arrivato",
        AppointmentDeed.CALLED: "chiamato allo sportello",
        AppointmentDeed.SERVED: "si comincia a servirlo",
        AppointmentDeed.DONE: "concluso",
        AppointmentDeed.MISSED: "non è venuto",
        AppointmentDeed.BACK: "riportato com'era",
        AppointmentDeed.CLOSED: "chiuso a fine giornata",
    },
    BulkKind: {
        BulkKind.MOVE: "spostare",
        BulkKind.CANCEL: "annullare",
    },
    BulkState: {
        BulkState.PREPARED: "proposta: non è ancora successo niente",
        BulkState.RUNNING: "in corso",
        BulkState.DONE: "fatto",
        BulkState.UNDOING: "si sta riportando com'era",
        BulkState.UNDONE: "riportato com'era",
    },
    ItemState: {
        ItemState.WAITING: "da fare",
        ItemState.DONE: "fatto",
        ItemState.LEFT: "rimasto com'era",
        ItemState.UNDONE: "riportato com'era",
        ItemState.KEPT: "non si può riportare",
    },
    Trouble: {
        Trouble.AWAY: "il server non risponde",
        Trouble.FORBIDDEN_ADDRESS: "il server non è raggiungibile da internet: chi gestisce il sistema può ammetterlo",
        Trouble.CREDENTIALS: "utente o password non vanno bene",
        Trouble.NOT_THERE: "a questo indirizzo non c'è un calendario",
        Trouble.REFUSED: "il server rifiuta la richiesta",
        Trouble.NO_CALENDAR: "la risposta non è un calendario che si possa leggere",
        Trouble.TOO_MUCH: "ci sono troppi impegni, o si ripetono troppo spesso",
    },
    Part: {
        Part.ANY: "a qualunque ora",
        Part.MORNING: "la mattina",
        Part.AFTERNOON: "il pomeriggio",
    },
    WishState: {
        WishState.WAITING: "in lista",
        WishState.SERVED: "ha un appuntamento",
        WishState.LEFT: "uscito dalla lista",
        WishState.OVER: "il termine è passato",
        WishState.SILENT: "tolto: non ha risposto",
    },
    Outcome: {
        Outcome.OPEN: "tenuto, si aspetta la risposta",
        Outcome.TAKEN: "preso",
        Outcome.REFUSED: "rifiutato",
        Outcome.MISSED: "non confermato in tempo",
        Outcome.WITHDRAWN: "ritirato",
    },
    Because: {
        Because.CLEAR: "Le indicazioni erano chiare",
        Because.COMPLETE: "Le indicazioni erano complete",
        Because.SURE: "Capivo sempre che stavo procedendo correttamente",
        Because.SMOOTH: "Non ho avuto problemi tecnici",
        Because.UNCLEAR: "A volte le indicazioni non erano chiare",
        Because.INCOMPLETE: "A volte le indicazioni non erano complete",
        Because.UNSURE: "A volte non capivo se stavo procedendo correttamente",
        Because.TROUBLE: "Ho avuto problemi tecnici",
        Because.OTHER: "Altro",
    },
    Link: {
        Link.PRIVACY: "Informativa privacy",
        Link.ACCESSIBILITY: "Dichiarazione di accessibilità",
        Link.CONTACTS: "Contatti",
        Link.LEGAL: "Note legali",
        Link.FAQ: "Domande frequenti",
        Link.PROBLEM: "Segnala un disservizio",
    },
    AgendaState: {
        AgendaState.DRAFT: "bozza",
        AgendaState.PUBLISHED: "pubblicata",
    },
}
