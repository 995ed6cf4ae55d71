"""Words shown. Batches of letters, letters, and what the post says of them."""

from enum import StrEnum

from outbound.letters.models import BatchState, LetterOutcome, LetterState, ReadingState
from outbound.letters.postage import Envelope

WORDS: dict[type[StrEnum], dict[str, str]] = {
    BatchState: {
        BatchState.MAKING: "in preparazione",
        BatchState.MADE: "pronto per la stampa",
        BatchState.HANDED_OVER: "consegnato a chi stampa",
        BatchState.CANCELLED: "annullato",
        BatchState.FAILED: "preparazione interrotta",
    },
    LetterState: {
        LetterState.COMPOSED: "in preparazione",
        LetterState.MADE: "pronta",
        LetterState.HANDED_OVER: "spedita",
        LetterState.DELIVERED: "consegnata",
        LetterState.RETURNED: "tornata indietro",
        LetterState.WITHDRAWN: "ritirata",
    },
    LetterOutcome: {
        LetterOutcome.DELIVERED: "consegnata",
        LetterOutcome.UNKNOWN: "destinatario sconosciuto",
        LetterOutcome.MOVED: "trasferito",
        LetterOutcome.INSUFFICIENT: "indirizzo insufficiente o inesistente",
        LetterOutcome.REFUSED: "rifiutata",
        LetterOutcome.UNCLAIMED: "compiuta giacenza",
        LetterOutcome.DECEASED: "sarebbe deceduto",
    },
    ReadingState: {
        ReadingState.CHECKED: "da confermare",
        ReadingState.APPLYING: "in corso",
        ReadingState.APPLIED: "confermato",
        ReadingState.DISCARDED: "scartato",
    },
    Envelope: {Envelope.DL: "DL", Envelope.C5: "C5", Envelope.C4: "C4"},
}
