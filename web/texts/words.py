"""Words shown. Conversations by SMS."""

from enum import StrEnum

from telephony.texts.models import Closed, ThreadState
from telephony.texts.phrases import Phrase

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Closed: {
        Closed.DONE: "conclusa",
        Closed.SILENT: "non ha più risposto",
        Closed.FULL: "non presa: troppi in attesa",
        Closed.STOPPED: "ha scritto STOP",
    },
    Phrase: {
        Phrase.GREETING: "Saluto, e chi è",
        Phrase.MOMENT: "Un momento",
        Phrase.DOCUMENT: "Numero del documento",
        Phrase.INFORMATION: "Informazioni generali",
        Phrase.FAREWELL: "Commiato",
    },
    ThreadState: {
        ThreadState.WAITING: "in attesa",
        ThreadState.OFFERED: "da prendere",
        ThreadState.OPEN: "in corso",
        ThreadState.IDLE: "in silenzio",
        ThreadState.CLOSED: "chiusa",
    },
}
