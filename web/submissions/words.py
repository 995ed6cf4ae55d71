"""Words shown to whoever sent a request from the pages, and to whoever works it."""

from enum import StrEnum

from crm.cases.submissions.rules import Stage
from crm.cases.submissions.senders import By

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Stage: {
        Stage.RECEIVED: "L'abbiamo ricevuta: presto qualcuno se ne occupa.",
        Stage.WORKING: "Ce ne stiamo occupando.",
        Stage.PAPERS: "Aspettiamo da te dei documenti.",
        Stage.RESTS: "Siamo fermi: prima deve decidere o rispondere qualcun altro.",
        Stage.ANSWERED: "C'è la risposta.",
        Stage.REDIRECTED: "Se ne occupa un altro ufficio.",
        Stage.WITHDRAWN: "È stata ritirata.",
        Stage.CLOSED: "È chiusa.",
    },
    By: {
        By.CODE: "ha lo stesso codice fiscale",
        By.NUMBER: "ha scritto il numero di un suo avviso o atto",
        By.EMAIL: "l'e-mail è verificata come sua",
    },
}
