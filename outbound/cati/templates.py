"""Forms to begin from. Their source is here, row by row; the Excel file is made of it when somebody asks."""

import io
from functools import lru_cache

import xlsxwriter

IT, EN = "label::Italiano (it)", "label::English (en)"
HINT_IT, HINT_EN = "guidance_hint::Italiano (it)", "guidance_hint::English (en)"
WRONG_IT, WRONG_EN = "constraint_message::Italiano (it)", "constraint_message::English (en)"

Rows = tuple[dict[str, str], ...]

SATISFACTION: dict[str, Rows] = {
    "survey": (
        {"type": "note", "name": "intro", IT: "Buongiorno, chiamo per conto del Comune. Le chiedo due minuti sul"
         " servizio che ha ricevuto. Le sue risposte servono solo a migliorarlo.", EN: "Good morning, I am calling on"
         " behalf of the municipality. May I ask you, for two minutes, about the service that you received? Your"
         " answers only serve to improve it.",
         HINT_IT: "Di' il tuo nome e quello del Comune. Non dire a nessun altro di che cosa si tratta.",
         HINT_EN: "Say your name and the municipality's. Tell nobody else what it is about."},
        {"type": "select_one consent", "name": "consent", IT: "Posso farle qualche domanda?", EN: "May I ask you a few"
         " questions?", "required": "yes"},
        {"type": "begin group", "name": "service", IT: "Il servizio", EN: "The service",
         "relevant": "${consent} = 'yes'"},
        {"type": "select_one channel", "name": "channel", IT: "Come ci ha contattato l'ultima volta?",
         EN: "How did you last get in touch with us?", "required": "yes"},
        {"type": "select_one mark", "name": "overall", IT: "Da 1 a 5, quanto è soddisfatto del servizio in tutto?",
         EN: "From 1 to 5, how satisfied are you with the service as a whole?", "required": "yes"},
        {"type": "select_one mark", "name": "wait", IT: "E del tempo di attesa?", EN: "And with the wait?",
         "required": "yes", "relevant": "${channel} != 'web'"},
        {"type": "select_one mark", "name": "courtesy", IT: "E della cortesia di chi le ha risposto?",
         EN: "And with the courtesy of whoever served you?", "required": "yes", "relevant": "${channel} != 'web'"},
        {"type": "select_one mark", "name": "clarity", IT: "E della chiarezza delle informazioni?",
         EN: "And with how clear the information was?", "required": "yes"},
        {"type": "select_one solved", "name": "solved", IT: "La sua richiesta è stata risolta?",
         EN: "Was your request settled?", "required": "yes"},
        {"type": "integer", "name": "times", IT: "Quante volte ha dovuto contattarci per la stessa cosa?",
         EN: "How many times did you have to contact us about the same matter?", "constraint": ". >= 1 and . <= 50",
         WRONG_IT: "Da 1 a 50.", WRONG_EN: "From 1 to 50.", "relevant": "${solved} != 'not_yet'"},
        {"type": "select_multiple trouble", "name": "trouble", IT: "Che cosa non è andato bene?",
         EN: "What went wrong?",
         "relevant": "${overall} < 4", "parameters": "randomize=true", "constraint": "not(selected(., 'nothing'))"
         " or count-selected(.) = 1", WRONG_IT: "«Niente» esclude le altre risposte.",
         WRONG_EN: "“Nothing” excludes the other answers."},
        {"type": "text", "name": "advice", IT: "Che cosa potremmo fare meglio?", EN: "What could we do better?",
         "appearance": "multiline", HINT_IT: "Scrivi le sue parole, senza nomi né importi.",
         HINT_EN: "Write down the words, without names or amounts."},
        {"type": "end group"},
        {"type": "note", "name": "thanks", IT: "La ringrazio, buona giornata.", EN: "Thank you, have a good day."},
    ),
    "choices": (
        {"list_name": "consent", "name": "yes", IT: "Sì", EN: "Yes"},
        {"list_name": "consent", "name": "no", IT: "No", EN: "No"},
        {"list_name": "channel", "name": "phone", IT: "Per telefono", EN: "By telephone"},
        {"list_name": "channel", "name": "desk", IT: "Allo sportello", EN: "At the desk"},
        {"list_name": "channel", "name": "mail", IT: "Per posta o e-mail", EN: "By letter or e-mail"},
        {"list_name": "channel", "name": "web", IT: "Sul sito", EN: "On the website"},
        {"list_name": "mark", "name": "1", IT: "Per niente (1)", EN: "Not at all (1)"},
        {"list_name": "mark", "name": "2", IT: "Poco (2)", EN: "Little (2)"},
        {"list_name": "mark", "name": "3", IT: "Abbastanza (3)", EN: "Fairly (3)"},
        {"list_name": "mark", "name": "4", IT: "Molto (4)", EN: "Very (4)"},
        {"list_name": "mark", "name": "5", IT: "Del tutto (5)", EN: "Entirely (5)"},
        {"list_name": "solved", "name": "yes", IT: "Sì", EN: "Yes"},
        {"list_name": "solved", "name": "partly", IT: "In parte", EN: "In part"},
        {"list_name": "solved", "name": "no", IT: "No", EN: "No"},
        {"list_name": "solved", "name": "not_yet", IT: "È ancora in corso", EN: "It is still under way"},
        {"list_name": "trouble", "name": "wait", IT: "L'attesa", EN: "The wait"},
        {"list_name": "trouble", "name": "words", IT: "Spiegazioni poco chiare", EN: "Unclear explanations"},
        {"list_name": "trouble", "name": "hours", IT: "Gli orari", EN: "The opening hours"},
        {"list_name": "trouble", "name": "repeat", IT: "Ho dovuto ripetere tutto", EN: "I had to say everything again"},
        {"list_name": "trouble", "name": "nothing", IT: "Niente di particolare", EN: "Nothing in particular"},
    ),
    "settings": (
        {"form_title": "Indagine di soddisfazione", "form_id": "satisfaction", "default_language": "Italiano (it)"},
    ),
}  # fmt: skip
_NOT_BY_KEYS = {"intro", "trouble", "advice"}  # what an interviewer says of himself, what one thinks over, words
_INTRO = {
    "type": "note", "name": "intro", IT: "Questo è un breve questionario sul servizio del Comune. Le sue risposte"
    " servono solo a migliorarlo.", EN: "This is a short questionnaire about the service of the municipality. Your"
    " answers only serve to improve it.",
}  # fmt: skip
SATISFACTION_KEYS: dict[str, Rows] = {
    "survey": (_INTRO, *(row for row in SATISFACTION["survey"] if row.get("name") not in _NOT_BY_KEYS)),
    "choices": tuple(row for row in SATISFACTION["choices"] if row["list_name"] != "trouble"),
    "settings": (
        {"form_title": "Soddisfazione, breve", "form_id": "satisfaction_keys", "default_language": "Italiano (it)"},
    ),
}
TEMPLATES = {"satisfaction": SATISFACTION, "satisfaction_keys": SATISFACTION_KEYS}


@lru_cache(maxsize=len(TEMPLATES))
def template(name: str) -> bytes:
    """The Excel file of a form. Raises `KeyError` for one that there is not."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False})
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    for title, rows in TEMPLATES[name].items():
        sheet = book.add_worksheet(title)
        headers = list(dict.fromkeys(key for row in rows for key in row))
        sheet.set_column(0, len(headers) - 1, 28, wrapped)
        sheet.freeze_panes(1, 2)
        for column, header in enumerate(headers):
            sheet.write_string(0, column, header, bold)
            for index, row in enumerate(rows, 1):
                if text := row.get(header):
                    sheet.write_string(index, column, text)
    book.close()
    return buffer.getvalue()
