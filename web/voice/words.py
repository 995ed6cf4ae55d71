"""Words shown. Voice flows and lines."""

from enum import StrEnum

from telephony.appointments.state import Did
from telephony.ivr.checks import Flaw
from telephony.ivr.definition import Exit, NodeKind
from telephony.ivr.languages import Language
from telephony.lines.models import LineKind
from telephony.selfservice.dialogue import Want

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Language: {Language.ITALIAN: "italiano", Language.ENGLISH: "inglese", Language.GERMAN: "tedesco"},
    Flaw: {
        Flaw.NO_START: "il percorso comincia da un passo che non c'è",
        Flaw.NO_OPERATOR: "il tasto zero deve portare a una coda",
        Flaw.LEADS_NOWHERE: "porta a un passo che non c'è",
        Flaw.NO_TEXT: "manca il testo",
        Flaw.UNKNOWN_NAME: "il testo nomina qualcosa che non si conosce",
        Flaw.LOOSE_BRACE: "nel testo c'è una parentesi graffa aperta o chiusa per sbaglio: si scrive {ente}",
        Flaw.NO_CHOICES: "il menu non ha scelte",
        Flaw.ZERO_ASTRAY: "di giorno il tasto zero deve portare a una coda, al più dopo un messaggio",
        Flaw.SAME_KEY: "il tasto è già di un'altra scelta",
        Flaw.SAME_WORD: "detta a voce, questa parola varrebbe per due scelte",
        Flaw.OTHER_LANGUAGES: "le lingue proposte non sono quelle del percorso",
        Flaw.NO_FORM: "va scelto un questionario",
        Flaw.NO_NUMBER: "questo numero non è di un ufficio degli enti né dei nostri",
        Flaw.NO_QUEUE: "questa coda non c'è, o è di un altro contratto",
        Flaw.TOO_FEW_DIGITS: "il minimo di cifre supera il massimo",
        Flaw.NO_END: "da qui non si arriva mai a una coda né alla fine",
        Flaw.ENDLESS: "chi non fa nulla torna sempre qui: la chiamata non finirebbe mai",
        Flaw.QUEUE_AT_NIGHT: "chi trova chiuso aspetta in coda un operatore che non c'è",
        Flaw.NOTHING_BOOKABLE: "nessun servizio si prenota dal risponditore: nessuno si ferma qui",
        Flaw.UNREACHED: "nessuna strada porta qui",
    },
    NodeKind: {
        NodeKind.APPOINTMENT: "Appuntamento",
        NodeKind.CALLBACK: "Richiamata",
        NodeKind.HOURS: "Orari",
        NodeKind.EMERGENCY: "Emergenze",
        NodeKind.MESSAGE: "Messaggio",
        NodeKind.MENU: "Menu",
        NodeKind.LANGUAGE: "Lingua",
        NodeKind.IDENTIFY: "Codice avviso",
        NodeKind.COLLECT: "Cifre",
        NodeKind.QUEUE: "Coda",
        NodeKind.SELF_SERVICE: "Informazioni sull'avviso",
        NodeKind.SURVEY: "Soddisfazione",
        NodeKind.BADGE: "Tesserino",
        NodeKind.GOODBYE: "Congedo",
        NodeKind.TRANSFER: "Numero esterno",
        NodeKind.VOICEMAIL: "Segreteria",
        NodeKind.QUESTIONS: "Questionario",
    },
    Exit: {
        Exit.OPENED: "se è aperto",
        Exit.CLOSED: "se è chiuso",
        Exit.NEXT: "poi",
        Exit.OTHERWISE: "altrimenti",
        Exit.FULL: "se è piena",
        Exit.BUSY: "se è occupato",
        Exit.NOTHING: "se non c'è posto",
        Exit.ZERO: "zero",
    },
    Want: {
        Want.PIN: "PIN",
        Want.SEND_CODE: "invio del codice",
        Want.CODE: "codice via SMS",
        Want.PAPER: "ciò che è scritto sull'avviso",
        Want.WAYS: "come pagare",
        Want.DUE: "quanto c'è da pagare",
        Want.INSTALMENTS: "rate",
        Want.NOTIFICATION: "notifica",
        Want.LINK: "collegamento per pagare",
    },
    Did: {
        Did.BOOKED: "appuntamento prenotato",
        Did.TOLD: "il suo appuntamento",
        Did.CANCELLED: "appuntamento disdetto",
    },
    LineKind: {
        LineKind.FREEPHONE: "numero verde, da fisso",
        LineKind.GEOGRAPHIC: "a pagamento, da cellulare",
    },
}
