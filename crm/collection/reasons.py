"""Why a line is refused, in Italian sentences that say what to do."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

LONGEST = 400

LINE_TOO_LONG = "La riga supera 1 MB: un record sta in una riga ben più corta; controllare gli a capo."
TAXPAYER_AWAITED = (
    "In attesa: il contribuente {codice_fiscale} non è ancora noto. La riga sarà ripresa da sola quando arriva il suo "
    "record."
)
TAXPAYER_UNKNOWN = (
    "Contribuente {codice_fiscale} sconosciuto, e troppe righe attendono già il loro contribuente: "
    "trasmettere prima i contribuenti, poi di nuovo questa riga."
)
ERASED = (
    "Persona cancellata su sua richiesta: i suoi record non si importano finché chi gestisce i dati personali "
    "non la riammette."
)
AS_OF_IN_FUTURE = "«as_of» è nel futuro ({as_of}): correggere l'orologio o il fuso di chi produce il file."
END_NOT_LAST = "Il record «end» non è l'ultima riga del file: toglierlo, o togliere ciò che segue."
DATABASE_REFUSED = "La base dati non accetta questo record ({error}): segnalarlo a chi gestisce Filodiretto."
PHONE_LEFT_OUT = "telefono «{value}»: non è un numero valido"
EMAIL_LEFT_OUT = "indirizzo «{value}»: non è un indirizzo di posta valido"
OLD_NOTICE = "codice avviso {value}: è di un tipo anteriore al 3, privo di cifre di controllo verificabili"
TAKEN_WITHOUT = "Accettato con riserva: {parts}."

_SENTENCES = {
    "json_invalid": "La riga non è JSON valido: un record per riga, fra graffe, con le virgolette doppie.",
    "dict_type": "{field}: serve un oggetto JSON, fra graffe.",
    "model_type": "{field}: serve un oggetto JSON, fra graffe.",
    "union_tag_invalid": (
        "Tipo di record «{tag}» sconosciuto: sono ammessi taxpayer, position, document, withdrawal, totals, end."
    ),
    "union_tag_not_found": "Manca il campo «record»: deve dire taxpayer, position, document, withdrawal, totals o end.",
    "missing": "{field}: campo obbligatorio mancante.",
    "extra_forbidden": "{field}: campo sconosciuto in questa versione del formato; controllare il nome.",
    "string_type": "{field}: serve un testo fra virgolette.",
    "string_too_short": "{field}: è vuoto; scrivere il valore, o null se facoltativo.",
    "string_too_long": "{field}: troppo lungo, al massimo {max_length} caratteri.",
    "string_pattern_mismatch": "{field}: contiene caratteri di controllo o non ammessi; ripulire il testo.",
    "string_unicode": "{field}: contiene caratteri Unicode non validi; ripulire il testo.",
    "enum": "{field}: valore «{input}» non previsto; sono ammessi {expected}.",
    "literal_error": "{field}: valore «{input}» non previsto; è ammesso {expected}.",
    "bool_type": "{field}: serve true o false, senza virgolette.",
    "int_type": "{field}: serve un numero intero.",
    "int_from_float": "{field}: serve un numero intero.",
    "int_parsing_size": "{field}: numero fuori misura.",
    "list_type": "{field}: serve un elenco fra parentesi quadre.",
    "too_long": "{field}: troppi elementi, al massimo {max_length}.",
    "greater_than_equal": "{field}: fuori dai limiti, almeno {ge}.",
    "less_than_equal": "{field}: fuori dai limiti, al massimo {le}.",
    "day_bounds": "{field}: data «{text}» fuori dai limiti, fra il 1900 e il 2100.",
    "day": '{field}: data «{input}» non valida; si scrive anno-mese-giorno fra virgolette, "2024-09-03".',
    "datetime_type": "{field}: serve un istante fra virgolette, come 2024-09-03T06:00:00+02:00.",
    "datetime_parsing": "{field}: istante «{input}» non valido; si scrive come 2024-09-03T06:00:00+02:00.",
    "datetime_from_date_parsing": "{field}: istante «{input}» non valido; come 2024-09-03T06:00:00+02:00.",
    "timezone_aware": "{field}: manca il fuso orario; si scrive come 2024-09-03T06:00:00+02:00.",
    "instant_bounds": "{field}: istante «{text}» fuori dai limiti, fra il 1900 e il 2200.",
    "amount_form": "{field}: importo «{text}» non valido; si scrive in euro, come 812.50, con due decimali.",
    "amount_sign": "{field}: importo «{text}» negativo; gli importi sono positivi o zero.",
    "amount_size": "{field}: importo «{text}» oltre 99999999.99; va scritto in euro, non centesimi.",
    "name_missing": "{text}: manca; le persone hanno «surname», società ed enti «business_name».",
    "key_missing": "{text}: manca; dice che cosa non c'è più.",
    "domain": "{field}: {text}",
}
_KINDS = {"taxpayer", "position", "document", "withdrawal", "totals", "end"}
_OTHERWISE = "{field}: valore non valido; confrontarlo con la descrizione del formato."
_MORE = "{sentence} (e altri {count} errori)"


def explain(error: ValidationError) -> str:
    """The first thing wrong with a record, and how many more there are; at most 400 characters."""
    problems = error.errors(include_url=False)
    sentence = _sentence(problems[0])
    if len(problems) > 1:
        sentence = _MORE.format(sentence=sentence, count=len(problems) - 1)
    return _printable(sentence[:LONGEST])  # whatever the sender wrote is quoted in it, names of fields too


def _sentence(problem: ErrorDetails) -> str:
    context: Mapping[str, Any] = problem.get("ctx", {})
    template = _SENTENCES.get(problem["type"], _OTHERWISE)
    # The first step of a record's path is its type, which the sentence does not need.
    path = [str(step) for step in problem["loc"] if step not in _KINDS]
    values = {"field": ".".join(path) or "La riga", "input": _shown(problem["input"])}
    return template.format_map(_Given({**values, **context}))


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


class _Given(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"
