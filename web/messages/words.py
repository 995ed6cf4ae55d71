"""Words shown. Messages, and why one did not arrive."""

from enum import StrEnum

from crm.messages.models import MessageChannel, MessageState, Reason
from crm.messages.templates import MessageTemplate

WORDS: dict[type[StrEnum], dict[str, str]] = {
    MessageChannel: {
        MessageChannel.SMS: "SMS",
        MessageChannel.EMAIL: "E-mail",
        MessageChannel.PEC: "PEC",
    },
    MessageState: {
        MessageState.OWED: "in partenza",
        MessageState.SENDING: "in invio",
        MessageState.UNKNOWN: "inviato, senza conferma",
        MessageState.SENT: "inviato",
        MessageState.DELIVERED: "consegnato",
        MessageState.FAILED: "non arrivato",
        MessageState.WITHHELD: "non inviato",
        MessageState.EXPIRED: "scaduto prima di partire",
    },
    Reason: {
        Reason.NO_ADDRESS: "non c'è un recapito adatto",
        Reason.STOPPED: "ha chiesto di non ricevere messaggi a questo recapito",
        Reason.NO_CONSENT: "manca il suo consenso ai messaggi",
        Reason.DO_NOT_CALL: "ha chiesto di non essere disturbato al telefono",
        Reason.DECEASED: "risulta deceduto",
        Reason.NOT_VERIFIED: "il contenuto è riservato e nessuno ha verificato che l'indirizzo sia suo",
        Reason.CANCELLED: "fermato prima che partisse",
        Reason.BAD_ADDRESS: "il numero o l'indirizzo non esiste",
        Reason.OPTED_OUT: "ha risposto STOP al gestore telefonico",
        Reason.NOT_DELIVERED: "partito, ma non recapitato",
        Reason.REFUSED: "rifiutato da chi doveva recapitarlo",
        Reason.NOT_FOUND: "nessuno ha confermato l'invio, e al gestore non risulta",
        Reason.NOT_SURE: "nessuno ha confermato l'invio: potrebbe essere arrivato",
        Reason.NO_SENDER: "manca la linea o il server di posta da cui inviarlo",
        Reason.BROKEN: "un guasto nostro ne ha impedito l'invio",
        Reason.TOO_LATE: "non è stato possibile inviarlo in tempo",
    },
    MessageTemplate: {
        MessageTemplate.ALERT: "segnalazione del quadro in diretta",
        MessageTemplate.HOW_TO_PAY: "come pagare",
        MessageTemplate.ONE_TIME_CODE: "codice usa e getta",
        MessageTemplate.REPLY: "risposta a una richiesta",
        MessageTemplate.CALL_BACK: "conferma del richiamo",
        MessageTemplate.APPOINTMENT: "conferma dell'appuntamento",
        MessageTemplate.APPOINTMENT_REMINDER: "promemoria dell'appuntamento",
        MessageTemplate.APPOINTMENT_BOOKED: "appuntamento prenotato",
        MessageTemplate.APPOINTMENT_MOVED: "appuntamento spostato",
        MessageTemplate.APPOINTMENT_DOUBLE: "due appuntamenti a suo nome",
        MessageTemplate.APPOINTMENT_CANCELLED: "appuntamento annullato",
        MessageTemplate.WAITING_JOINED: "in lista d'attesa",
        MessageTemplate.WAITING_OFFER: "posto liberato",
        MessageTemplate.PLEASE_CALL: "invito a chiamare",
        MessageTemplate.CONVERSATION: "conversazione",
        MessageTemplate.CAMPAIGN: "campagna",
        MessageTemplate.SERVICE_DOWN: "servizio interrotto",
        MessageTemplate.SERVICE_BACK: "servizio di nuovo attivo",
        MessageTemplate.REPORT_READY: "avviso di una relazione pronta",
        MessageTemplate.CASE_OPENED: "numero di una richiesta",
        MessageTemplate.CASE_RESTS: "termini di una richiesta sospesi",
        MessageTemplate.CASE_GOES_ON: "termini di una richiesta ripresi",
        MessageTemplate.CASE_EXTENDED: "proroga di una richiesta",
        MessageTemplate.CASE_ANSWERED: "risposta pronta a una richiesta",
        MessageTemplate.CASE_REDIRECTED: "ufficio competente di una richiesta",
    },
}
