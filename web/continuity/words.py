"""Words shown. What stopped the service, and what became of backups."""

from enum import StrEnum

from crm.continuity.models import Cause, RemarkState, RunState
from crm.continuity.picture import State

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Cause: {
        Cause.EVERYTHING: "tutto il sistema fermo",
        Cause.DATABASE: "archivio dei dati non raggiungibile",
        Cause.PAGES: "pagine ferme",
        Cause.CARRIER: "gestore telefonico muto",
    },
    State: {
        State.GOOD: "in servizio",
        State.NOTICE: "in servizio, con un avviso",
        State.CARRIER: "telefono fermo",
        State.DOWN: "servizio interrotto",
        State.UNKNOWN: "non si sa",
    },
    RunState: {
        RunState.RUNNING: "in corso",
        RunState.DONE: "riuscito",
        RunState.FAILED: "non riuscito",
    },
    RemarkState: {
        RemarkState.ASKED: "chiesto",
        RemarkState.APPROVED: "accettato",
        RemarkState.REFUSED: "rifiutato",
    },
}
