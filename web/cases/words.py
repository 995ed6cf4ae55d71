"""Words shown. Cases, their topics, states, steps and terms."""

from enum import StrEnum

from crm.cases.consigning.rules import Standing
from crm.cases.escalation import Told
from crm.cases.gestionale.standing import Progress
from crm.cases.instalments.plans import Scheme
from crm.cases.lifecycle import Channel, Deed, Outcome, State, Topic, Who
from crm.cases.models import ExtensionReason, PauseReason
from crm.cases.posted import Fate, PostSays
from crm.cases.queries import Order, Whose
from crm.cases.sharing import Left
from crm.cases.terms import TermKind

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Topic: {
        Topic.INSTALMENTS: "Rateizzazione",
        Topic.RELIEF: "Sgravio",
        Topic.REFUND: "Rimborso",
        Topic.SUSPENSION: "Sospensione",
        Topic.ANNULMENT: "Annullamento",
        Topic.SELF_CORRECTION: "Autotutela",
        Topic.ACCESS: "Accesso agli atti",
        Topic.COMPLAINT: "Reclamo o segnalazione",
        Topic.INFORMATION: "Informazioni",
        Topic.DATA_PROTECTION: "Dati personali",
        Topic.FORMS: "Aiuto con i moduli",
        Topic.PAPERS: "Carte chieste dall'ente",
        Topic.LITIGATION: "Carte per il contenzioso",
        Topic.INSOLVENCY: "Procedura concorsuale",
        Topic.RENOTIFICATION: "Nuova notifica",
        Topic.ADHESION: "Accertamento con adesione",
    },
    Channel: {
        Channel.PHONE: "telefono",
        Channel.DESK: "sportello",
        Channel.VISIT: "visita",
        Channel.EMAIL: "e-mail",
        Channel.PEC: "PEC",
        Channel.LETTER: "lettera",
        Channel.WEB: "sito",
        Channel.ENTE: "dall'ente",
    },
    State: {
        State.RECEIVED: "Da prendere in carico",
        State.WORKING: "In lavorazione",
        State.AT_ENTE: "L'ente deve decidere",
        State.DECIDED: "Decisa, da comunicare",
        State.TO_SIGN: "L'ente deve firmare",
        State.SIGNED: "Firmata, da comunicare",
        State.REPORTED: "Segnalata, insinuazione da fare",
        State.SUMMONED: "Invitato al contraddittorio",
        State.AT_GESTIONALE: "Aspetta il gestionale",
        State.CLOSED: "Chiusa",
    },
    Deed: {
        Deed.OPEN: "Registrata",
        Deed.TAKE: "Presa in carico",
        Deed.SEND_SHEET: "Scheda mandata all'ente",
        Deed.AUTHORISE: "Autorizzata dall'ente",
        Deed.DENY: "Negata dall'ente",
        Deed.SEND_BACK: "Rimandata dall'ente",
        Deed.DECIDE: "Decisa",
        Deed.DRAFT: "Risposta preparata",
        Deed.SIGN: "Firmata dall'ente",
        Deed.REPLY: "Risposta al cittadino",
        Deed.HAND_OVER: "Carte consegnate all'ente",
        Deed.REPORT: "Segnalata all'ente",
        Deed.FILE_CLAIM: "Insinuazione depositata",
        Deed.PREPARE: "Nuova notifica preparata",
        Deed.SUMMON: "Invitato al contraddittorio",
        Deed.CONCERN: "Posizioni cambiate",
        Deed.CARRIED_OUT: "Eseguita nel gestionale",
        Deed.REDIRECT: "Mandata all'ufficio competente",
        Deed.WITHDRAW: "Ritirata",
        Deed.ASSIGN: "Affidata",
        Deed.PAUSE: "Termini sospesi",
        Deed.RESUME: "Termini ripresi",
        Deed.EXTEND: "Termine prorogato",
        Deed.REGISTER: "Protocollata",
        Deed.ATTACH: "Documento aggiunto",
        Deed.CONSIGN: "Mandata con codice",
        Deed.RECALL: "Ritirato ciò che era stato mandato con codice",
        Deed.READ: "Aperto dal cittadino",
        Deed.IDENTIFY: "Riconosciuto il contribuente",
        Deed.WARN: "Segnalato che il termine sta per finire",
        Deed.HEAR: "Ha scritto di nuovo",
        Deed.REPEAT: "Chiesta di nuovo",
        Deed.PROPOSE: "Proposta al gestionale",
        Deed.ACCEPTED: "Accettata dal gestionale",
        Deed.REJECTED: "Respinta dal gestionale: è da decidere di nuovo",
        Deed.WRITE_LETTER: "Scritta una risposta per lettera",
        Deed.DROP_LETTER: "La risposta per lettera non parte",
        Deed.POST_TOLD: "La posta dice della lettera",
    },
    Fate: {
        Fate.LEAVES: "può partire",
        Fate.WAITS: "i termini della richiesta sono sospesi",
        Fate.OVERTAKEN: "la richiesta intanto è andata avanti",
        Fate.HEAVY: "pesa più di quanto i prezzi prevedono",
    },
    PostSays: {PostSays.DELIVERED: "consegnata", PostSays.RETURNED: "tornata indietro"},
    Who: {Who.OPERATOR: "operatore", Who.SUPERVISOR: "supervisore", Who.ENTE: "ente", Who.GESTIONALE: "gestionale"},
    Outcome: {
        Outcome.GRANTED: "accolta",
        Outcome.PARTLY: "accolta in parte",
        Outcome.REFUSED: "respinta",
        Outcome.ANSWERED: "risposta data",
        Outcome.DONE: "fatta",
        Outcome.REDIRECTED: "mandata all'ufficio competente",
        Outcome.WITHDRAWN: "ritirata",
    },
    TermKind: {
        TermKind.REGISTERED: "Registrare",
        TermKind.DECIDED: "Decidere",
        TermKind.TOLD: "Comunicare l'esito",
        TermKind.SHEET: "Mandare la scheda all'ente",
        TermKind.ENTE_DECIDES: "Decisione dell'ente",
        TermKind.DRAFTED: "Preparare la risposta",
        TermKind.SENT: "Mandare la risposta firmata",
        TermKind.REPLY: "Rispondere",
        TermKind.HANDED_OVER: "Consegnare le carte all'ente",
        TermKind.REPORTED: "Segnalare all'ente",
        TermKind.CLAIMED: "Depositare l'insinuazione",
        TermKind.PREPARED: "Preparare la nuova notifica",
        TermKind.GESTIONALE_ANSWERS: "Risposta del gestionale",
        TermKind.CARRIED: "Vedere nei dati quello che il gestionale ha accettato",
        TermKind.DECIDED_AGAIN: "Decidere di nuovo",
        TermKind.SUMMONED: "Invitare al contraddittorio",
        TermKind.LONGER_TOLD: "Avvisare della proroga",
    },
    Progress: {
        Progress.OWED: "parte con il prossimo flusso di proposte",
        Progress.SENT: "mandata al gestionale",
        Progress.ACCEPTED: "accettata, non si vede ancora nei dati",
        Progress.REFUSED: "respinta",
        Progress.SEEN: "eseguita: si vede nei dati",
    },
    PauseReason: {
        PauseReason.PAPERS_MISSING: "mancano documenti chiesti al cittadino",
        PauseReason.OTHER_OFFICE: "deve prima rispondere un altro ufficio",
        PauseReason.COURT: "deve prima decidere un giudice",
    },
    ExtensionReason: {
        ExtensionReason.COMPLEX: "la richiesta è complessa",
        ExtensionReason.CHECKS: "servono altre verifiche",
        ExtensionReason.ASKED: "l'ha chiesto il cittadino",
    },
    Standing: {
        Standing.WAITS: "non ancora aperto",
        Standing.OPENED: "aperto",
        Standing.WITHDRAWN: "ritirato",
        Standing.OVER: "scaduto senza essere aperto",
    },
    Told: {Told.OWNER: "a chi la segue", Told.SUPERVISOR: "a chi distribuisce le richieste"},
    Scheme: {
        Scheme.LOCAL: "della legge, per i tributi locali",
        Scheme.ENTE: "dell'ente",
        Scheme.AGENCY: "dell'agente nazionale della riscossione",
    },
    Left: {
        Left.NOBODY_KNOWS: "nessuno segue questo argomento",
        Left.ALL_FULL: "chi segue questo argomento ne ha già il massimo",
    },
    Order: {Order.DUE: "prima chi scade", Order.NEWEST: "prima le ultime arrivate"},
    Whose: {
        Whose.ANYBODYS: "Di tutti",
        Whose.MINE: "Le mie",
        Whose.TEAMS: "Delle mie squadre",
        Whose.NOBODYS: "Di nessuno",
    },
}
# What a step's button says.
DO: dict[Deed, str] = {
    Deed.TAKE: "Prendi in carico",
    Deed.SEND_SHEET: "Manda la scheda all'ente",
    Deed.AUTHORISE: "Autorizza",
    Deed.DENY: "Nega",
    Deed.SEND_BACK: "Rimanda indietro",
    Deed.DECIDE: "Decidi",
    Deed.DRAFT: "La risposta è pronta da firmare",
    Deed.SIGN: "Firma",
    Deed.REPLY: "Rispondi",
    Deed.HAND_OVER: "Consegna le carte all'ente",
    Deed.REPORT: "Segnala all'ente",
    Deed.FILE_CLAIM: "L'insinuazione è depositata",
    Deed.PREPARE: "La nuova notifica è pronta",
    Deed.SUMMON: "Invita al contraddittorio",
    Deed.CARRIED_OUT: "Eseguita nel gestionale",
    Deed.REDIRECT: "È competente un altro ufficio",
    Deed.WITHDRAW: "Il cittadino la ritira",
}
# What is to be written beside it.
ASKS: dict[Deed, str] = {
    Deed.REPLY: "Che cosa si risponde",
    Deed.DENY: "I motivi",
    Deed.DECIDE: "I motivi",
    Deed.SEND_BACK: "Che cosa manca",
    Deed.HAND_OVER: "Che cosa si consegna, e a chi",
    Deed.REPORT: "Che cosa si segnala, e a chi",
    Deed.FILE_CLAIM: "Dove e quando",
    Deed.PREPARE: "A quale indirizzo",
    Deed.SUMMON: "Quando e dove: è quello che il cittadino legge",
    Deed.CARRIED_OUT: "Come risulta",
}
WHY = "Perché"  # of a step that says nothing else
HEAD = (
    "Numero", "Ente", "Argomento", "Stato", "Esito", "Contribuente", "Di chi", "Squadra", "Arrivata", "Scade",
    "Termini sospesi", "Protocollo", "Chiusa",
)  # fmt: skip
YES = "sì"
NOT_WHOLE, NOT_A_RATE = "Un numero intero.", "Un tasso annuo da 0 a 20 per cento."
TOO_FAR = "Un mese da questo a uno di qui a un anno."
SAID = (*DO.values(), *ASKS.values(), WHY, *HEAD, YES, NOT_WHOLE, NOT_A_RATE, TOO_FAR)
