"""Words shown. Messages of campaigns: their fields."""

from enum import StrEnum

from outbound.compliance.rules import Written
from outbound.messages.text import Field

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Written: {Written.SMS: "SMS", Written.EMAIL: "E-mail", Written.LETTER: "Lettere"},
    Field: {
        Field.NAME: "nome e cognome, o il nome dell'impresa",
        Field.ENTE: "il nome dell'ente",
        Field.LINE: "il numero da chiamare",
        Field.BOOKING: "dove si prenota un appuntamento",
        Field.REQUESTS: "dove si manda una richiesta o un reclamo",
        Field.SURVEY: "il link per rispondere all'indagine",
        Field.CODE: "il codice per rispondere con i tasti del telefono",
        Field.AMOUNT: "quanto deve in tutto",
        Field.NOTICES: "quanti avvisi ha da pagare",
        Field.NOTICE: "il numero dell'avviso più vecchio",
        Field.DUE: "la scadenza dell'avviso più vecchio",
    },
}
