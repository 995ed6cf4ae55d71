"""Words shown. Taxpayers' files: positions, acts, documents, and who may hear of them."""

from enum import StrEnum

from crm.contacts.disclosure import Matter
from crm.documents.models import DocumentKind
from crm.files.gate import Check, GateOutcome
from crm.files.letters import LetterState
from crm.files.models import Interlocutor
from crm.files.models import Purpose as FilePurpose
from crm.positions.models import ActKind, NotificationChannel, NotificationState, PositionState, StepKind, Tax
from crm.timeline.models import EntryKind

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Tax: {
        Tax.TARI: "TARI",
        Tax.IMU: "IMU",
        Tax.CANONE_UNICO: "Canone unico",
        Tax.SANZIONI_CDS: "Codice della strada",
        Tax.SERVIZI_SCOLASTICI: "Servizi scolastici",
    },
    ActKind: {
        ActKind.AVVISO_PAGAMENTO: "Avviso di pagamento",
        ActKind.SOLLECITO: "Sollecito",
        ActKind.ACCERTAMENTO_ESECUTIVO: "Accertamento esecutivo",
        ActKind.INGIUNZIONE: "Ingiunzione",
    },
    PositionState: {
        PositionState.TO_PAY: "Da pagare",
        PositionState.OVERDUE: "Scaduta",
        PositionState.PARTLY_PAID: "Pagata in parte",
        PositionState.PAID: "Pagata",
        PositionState.IN_INSTALMENTS: "Rateizzata",
        PositionState.SUSPENDED: "Sospesa",
        PositionState.ANNULLED: "Annullata",
        PositionState.RELIEVED: "Sgravata",
        PositionState.FERMO: "Fermo amministrativo",
        PositionState.IPOTECA: "Ipoteca",
        PositionState.PIGNORAMENTO: "Pignoramento",
        PositionState.IN_LITIGATION: "In contenzioso",
        PositionState.INSOLVENCY: "Procedura concorsuale",
    },
    NotificationState: {
        NotificationState.NOT_SENT: "Da spedire",
        NotificationState.SENT: "Notifica in corso",
        NotificationState.NOTIFIED: "Notifica avvenuta",
        NotificationState.FAILED: "Notifica non riuscita",
    },
    NotificationChannel: {
        NotificationChannel.RACCOMANDATA: "raccomandata",
        NotificationChannel.ATTI_GIUDIZIARI: "raccomandata per atti giudiziari",
        NotificationChannel.MESSO: "messo notificatore",
        NotificationChannel.PEC: "PEC",
        NotificationChannel.SEND: "SEND",
        NotificationChannel.ORDINARY_MAIL: "posta ordinaria",
    },
    StepKind: {
        StepKind.REMINDER: "Sollecito",
        StepKind.INTIMATION: "Intimazione",
        StepKind.SUSPENSION: "Sospensione",
        StepKind.ANNULMENT: "Annullamento",
        StepKind.RELIEF: "Sgravio",
        StepKind.REFUND: "Rimborso",
        StepKind.FERMO_NOTICE: "Preavviso di fermo",
        StepKind.FERMO: "Fermo amministrativo",
        StepKind.IPOTECA_NOTICE: "Preavviso di ipoteca",
        StepKind.IPOTECA: "Ipoteca",
        StepKind.PIGNORAMENTO: "Pignoramento",
        StepKind.LITIGATION: "Contenzioso",
        StepKind.INSOLVENCY: "Procedura concorsuale",
    },
    DocumentKind: {
        DocumentKind.NOTICE: "Avviso",
        DocumentKind.ACT: "Atto",
        DocumentKind.NOTIFICATION_PROOF: "Prova di notifica",
        DocumentKind.RECEIPT: "Ricevuta",
        DocumentKind.PLEADING: "Atto di causa",
        DocumentKind.LETTER_SENT: "Lettera spedita",
        DocumentKind.LETTER_RECEIVED: "Lettera ricevuta",
        DocumentKind.OTHER: "Altro",
    },
    LetterState: {
        LetterState.HANDED_OVER: "consegnata a mano",
        LetterState.SENT: "spedita",
        LetterState.DELIVERED: "consegnata",
        LetterState.RETURNED: "tornata indietro",
    },
    EntryKind: {
        EntryKind.CALL: "Chiamate",
        EntryKind.PROPOSAL: "Proposte",
        EntryKind.FOLLOW_UP: "Attività",
        EntryKind.MESSAGE: "Messaggi",
        EntryKind.TEXT: "Conversazioni per SMS",
        EntryKind.APPOINTMENT: "Appuntamenti",
        EntryKind.VISIT: "Allo sportello",
        EntryKind.LETTER: "Lettere",
        EntryKind.PRACTICE: "Visite a domicilio",
        EntryKind.INTERVIEW: "Interviste",
        EntryKind.OUTCOME: "Esiti delle campagne",
        EntryKind.FIELD_VISIT: "Visite a domicilio",
        EntryKind.CASE: "Richieste",
        EntryKind.MAIL: "E-mail e PEC",
    },
    FilePurpose: {
        FilePurpose.CALL: "Chiamata",
        FilePurpose.TEXT: "Conversazione per SMS",
        FilePurpose.DESK: "È qui allo sportello",
        FilePurpose.VISIT: "Visita",
        FilePurpose.WRITTEN_REQUEST: "Richiesta scritta da trattare",
        FilePurpose.CASE_CHECK: "Verifica di una posizione",
        FilePurpose.QUALITY: "Controllo di qualità o reclamo",
        FilePurpose.ENTE_CONTROL: "Controllo dell'ente titolare",
        FilePurpose.OTHER: "Altro: scrivi perché",
    },
    GateOutcome: {
        GateOutcome.WRONG_PERSON: "Non è la persona",
        GateOutcome.WRONG_ANSWERS: "Risposte sbagliate",
        GateOutcome.REFUSED: "Non vuole rispondere",
    },
    Check: {
        Check.NAME: "Nome e cognome",
        Check.BORN: "Data di nascita",
        Check.ADDRESS: "Indirizzo",
        Check.CODICE_FISCALE: "Codice fiscale",
        Check.ACT: "Numero di avviso o di atto",
        Check.OTHER: "Niente di ciò che è nel fascicolo",
    },
    Matter: {
        Matter.PROCEDURE: "Informazioni generali",
        Matter.AMOUNTS: "Importi",
        Matter.ACTS: "Atti",
        Matter.PAYMENTS: "Pagamenti",
        Matter.PLANS: "Rate",
        Matter.DOCUMENTS: "Documenti",
        Matter.CONTACT_DATA: "Recapiti",
    },
    Interlocutor: {
        Interlocutor.TAXPAYER: "il contribuente",
        Interlocutor.RELATED: "chi agisce per lui",
        Interlocutor.NOBODY: "nessuno in ascolto",
    },
}
