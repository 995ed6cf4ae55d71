"""Words shown. What may be watched, under which agreement, and why something is locked."""

from enum import StrEnum

from crm.monitoring.errors import SAID
from crm.monitoring.lock import AgreementKind, Lock, Use

WORDS: dict[type[StrEnum], dict[str, str]] = {
    AgreementKind: {
        AgreementKind.UNION: "Accordo sindacale",
        AgreementKind.INSPECTORATE: "Autorizzazione dell'Ispettorato del lavoro",
    },
    Use: {
        Use.LISTENING: "Ascoltare le conversazioni in corso, suggerire, partecipare",
        Use.RECORDINGS: "Riascoltare le conversazioni registrate per valutare il lavoro",
        Use.SCORES: "Dare un punteggio alle singole conversazioni e conservarlo",
        Use.FIGURES: "Vedere tempi, stati e dati dei singoli operatori",
    },
    Lock: {one: SAID[one] for one in Lock},
}
