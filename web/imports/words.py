"""Words shown. What comes from the collection system."""

from enum import StrEnum

from crm.collection.models import ReadingOutcome, SourceKind
from crm.collection.queries import Stage
from crm.collection.sources.breaker import Circuit

WORDS: dict[type[StrEnum], dict[str, str]] = {
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
}
