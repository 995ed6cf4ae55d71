"""Words shown. Proposals, and closures that enti approve."""

from enum import StrEnum

from crm.enti.consent import ClosureStanding
from crm.proposals.lifecycle import State as ProposalState
from crm.proposals.subjects import Decision, Problem, ProposalKind, Subject

WORDS: dict[type[StrEnum], dict[str, str]] = {
    ProposalKind: {
        ProposalKind.CORRECTION: "Correzione",
        ProposalKind.NOTIFICATION_PROBLEM: "Problema di notifica",
        ProposalKind.DECISION: "Decisione di una richiesta",
    },
    Decision: {
        Decision.INSTALMENTS: "Rateizzazione",
        Decision.RELIEF: "Sgravio",
        Decision.REFUND: "Rimborso",
        Decision.SUSPENSION: "Sospensione",
        Decision.ANNULMENT: "Annullamento",
        Decision.SELF_CORRECTION: "Autotutela",
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
}
