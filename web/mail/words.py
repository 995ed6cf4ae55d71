"""Words shown. Mailboxes."""

from enum import StrEnum

from crm.documents.models import Scan
from telephony.mail.automatic import Nature
from telephony.mail.certified import PecKind
from telephony.mail.copies import Lost
from telephony.mail.kinds import FileKind
from telephony.mail.models import Auth, MailboxKind, Matched, ThreadState, Tls, Trouble
from telephony.mail.queries import Folder
from telephony.mail.signed import Proof
from telephony.mail.story import Way
from web.mail.holes import NotFilled

WORDS: dict[type[StrEnum], dict[str, str]] = {
    NotFilled: {
        NotFilled.NOT_KNOWN: "non è sicuro chi scrive", NotFilled.NOT_VERIFIED: "l'indirizzo non è verificato come suo",
        NotFilled.NOT_OPEN: "il suo fascicolo non è aperto: aprilo, poi ricarica questa pagina",
        NotFilled.NOTHING_OWED: "non risulta niente da pagare", NotFilled.NO_CASE: "non c'è una richiesta",
        NotFilled.NO_MAIL: "questa è una lettera, e non una conversazione",
    },
    Folder: {
        Folder.OPEN: "Da rispondere", Folder.MINE: "Affidate a me", Folder.ANSWERED: "Risposte date",
        Folder.ASIDE: "Messaggi automatici", Folder.CLOSED: "Chiuse",
    },
    ThreadState: {
        ThreadState.OPEN: "Da rispondere", ThreadState.ANSWERED: "Risposta data",
        ThreadState.ASIDE: "Automatico", ThreadState.CLOSED: "Chiusa",
    },
    Lost: {Lost.REFUSED: "rifiutata dal server", Lost.NOT_DELIVERED: "non consegnata"},
    Way: {Way.IN: "Ricevuta", Way.OUT: "Inviata"},
    MailboxKind: {MailboxKind.EMAIL: "E-mail", MailboxKind.PEC: "PEC"},
    Tls: {Tls.TLS: "TLS", Tls.STARTTLS: "STARTTLS", Tls.NONE: "Nessuna (solo su questa macchina)"},
    Auth: {Auth.PASSWORD: "Con la password", Auth.OAUTH2: "Con OAuth2"},
    Trouble: {
        Trouble.AWAY: "Il server non risponde: controlla nome e porta",
        Trouble.INSECURE: "La connessione non è sicura: controlla la cifratura e il certificato del server",
        Trouble.CREDENTIALS: "Utente o password non sono accettati",
        Trouble.TOKEN: "L'autorizzazione OAuth2 è scaduta o revocata: genera un nuovo token di aggiornamento e salvalo",
        Trouble.NO_FOLDER: "La cartella non c'è",
        Trouble.REFUSED: "Il server rifiuta ciò che gli si chiede",
        Trouble.STORE: "I messaggi non si possono conservare qui: avvisa chi gestisce il sistema",
    },
    Matched: {
        Matched.VERIFIED: "indirizzo verificato", Matched.PROPOSED: "indirizzo della sua scheda, non verificato",
        Matched.AGENT: "indicato da un operatore",
    },
    Nature: {
        Nature.PERSON: "Scritto da una persona", Nature.AUTOMATIC: "Risposta automatica",
        Nature.BOUNCE: "Mancato recapito", Nature.LIST: "Invio a molti", Nature.LOOP: "Messaggio nostro tornato qui",
        Nature.RECEIPT: "Ricevuta PEC",
    },
    PecKind: {
        PecKind.TRANSPORT: "Messaggio PEC", PecKind.ANOMALY: "Anomalia: il mittente non è una PEC",
        PecKind.ACCEPTED: "Accettata dal gestore", PecKind.NOT_ACCEPTED: "Non accettata dal gestore",
        PecKind.TAKEN: "Presa in carico", PecKind.DELIVERED: "Consegnata",
        PecKind.NOT_DELIVERED: "Non consegnata", PecKind.WARNED: "Non ancora consegnata dopo 12 ore",
        PecKind.VIRUS: "Fermata: contiene un virus",
    },
    Proof: {
        Proof.UNSIGNED: "Senza firma del gestore: può essere falsa",
        Proof.UNCHECKED: "Firma del gestore non verificata",
        Proof.UNTRUSTED: "Firmata da chi non è un gestore riconosciuto: può essere falsa",
        Proof.BROKEN: "La firma non corrisponde: può essere falsa", Proof.VALID: "Firma del gestore verificata",
    },
    FileKind: {
        FileKind.PDF: "PDF", FileKind.IMAGE: "immagine", FileKind.DOCUMENT: "documento",
        FileKind.SIGNED: "file firmato", FileKind.ARCHIVE: "archivio", FileKind.MESSAGE: "e-mail",
        FileKind.TEXT: "testo", FileKind.MARKUP: "pagina web", FileKind.PROGRAM: "programma", FileKind.OTHER: "altro",
    },
    Scan: {
        Scan.NOT_SCANNED: "virus non cercati", Scan.FAILED: "l'antivirus non ha risposto",
        Scan.TOO_LARGE: "troppo grande per l'antivirus: virus non cercati",
        Scan.CLEAN: "nessun virus trovato", Scan.INFECTED: "contiene un virus",
    },
}  # fmt: skip
