"""The words shown for the field's terms. Italian here, English in the catalogue."""

from enum import StrEnum

from crm.access.models import EventKind, Method, Role
from crm.audit.models import ReadingRule
from crm.collection.models import ReadingOutcome, SourceKind
from crm.collection.queries import Stage
from crm.collection.sources.breaker import Circuit
from crm.contacts.disclosure import Matter, RelationKind
from crm.contacts.mandates import Standing as MandateStanding
from crm.contacts.models import (
    AddressKind,
    Channel,
    Collected,
    ConditionKind,
    LastOutcome,
    Purpose,
    ReachKind,
    Source,
    Verification,
)
from crm.documents.models import DocumentKind
from crm.duplicates.likeness import Why
from crm.enti.consent import ClosureStanding
from crm.files.gate import Check, GateOutcome
from crm.files.models import Purpose as FilePurpose
from crm.follow_ups.models import FollowUpKind, FollowUpState
from crm.follow_ups.when import Day, Lateness
from crm.levels.formulas import Standing
from crm.positions.models import ActKind, NotificationState, PositionState, Tax
from crm.privacy.breaches import Standing as BreachStanding
from crm.privacy.holders import Fate
from crm.privacy.models import EndState, ErasureState, ExportState, Risk
from crm.proposals.lifecycle import State as ProposalState
from crm.proposals.subjects import Problem, ProposalKind, Subject
from crm.staff.models import ReplacementState, StaffChange
from crm.timeline.models import EntryKind
from telephony.agents.models import AgentState, PauseReason
from telephony.calls.choices import Disposition, Topic
from telephony.calls.models import Outcome, ProposedBy
from telephony.ivr.checks import Flaw
from telephony.ivr.definition import Exit, NodeKind
from telephony.ivr.languages import Language
from web.duplicates.comparison import Line

# By kind first: members of different kinds with one value are equal as strings.
WORDS: dict[type[StrEnum], dict[str, str]] = {
    Language: {Language.ITALIAN: "italiano", Language.ENGLISH: "inglese", Language.GERMAN: "tedesco"},
    Flaw: {
        Flaw.NO_START: "il percorso comincia da un passo che non c'è",
        Flaw.NO_OPERATOR: "il tasto zero deve portare a una coda",
        Flaw.LEADS_NOWHERE: "porta a un passo che non c'è",
        Flaw.NO_TEXT: "manca il testo",
        Flaw.UNKNOWN_NAME: "il testo nomina qualcosa che non si conosce",
        Flaw.NO_CHOICES: "il menu non ha scelte",
        Flaw.SAME_KEY: "il tasto è già di un'altra scelta",
        Flaw.OTHER_LANGUAGES: "le lingue proposte non sono quelle del percorso",
        Flaw.NO_QUEUE: "questa coda non c'è, o è di un altro contratto",
        Flaw.TOO_FEW_DIGITS: "il minimo di cifre supera il massimo",
        Flaw.NO_END: "da qui non si arriva mai a una coda né alla fine",
        Flaw.ENDLESS: "chi non fa nulla torna sempre qui: la chiamata non finirebbe mai",
        Flaw.UNREACHED: "nessuna strada porta qui",
    },
    NodeKind: {
        NodeKind.HOURS: "Orari",
        NodeKind.EMERGENCY: "Emergenze",
        NodeKind.MESSAGE: "Messaggio",
        NodeKind.MENU: "Menu",
        NodeKind.LANGUAGE: "Lingua",
        NodeKind.IDENTIFY: "Codice avviso",
        NodeKind.COLLECT: "Cifre",
        NodeKind.QUEUE: "Coda",
        NodeKind.GOODBYE: "Congedo",
    },
    Exit: {
        Exit.OPENED: "aperto",
        Exit.CLOSED: "chiuso",
        Exit.NEXT: "poi",
        Exit.OTHERWISE: "altrimenti",
        Exit.FULL: "se è piena",
        Exit.ZERO: "zero",
    },
    Role: {
        Role.AGENT: "operatore",
        Role.SUPERVISOR: "supervisore",
        Role.CAMPAIGN_MANAGER: "responsabile delle campagne",
        Role.FIELD_AGENT: "addetto alle visite",
        Role.DESK_CLERK: "addetto allo sportello",
        Role.ENTE_VIEWER: "ente, in sola lettura",
        Role.ENTE_APPROVER: "ente, con approvazione",
        Role.CONTRACT_SUPERVISOR: "supervisione del contratto",
        Role.ADMINISTRATOR: "amministratore",
    },
    ExportState: {
        ExportState.WAITING: "In preparazione",
        ExportState.READY: "Pronta",
        ExportState.TAKEN: "Scaricata",
        ExportState.EXPIRED: "Non ritirata in tempo",
        ExportState.STOPPED: "Ferma",
    },
    ErasureState: {
        ErasureState.WAITING: "In corso",
        ErasureState.DONE: "Cancellata",
        ErasureState.REFUSED: "Non eseguita",
        ErasureState.STOPPED: "Ferma",
    },
    EndState: {
        EndState.EXPORTING: "In preparazione",
        EndState.EXPORTED: "Da consegnare",
        EndState.HANDED_OVER: "Consegnata, da confermare",
        EndState.DELETING: "Cancellazione in corso",
        EndState.DONE: "Conclusa",
        EndState.WITHDRAWN: "Annullata",
        EndState.STOPPED: "Ferma",
    },
    Fate: {
        Fate.DELETED: "cancellate",
        Fate.ANONYMISED: "rese anonime",
        Fate.UNREADABLE: "rese illeggibili",
    },
    Risk: {
        Risk.UNKNOWN: "da valutare",
        Risk.UNLIKELY: "improbabile",
        Risk.RISK: "presente",
        Risk.HIGH: "elevato",
    },
    BreachStanding: {
        BreachStanding.TO_ASSESS: "Rischio da valutare",
        BreachStanding.TO_NOTIFY: "Da notificare al Garante",
        BreachStanding.LATE: "Oltre le 72 ore",
        BreachStanding.TO_COMMUNICATE: "Da comunicare alle persone",
        BreachStanding.DEALT_WITH: "Comunicazioni fatte",
        BreachStanding.CLOSED: "Chiusa",
    },
    ReadingRule: {
        ReadingRule.HOUR: "in un'ora",
        ReadingRule.DAY: "in un giorno",
        ReadingRule.UNUSUAL: "rispetto al solito",
    },
    Method: {
        Method.PASSWORD: "password",
        Method.CODE: "password e codice",
        Method.RECOVERY: "password e codice di riserva",
        Method.PROVIDER: "servizio di accesso",
    },
    EventKind: {
        EventKind.CREATED: "Utente creato",
        EventKind.EDITED: "Dati cambiati",
        EventKind.ENABLED: "Utente riattivato",
        EventKind.DISABLED: "Utente disattivato",
        EventKind.GRANTED: "Ruolo dato",
        EventKind.REVOKED: "Ruolo tolto",
        EventKind.LINK_MADE: "Link di accesso creato",
        EventKind.PASSWORD_SET: "Password scelta con il link",
        EventKind.PASSWORD_CHANGED: "Password cambiata",
        EventKind.SESSIONS_ENDED: "Sessioni chiuse",
        EventKind.SESSION_ENDED: "Sessione chiusa",
        EventKind.SECOND_FACTOR_SET: "Verifica in due passaggi attivata",
        EventKind.SECOND_FACTOR_RESET: "Verifica in due passaggi azzerata",
        EventKind.SECOND_FACTOR_TAKEN_OFF: "Verifica in due passaggi tolta",
        EventKind.RECOVERY_CODE_USED: "Entrato con un codice di riserva",
        EventKind.RECOVERY_CODES_RENEWED: "Codici di riserva rinnovati",
        EventKind.IDENTITY_LINKED: "Identità esterna collegata",
        EventKind.IDENTITY_UNLINKED: "Identità esterna scollegata",
        EventKind.REMOVED: "Allontanato dall'ente",
        EventKind.READMISSION_ASKED: "Riammissione chiesta all'ente",
        EventKind.READMITTED: "Riammesso dall'ente",
        EventKind.READMISSION_REFUSED: "Riammissione rifiutata dall'ente",
        EventKind.REPLACEMENT_ASKED: "Sostituzione chiesta dall'ente",
        EventKind.REPLACEMENT_WITHDRAWN: "Richiesta di sostituzione ritirata",
        EventKind.REPLACED: "Sostituito",
    },
    StaffChange: {
        StaffChange.JOINED: "Inizia",
        StaffChange.LEFT: "Finisce",
        StaffChange.CHANGED: "Dati cambiati",
        StaffChange.SUSPENDED: "Sospeso",
        StaffChange.RESUMED: "Riprende",
        StaffChange.REMOVED: "Allontanato dall'ente",
        StaffChange.READMITTED: "Riammesso dall'ente",
        StaffChange.REPLACED: "Sostituito",
    },
    ReplacementState: {
        ReplacementState.ASKED: "Chiesta",
        ReplacementState.DONE: "Sostituito",
        ReplacementState.WITHDRAWN: "Ritirata",
    },
    AgentState: {
        AgentState.OFFLINE: "Fuori servizio",
        AgentState.READY: "Pronto",
        AgentState.PAUSED: "In pausa",
        AgentState.RINGING: "Squilla",
        AgentState.TALKING: "In conversazione",
        AgentState.WRAP_UP: "Lavoro successivo",
    },
    PauseReason: {
        PauseReason.BREAK: "Pausa",
        PauseReason.MEETING: "Riunione",
        PauseReason.TRAINING: "Formazione",
        PauseReason.BACK_OFFICE: "Lavoro d'ufficio",
        PauseReason.MISSED_CALL: "Chiamata non risposta",
    },
    Standing: {
        Standing.UNKNOWN: "nessun dato",
        Standing.GOOD: "nei limiti",
        Standing.NEAR: "vicino al limite",
        Standing.BROKEN: "limite superato",
    },
    SourceKind: {
        SourceKind.FOLDER: "Cartella",
        SourceKind.HTTP: "HTTP",
    },
    ReadingOutcome: {
        ReadingOutcome.READ: "Letta",
        ReadingOutcome.NOTHING_NEW: "Nulla di nuovo",
        ReadingOutcome.FAILED: "Non riuscita",
        ReadingOutcome.REFUSED: "Rifiutata",
    },
    Circuit: {
        Circuit.CLOSED: "Risponde",
        Circuit.OPEN: "In pausa",
        Circuit.TRYING: "In prova",
    },
    Stage: {
        Stage.WAITING: "In attesa di lettura",
        Stage.EXAMINED: "In verifica",
        Stage.READING: "In lettura",
        Stage.INTERRUPTED: "Interrotto",
        Stage.LEFT: "Interrotto",
        Stage.HELD: "Attende una decisione",
        Stage.DONE: "Letto per intero",
        Stage.INCOMPLETE: "Incompleto",
        Stage.REFUSED: "Rifiutato",
        Stage.STOPPED: "Fermo",
    },
    ReachKind: {
        ReachKind.PHONE: "Telefono",
        ReachKind.EMAIL: "E-mail",
        ReachKind.PEC: "PEC",
        ReachKind.DIGITAL_DOMICILE: "Domicilio digitale",
    },
    AddressKind: {
        AddressKind.RESIDENCE: "Residenza",
        AddressKind.DOMICILE: "Domicilio",
        AddressKind.SEAT: "Sede",
    },
    Source: {
        Source.GESTIONALE: "gestionale",
        Source.TAXPAYER: "contribuente",
        Source.RELATED: "chi può parlare per lui",
        Source.ENTE: "ente",
        Source.ARCHIVE: "registro pubblico",
    },
    Verification: {
        Verification.UNVERIFIED: "da verificare",
        Verification.VERIFIED: "verificato",
        Verification.WRONG: "errato",
    },
    LastOutcome: {
        LastOutcome.REACHED: "raggiunto",
        LastOutcome.NO_ANSWER: "nessuna risposta",
        LastOutcome.WRONG_PERSON: "risponde un'altra persona",
        LastOutcome.UNREACHABLE: "irraggiungibile",
    },
    ConditionKind: {
        ConditionKind.DECEASED: "Deceduto",
        ConditionKind.CEASED: "Attività cessata",
        ConditionKind.INSOLVENT: "In procedura concorsuale",
    },
    RelationKind: {
        RelationKind.HEIR: "Erede",
        RelationKind.LEGAL_REPRESENTATIVE: "Legale rappresentante",
        RelationKind.GUARDIAN: "Genitore, tutore o amministratore di sostegno",
        RelationKind.PARTNER: "Socio",
        RelationKind.DELEGATE: "Delegato",
        RelationKind.ACCOUNTANT: "Commercialista",
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
    MandateStanding: {
        MandateStanding.TO_COME: "non ancora in vigore",
        MandateStanding.VALID: "in vigore",
        MandateStanding.ENDING: "in scadenza",
        MandateStanding.ENDED: "scaduto",
    },
    Channel: {
        Channel.PHONE: "telefono",
        Channel.SMS: "SMS",
        Channel.EMAIL: "e-mail",
        Channel.PEC: "PEC",
        Channel.LETTER: "lettera",
    },
    Purpose: {
        Purpose.DIGITAL_MESSAGES: "Comunicazioni per SMS ed e-mail",
        Purpose.SURVEY: "Sondaggi di soddisfazione",
        Purpose.RECORDING: "Registrazione delle chiamate",
    },
    Collected: {
        Collected.SPOKEN: "a voce",
        Collected.WRITTEN: "per iscritto",
        Collected.WEB: "sul sito",
    },
    FollowUpKind: {
        FollowUpKind.CALL_BACK: "Richiamare",
        FollowUpKind.SEND: "Inviare",
        FollowUpKind.CHECK: "Verificare",
        FollowUpKind.CASE: "Aprire una pratica",
        FollowUpKind.APPOINTMENT: "Fissare un appuntamento",
    },
    FollowUpState: {
        FollowUpState.OPEN: "Da fare",
        FollowUpState.DONE: "Fatto",
        FollowUpState.CANCELLED: "Annullato",
    },
    Day: {
        Day.TODAY: "Oggi",
        Day.TOMORROW: "Domani",
        Day.WEEK: "Fra una settimana",
        Day.CHOSEN: "Un altro giorno",
    },
    Lateness: {
        Lateness.OVERDUE: "In ritardo",
        Lateness.TODAY: "Oggi",
        Lateness.TOMORROW: "Domani",
        Lateness.SOON: "Nei prossimi sette giorni",
        Lateness.LATER: "Più avanti",
    },
    Why: {
        Why.NAME_AND_BIRTH: "stesso nome e stessa data di nascita",
        Why.NEAR_NAME_AND_BIRTH: "nome quasi uguale e stessa data di nascita",
        Why.SAME_PARTITA_IVA: "stessa partita IVA",
        Why.PARTITA_IVA_AS_CODE: "la partita IVA dell'uno è il codice fiscale dell'altro",
        Why.OMOCODIA: "codice fiscale uguale, salvo l'omocodia",
        Why.NEAR_CODE: "codice fiscale con un solo carattere diverso",
        Why.NAME_AND_PHONE: "stesso telefono",
    },
    Line: {
        Line.NAME: "Nome",
        Line.CODICE_FISCALE: "Codice fiscale",
        Line.PARTITA_IVA: "Partita IVA",
        Line.BORN_ON: "Data di nascita",
        Line.BIRTHPLACE: "Luogo di nascita",
        Line.ADDRESSES: "Indirizzi",
        Line.PHONES: "Telefoni",
        Line.MAIL: "E-mail e PEC",
        Line.AS_OF: "Dati al",
        Line.POSITIONS: "Posizioni",
        Line.CONTACTS: "Voci in cronologia",
    },
    Outcome: {
        Outcome.ANSWERED: "Risposta",
        Outcome.ABANDONED: "Abbandonata in attesa",
        Outcome.LEFT_IVR: "Chiusa nel menu",
        Outcome.CLOSED: "A centro chiuso",
    },
    ProposedBy: {
        ProposedBy.CALLER_NUMBER: "numero del chiamante",
        ProposedBy.NOTICE_NUMBER: "codice avviso digitato",
        ProposedBy.AGENT: "trovato con la ricerca",
    },
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
        NotificationState.NOT_SENT: "Non ancora spedita",
        NotificationState.SENT: "Spedita",
        NotificationState.NOTIFIED: "Notificata",
        NotificationState.FAILED: "Notifica non riuscita",
    },
    Topic: {
        Topic.INJUNCTION: "Ingiunzioni e avvisi",
        Topic.PRECAUTIONARY: "Fermi e ipoteche",
        Topic.INSTALMENTS: "Rateizzazione",
        Topic.RELIEF: "Sgravio e rimborso",
        Topic.SUSPENSION: "Sospensione",
        Topic.ANNULMENT: "Annullamento",
        Topic.REMINDER: "Solleciti",
        Topic.NOTIFICATION: "Notifica degli atti",
        Topic.PAYMENT: "Pagamenti",
        Topic.LITIGATION: "Contenzioso",
        Topic.APPOINTMENT: "Appuntamenti",
        Topic.FORMS: "Aiuto con i moduli",
        Topic.ACCESS: "Accesso agli atti",
        Topic.OTHER: "Altro",
    },
    Disposition: {
        Disposition.ANSWERED: "Informazione data",
        Disposition.WILL_PAY: "Dice che pagherà",
        Disposition.ALREADY_PAID: "Dice di aver già pagato",
        Disposition.REQUEST: "Presenterà una richiesta",
        Disposition.REDIRECTED: "Indirizzato all'ufficio competente",
        Disposition.WRONG_PERSON: "Non è la persona cercata",
        Disposition.DROPPED: "Linea caduta",
    },
    EntryKind: {
        EntryKind.CALL: "Chiamate",
        EntryKind.PROPOSAL: "Proposte",
        EntryKind.FOLLOW_UP: "Seguiti",
    },
    ProposalKind: {
        ProposalKind.CORRECTION: "Correzione",
        ProposalKind.NOTIFICATION_PROBLEM: "Problema di notifica",
    },
    Subject: {
        Subject.SURNAME: "Cognome",
        Subject.GIVEN_NAME: "Nome",
        Subject.BUSINESS_NAME: "Denominazione",
        Subject.BORN_ON: "Data di nascita",
        Subject.BIRTHPLACE: "Luogo di nascita",
        Subject.RESIDENCE: "Residenza",
        Subject.DOMICILE: "Domicilio",
        Subject.SEAT: "Sede",
        Subject.PHONE: "Telefono",
        Subject.EMAIL: "E-mail",
        Subject.PEC: "PEC",
        Subject.DIGITAL_DOMICILE: "Domicilio digitale",
        Subject.DECEASED_ON: "Data di morte",
        Subject.CEASED_ON: "Cessata attività",
    },
    Problem: {
        Problem.NEVER_RECEIVED: "Non l'ha mai ricevuto",
        Problem.MOVED: "Aveva cambiato indirizzo",
        Problem.WRONG_NAME: "Intestato alla persona sbagliata",
        Problem.DECEASED: "Intestato a una persona deceduta",
        Problem.TAKEN_BY_OTHERS: "Ritirato o rifiutato da altri",
        Problem.OTHER: "Altro",
    },
    ProposalState: {
        ProposalState.MADE: "Da decidere",
        ProposalState.APPROVED: "Accolta",
        ProposalState.REFUSED: "Non accolta",
        ProposalState.EXPORTED: "Inviata al gestionale",
        ProposalState.ACKNOWLEDGED: "Accettata dal gestionale",
        ProposalState.REJECTED: "Respinta dal gestionale",
        ProposalState.WITHDRAWN: "Ritirata",
    },
    ClosureStanding: {
        ClosureStanding.EMERGENCY: "Emergenza",
        ClosureStanding.PROPOSED: "Da approvare",
        ClosureStanding.APPROVED: "Approvata",
        ClosureStanding.REFUSED: "Non approvata",
        ClosureStanding.WITHDRAWN: "Ritirata",
    },
    GateOutcome: {
        GateOutcome.WRONG_PERSON: "Non è la persona",
        GateOutcome.WRONG_ANSWERS: "Risposte sbagliate",
        GateOutcome.REFUSED: "Non vuole rispondere",
    },
    FilePurpose: {
        FilePurpose.CALL: "Chiamata",
        FilePurpose.DESK: "È qui allo sportello",
        FilePurpose.VISIT: "Visita",
        FilePurpose.WRITTEN_REQUEST: "Richiesta scritta da trattare",
        FilePurpose.CASE_CHECK: "Verifica di una posizione",
        FilePurpose.QUALITY: "Controllo di qualità o reclamo",
        FilePurpose.ENTE_CONTROL: "Controllo dell'ente titolare",
        FilePurpose.OTHER: "Altro: scrivi perché",
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
}


def word_for(member: StrEnum) -> str:
    """The Italian word for a member; the catalogue has the others."""
    return WORDS[type(member)][member]
