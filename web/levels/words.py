"""Words shown. Service levels, and what callers think of it."""

from enum import StrEnum

from crm.levels.agreement import Period
from crm.levels.formulas import Standing
from crm.levels.frozen import Counted
from crm.levels.metering import Callers
from crm.levels.metrics import Each, Unit
from crm.levels.metrics import MetricName as N
from crm.levels.models import RemarkState
from crm.levels.terms import Denominator
from telephony.surveys.models import SurveyReason

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Standing: {
        Standing.UNKNOWN: "nessun dato",
        Standing.GOOD: "nei limiti",
        Standing.NEAR: "vicino al limite",
        Standing.BROKEN: "limite superato",
    },
    SurveyReason: {
        SurveyReason.WAIT: "attesa",
        SurveyReason.CLARITY: "chiarezza",
        SurveyReason.COURTESY: "cortesia",
        SurveyReason.SOLUTION: "soluzione del problema",
    },
    Period: {Period.MONTH: "mese", Period.QUARTER: "trimestre", Period.YEAR: "anno"},
    Callers: {Callers.LANDLINE: "da rete fissa", Callers.MOBILE: "da cellulare"},
    Each: {
        Each.CALL: "ogni chiamata oltre il limite",
        Each.DAY_LATE: "ogni giorno di ritardo",
        Each.DAY_OVER: "ogni giorno oltre quelli tollerati",
        Each.COMPLAINT: "ogni reclamo oltre il limite",
    },
    Denominator: {Denominator.RECEIVED: "le chiamate ricevute", Denominator.ENTERED: "le chiamate entrate in coda"},
    Counted: {
        Counted.RECEIVED: "chiamate ricevute",
        Counted.ENTERED: "chiamate entrate in coda",
        Counted.ANSWERED: "chiamate con risposta",
        Counted.LOST: "chiamate perse",
        Counted.WAITED_OVER: "attese oltre la soglia",
        Counted.WAIT_MS: "attesa di chi ha avuto risposta, in millisecondi",
        Counted.ANSWERED_WITHIN: "risposte entro T",
        Counted.ABANDONED: "abbandoni",
        Counted.ABANDONED_WITHIN: "abbandoni entro T",
        Counted.ABANDONED_SHORT: "abbandoni brevi",
        Counted.ABANDONED_WAIT_MS: "attesa di chi ha rinunciato, in millisecondi",
        Counted.HANDLED: "conversazioni finite",
        Counted.TALK_MS: "conversazione, in millisecondi",
        Counted.HOLD_MS: "messa in attesa, in millisecondi",
        Counted.WRAP_UP_MS: "lavoro dopo la chiamata, in millisecondi",
        Counted.BREACHES: "chiamate oltre un limite",
    },
    RemarkState: {
        RemarkState.NOTE: "nota",
        RemarkState.ASKED: "esclusione chiesta all'ente",
        RemarkState.APPROVED: "esclusa con l'accordo dell'ente",
        RemarkState.REFUSED: "esclusione rifiutata dall'ente",
        RemarkState.WITHDRAWN: "richiesta di esclusione ritirata",
    },
    Unit: {
        Unit.SHARE: "%",
        Unit.CONTACTS: "chiamate",
        Unit.PER_HOUR: "l'ora",
        Unit.SECONDS: "secondi",
        Unit.MINUTES: "minuti",
        Unit.HOURS: "ore",
        Unit.DAYS: "giorni",
        Unit.WORKING_DAYS: "giorni lavorativi",
    },
    N: {
        N.WAITING_OVER: "Chiamate che attendono oltre la soglia, sul totale",
        N.LOST: "Chiamate perse, sul totale",
        N.ANSWERED_WITHIN: "Livello di servizio (risposte entro T)",
        N.QUEUE_CAP: "Chiamate in coda nello stesso momento",
        N.LONGEST_WAIT: "Attesa in coda di ogni chiamata",
        N.AVAILABLE: "Minuti di servizio disponibile, sui minuti di servizio",
        N.OUTBOUND: "Chiamate in uscita per ora di lavoro",
        N.SATISFIED: "Persone soddisfatte (voto 4 o 5)",
        N.CLARITY: "Informazioni giudicate chiare",
        N.COMMUNICATIONS_CLEAR: "Comunicazioni giudicate chiare",
        N.COUNTER_WAIT: "Attesa allo sportello",
        N.COUNTER_HANDLING: "Durata media allo sportello",
        N.APPOINTMENT_LEAD: "Tempo per avere un appuntamento",
        N.EMAIL_REPLY: "Risposta alle e-mail",
        N.PEC_REPLY: "Risposta alle PEC",
        N.MEAN_MAIL_REPLY: "Risposta media a e-mail e PEC",
        N.CASE_INFORMATION: "Informazioni al comune su una pratica",
        N.LITIGATION_PAPERS: "Atti di un contenzioso al comune",
        N.COMPLAINT_REPLY: "Risposta ai reclami",
        N.COMPLAINTS: "Reclami sui contatti del front office",
        N.INFORMATION_REPLY: "Risposta alle richieste di informazioni",
        N.GENERIC_REQUEST: "Chiusura di una richiesta generica",
        N.EXTENSION_NOTICE: "Avviso di proroga per una richiesta complessa",
        N.INSTALMENT_DECIDED: "Decisione su una richiesta di rateizzazione",
        N.SELF_CORRECTION: "Risposta a una richiesta in autotutela",
        N.ADHESION_SUMMONS: "Invito al contraddittorio dopo un'istanza di adesione",
        N.APPEAL_FORWARDED: "Ricorso trasmesso all'ente",
        N.NOTIFICATION_SENT: "Invio di una notifica digitale",
        N.PAYMENT_REGISTERED: "Registrazione di un pagamento",
        N.INTERRUPTION: "Durata di un'interruzione",
        N.INCIDENT_NOTICE: "Avviso agli utenti di un guasto",
        N.INCIDENT_TAKEN: "Presa in carico di un guasto",
        N.DISASTER_RECOVERY: "Ripristino dopo un disastro",
        N.PORTAL_UPTIME: "Disponibilità del portale",
        N.DIGITAL_SIGN_IN: "Accessi riusciti con identità digitale",
        N.HOME_PAGE: "Caricamento della pagina iniziale",
        N.HANDLED_ONLINE: "Richieste gestite in rete",
    },
}
