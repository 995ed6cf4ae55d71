"""Words shown. Calls, their recordings and how they went."""

from enum import StrEnum

from telephony.calls.choices import Disposition, Topic
from telephony.calls.models import Consent as RecordingConsent
from telephony.calls.models import Outcome, ProposedBy
from telephony.recording.models import HeardFor
from telephony.recording.models import Purpose as RecordingPurpose
from telephony.recording.standing import Standing as RecordingStanding
from telephony.sounds.models import Gone

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Outcome: {
        Outcome.ANSWERED: "Risposta",
        Outcome.ABANDONED: "Abbandonata in attesa",
        Outcome.SELF_SERVED: "Servita dal risponditore",
        Outcome.PUT_THROUGH: "Passata a un ufficio dal risponditore",
        Outcome.LEFT_IVR: "Chiusa nel menu",
        Outcome.CLOSED: "A centro chiuso",
        Outcome.TURNED_AWAY: "Non ammessa: coda piena",
        Outcome.NOT_REACHED: "Richiamata non riuscita",
    },
    RecordingConsent: {
        RecordingConsent.AGREED: "d'accordo a essere registrato",
        RecordingConsent.REFUSED: "non ha voluto essere registrato",
        RecordingConsent.SILENT: "non ha risposto: non registrato",
        RecordingConsent.WITHDRAWN: "ha cambiato idea: non si conserva nulla",
        RecordingConsent.VOID: "non si conserva nulla: l'accordo non valeva più",
    },
    RecordingStanding: {
        RecordingStanding.STARTING: "La registrazione sta per cominciare.",
        RecordingStanding.ON: "Si sta registrando.",
        RecordingStanding.LEAVING_OUT: "Aspetta: la registrazione si sta fermando…",
        RecordingStanding.LEFT_OUT: "Dato riservato: la registrazione è ferma.",
        RecordingStanding.HELD: "Ora non si registra: riprende con la conversazione.",
        RecordingStanding.FAILED: "Non si sta registrando: il gestore telefonico non ci riesce.",
        RecordingStanding.NOT_AGREED: "Il cittadino non è d'accordo: non si registra.",
        RecordingStanding.WITHDRAWN: "Il cittadino ha cambiato idea: non si registra e non si conserva nulla.",
        RecordingStanding.VOID: "Non si registra più, e non si conserva nulla.",
    },
    Gone: {
        Gone.EXPIRED: "scaduta",
        Gone.ERASED: "cancellata con la persona",
        Gone.NOT_AGREED: "non c'era più l'accordo",
        Gone.ABSENT: "il gestore telefonico non ha registrato nulla",
    },
    HeardFor: {
        HeardFor.COMPLAINT: "per un reclamo o una contestazione",
        HeardFor.REQUEST: "per una richiesta del contribuente, dell'ente o di un'autorità",
        HeardFor.WORK: "per valutare il lavoro di chi ha risposto",
    },
    RecordingPurpose: {
        RecordingPurpose.QUALITY: "controllare e migliorare il servizio",
        RecordingPurpose.EVIDENCE: "documentare ciò che viene detto",
    },
    ProposedBy: {
        ProposedBy.CALLER_NUMBER: "numero del chiamante",
        ProposedBy.NOTICE_NUMBER: "codice avviso digitato",
        ProposedBy.AGENT: "trovato con la ricerca",
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
        Topic.SELF_CORRECTION: "Autotutela e ravvedimento",
        Topic.MAIL: "Posta e PEC",
        Topic.COMPLAINT: "Reclamo o segnalazione",
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
}
