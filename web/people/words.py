"""Words shown. Users and their roles."""

from enum import StrEnum

from crm.access.models import EventKind, Method, Role
from crm.staff.models import ReplacementState, StaffChange

WORDS: dict[type[StrEnum], dict[str, str]] = {
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
}
