"""Words shown. Data protection."""

from enum import StrEnum

from crm.audit.models import ReadingRule
from crm.privacy.breaches import Standing as BreachStanding
from crm.privacy.holders import Fate
from crm.privacy.models import EndState, ErasureState, ExportState, Risk

WORDS: dict[type[StrEnum], dict[str, str]] = {
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
        Fate.DELETED: "righe cancellate",
        Fate.ANONYMISED: "righe rese anonime",
        Fate.UNREADABLE: "righe rese illeggibili",
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
        ReadingRule.SEARCHES: "in un'ora",
    },
}
