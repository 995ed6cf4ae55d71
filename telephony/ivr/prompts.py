"""What is spoken to callers beside a flow's own texts, in plain words and in each language.

Nothing here says whether anybody owes anything.
"""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

from babel.dates import format_date

from crm.core.clock import in_rome
from crm.enti.calendar import ClosedBecause, Opening
from telephony.ivr.languages import Language
from telephony.recording.models import Purpose

IT, EN, DE = Language.ITALIAN, Language.ENGLISH, Language.GERMAN


class Sentence(StrEnum):
    """A sentence without figures."""

    OPERATOR = "operator"
    OPERATOR_LAST = "operator_last"
    NOBODY_ANSWERS = "nobody_answers"
    NOT_A_CHOICE = "not_a_choice"
    NOTHING_HEARD = "nothing_heard"
    ASK_NOTICE = "ask_notice"
    NO_NOTICE = "no_notice"
    NOTICE_WRONG = "notice_wrong"
    NOTICE_UNKNOWN = "notice_unknown"
    TOO_FEW = "too_few"
    NEVER_MIND = "never_mind"
    NOT_IN_USE = "not_in_use"
    CUT_OFF = "cut_off"
    PASSED_ON = "passed_on"
    NOBODY_OUTSIDE = "nobody_outside"  # where an operator passed him on to
    NEXT = "next"
    CALL_LATER = "call_later"
    CALLBACK_OFFER = "callback_offer"
    CALLBACK_KEY_IN = "callback_key_in"
    CALLBACK_NOT = "callback_not"
    CALLBACK_NOT_BY_DIGITS = "callback_not_by_digits"
    OPERATOR_BY_DIGITS = "operator_by_digits"
    CALLBACK_WRONG = "callback_wrong"
    CALLBACK_AGREED = "callback_agreed"
    CALLBACK_KNOWN = "callback_known"
    VOICEMAIL_SPEAK = "voicemail_speak"
    SURVEY_SCORE = "survey_score"
    SURVEY_REASON = "survey_reason"
    SURVEY_THANKS = "survey_thanks"
    RECORDED = "recorded"
    NOT_RECORDED = "not_recorded"
    THANKS = "thanks"
    ASK_BADGE = "ask_badge"
    BADGE_INVALID = "badge_invalid"
    GOODBYE = "goodbye"
    OUT_OF_ORDER = "out_of_order"
    PUT_THROUGH = "put_through"
    NOBODY_THERE = "nobody_there"


_SENTENCES: dict[Sentence, dict[Language, str]] = {
    Sentence.PUT_THROUGH: {
        IT: "La metto in contatto con l'ufficio competente.",
        EN: "I am putting you through to the office in charge.",
        DE: "Ich verbinde Sie mit dem zuständigen Amt.",
    },
    Sentence.NOBODY_THERE: {
        IT: "In questo momento non rispondono.",
        EN: "There is no answer at the moment.",
        DE: "Im Augenblick antwortet dort niemand.",
    },
    Sentence.OPERATOR: {
        IT: "La metto in contatto con un operatore.",
        EN: "I am putting you through to an operator.",
        DE: "Ich verbinde Sie mit einer Mitarbeiterin oder einem Mitarbeiter.",
    },
    Sentence.OPERATOR_LAST: {
        IT: "Per parlare con un operatore, prema zero.",
        EN: "To speak to an operator, press zero.",
        DE: "Um mit jemandem zu sprechen, drücken Sie die Null.",
    },
    Sentence.NOBODY_ANSWERS: {
        IT: "Adesso nessun operatore può rispondere.",
        EN: "No operator can answer now.",
        DE: "Jetzt kann niemand von uns antworten.",
    },
    Sentence.NOT_A_CHOICE: {
        IT: "Questa scelta non esiste.",
        EN: "There is no such choice.",
        DE: "Diese Auswahl gibt es nicht.",
    },
    Sentence.NOTHING_HEARD: {
        IT: "Non ho ricevuto la sua scelta.",
        EN: "I did not receive your choice.",
        DE: "Ich habe Ihre Auswahl nicht erhalten.",
    },
    Sentence.ASK_NOTICE: {
        IT: "Digiti le diciotto cifre del codice avviso, che trova accanto al riquadro per pagare, e poi il tasto "
        "cancelletto.",
        EN: "Key in the eighteen digits of the notice code, which is printed beside the payment box, and then the "
        "hash key.",
        DE: "Geben Sie die achtzehn Ziffern des Zahlungscodes ein, der neben dem Zahlungsfeld steht, und dann die "
        "Rautetaste.",
    },
    Sentence.NO_NOTICE: {
        IT: "Se non lo ha con sé, prema zero e poi cancelletto.",
        EN: "If you do not have it with you, press zero and then hash.",
        DE: "Wenn Sie ihn nicht zur Hand haben, drücken Sie die Null und dann die Rautetaste.",
    },
    Sentence.NOTICE_WRONG: {
        IT: "Il codice avviso non è corretto: controlli le cifre, per favore.",
        EN: "The notice code is not correct: please check the digits.",
        DE: "Der Zahlungscode ist nicht richtig: Bitte prüfen Sie die Ziffern.",
    },
    Sentence.NOTICE_UNKNOWN: {
        IT: "Non troviamo questo codice avviso.",
        EN: "We cannot find this notice code.",
        DE: "Diesen Zahlungscode finden wir nicht.",
    },
    Sentence.TOO_FEW: {
        IT: "Le cifre non sono tutte: riprovi, per favore.",
        EN: "Some digits are missing: please try again.",
        DE: "Es fehlen Ziffern: Bitte versuchen Sie es noch einmal.",
    },
    Sentence.NEVER_MIND: {
        IT: "Non importa.",
        EN: "Never mind.",
        DE: "Das macht nichts.",
    },
    Sentence.NOT_IN_USE: {
        IT: "Il numero chiamato non è attivo.",
        EN: "The number you have called is not in use.",
        DE: "Die gewählte Nummer ist nicht vergeben.",
    },
    Sentence.CUT_OFF: {
        IT: "La comunicazione con l'operatore si è interrotta. Resti in linea: conserva il suo posto, per primo.",
        EN: "The connection with the operator was lost. Stay on the line: you keep your place, and are the next.",
        DE: "Die Verbindung ist abgebrochen. Bleiben Sie am Apparat: Sie behalten Ihren Platz und sind als Nächstes "
        "an der Reihe.",
    },
    Sentence.PASSED_ON: {
        IT: "La passo a un collega. Resti in linea, per favore: non deve ripetere nulla.",
        EN: "I am putting you through to a colleague. Please stay on the line: you need not repeat anything.",
        DE: "Ich verbinde Sie weiter. Bitte bleiben Sie am Apparat: Sie müssen nichts wiederholen.",
    },
    Sentence.NOBODY_OUTSIDE: {
        IT: "Lì non ha risposto nessuno. Resti in linea: è il prossimo, e non deve ripetere nulla.",
        EN: "Nobody answered there. Stay on the line: you are the next, and need not repeat anything.",
        DE: "Dort hat sich niemand gemeldet. Bleiben Sie am Apparat: Sie sind als Nächstes an der Reihe und müssen "
        "nichts wiederholen.",
    },
    Sentence.NEXT: {
        IT: "Lei è il prossimo: le risponderemo appena un operatore si libera.",
        EN: "You are the next: we will answer as soon as an operator is free.",
        DE: "Sie sind als Nächstes an der Reihe: Wir melden uns, sobald jemand frei ist.",
    },
    Sentence.CALL_LATER: {
        IT: "La preghiamo di richiamare più tardi. Arrivederci.",
        EN: "Please call again later. Goodbye.",
        DE: "Bitte rufen Sie später noch einmal an. Auf Wiederhören.",
    },
    Sentence.CALLBACK_OFFER: {
        IT: "Se preferisce, la richiamiamo noi e conserva il suo posto: prema uno.",
        EN: "If you prefer, we will call you back and you keep your place: press one.",
        DE: "Auf Wunsch rufen wir Sie zurück und Sie behalten Ihren Platz: Drücken Sie die Eins.",
    },
    Sentence.CALLBACK_KEY_IN: {
        IT: "Digiti il numero a cui vuole essere richiamato, e poi il tasto cancelletto.",
        EN: "Key in the number at which you want to be called back, and then the hash key.",
        DE: "Geben Sie die Nummer ein, unter der wir Sie zurückrufen sollen, und dann die Rautetaste.",
    },
    Sentence.CALLBACK_NOT_BY_DIGITS: {
        IT: "Per rinunciare, prema zero e cancelletto.",
        EN: "If you do not, press zero and hash.",
        DE: "Wenn Sie das nicht möchten, drücken Sie Null und Raute.",
    },
    Sentence.OPERATOR_BY_DIGITS: {
        IT: "Per parlare con un operatore, prema zero e poi cancelletto.",
        EN: "To speak to an operator, press zero and then hash.",
        DE: "Um mit jemandem zu sprechen, drücken Sie die Null und dann die Rautetaste.",
    },
    Sentence.CALLBACK_NOT: {
        IT: "Per rinunciare, prema zero.",
        EN: "If you change your mind, press zero.",
        DE: "Wenn Sie das nicht möchten, drücken Sie die Null.",
    },
    Sentence.CALLBACK_WRONG: {
        IT: "A questo numero non possiamo chiamare: digiti un numero italiano di rete fissa o un cellulare.",
        EN: "We cannot call this number: key in an Italian landline or mobile number.",
        DE: "Diese Nummer können wir nicht anrufen: Geben Sie eine italienische Festnetz- oder Handynummer ein.",
    },
    Sentence.CALLBACK_AGREED: {
        IT: "Va bene: la richiamiamo noi quando è il suo turno. Arrivederci.",
        EN: "All right: we will call you when it is your turn. Goodbye.",
        DE: "In Ordnung: Wir rufen Sie an, wenn Sie an der Reihe sind. Auf Wiederhören.",
    },
    Sentence.CALLBACK_KNOWN: {
        IT: "Abbiamo già la sua richiesta: la richiamiamo a questo numero quando è il suo turno. Arrivederci.",
        EN: "We already have your request: we will call you at this number when it is your turn. Goodbye.",
        DE: "Ihr Wunsch liegt uns schon vor: Wir rufen Sie unter dieser Nummer an, wenn Sie an der Reihe sind. "
        "Auf Wiederhören.",
    },
    Sentence.VOICEMAIL_SPEAK: {
        IT: "Dopo il segnale dica il suo nome e di che cosa ha bisogno. Per finire prema cancelletto, o riagganci. Chi "
        "la richiama avrà ascoltato il messaggio.",
        EN: "After the tone please say your name and what you need. To finish press the hash key, or hang up. Whoever "
        "calls you back will have heard your message.",
        DE: "Sagen Sie nach dem Signalton Ihren Namen und Ihr Anliegen. Zum Beenden drücken Sie die Rautetaste oder "
        "legen auf. Wer Sie zurückruft, hat Ihre Nachricht gehört.",
    },
    Sentence.SURVEY_SCORE: {
        IT: "Quanto è soddisfatto di questa telefonata? Prema un tasto da uno, per nulla, a cinque, molto. La risposta "
        "è anonima.",
        EN: "How satisfied are you with this call? Press a key from one, not at all, to five, very. Your answer is "
        "anonymous.",
        DE: "Wie zufrieden sind Sie mit diesem Gespräch? Drücken Sie eine Taste von eins, gar nicht, bis fünf, sehr. "
        "Ihre Antwort ist anonym.",
    },
    Sentence.SURVEY_REASON: {
        IT: "Per che cosa, soprattutto? Per l'attesa, prema uno. Per la chiarezza, due. Per la cortesia, tre. Per la "
        "soluzione del problema, quattro.",
        EN: "What for, above all? For the wait, press one. For clarity, two. For courtesy, three. For how the matter "
        "was solved, four.",
        DE: "Vor allem wofür? Für die Wartezeit drücken Sie die Eins, für die Verständlichkeit die Zwei, für die "
        "Freundlichkeit die Drei, für die Lösung Ihres Anliegens die Vier.",
    },
    Sentence.SURVEY_THANKS: {
        IT: "Grazie, arrivederci.",
        EN: "Thank you, goodbye.",
        DE: "Danke, auf Wiederhören.",
    },
    Sentence.RECORDED: {
        IT: "Grazie: registreremo la conversazione. Se cambia idea, lo dica all'operatore.",
        EN: "Thank you: the conversation will be recorded. If you change your mind, tell the operator.",
        DE: "Danke: Das Gespräch wird aufgezeichnet. Wenn Sie es sich anders überlegen, sagen Sie es uns im Gespräch.",
    },
    Sentence.NOT_RECORDED: {
        IT: "Va bene: non registreremo nulla.",
        EN: "All right: nothing will be recorded.",
        DE: "In Ordnung: Es wird nichts aufgezeichnet.",
    },
    Sentence.GOODBYE: {IT: "Arrivederci.", EN: "Goodbye.", DE: "Auf Wiederhören."},
    Sentence.THANKS: {IT: "Grazie.", EN: "Thank you.", DE: "Danke."},
    Sentence.ASK_BADGE: {
        IT: "Digiti le otto cifre scritte sul retro del tesserino, poi cancelletto.",
        EN: "Key in the eight digits on the back of the badge, then hash.",
        DE: "Geben Sie die acht Ziffern auf der Rückseite des Ausweises ein, dann Raute.",
    },
    Sentence.BADGE_INVALID: {
        IT: "Questo tesserino non è valido. Non apra.",
        EN: "This badge is not valid. Do not open the door.",
        DE: "Dieser Ausweis ist nicht gültig. Öffnen Sie nicht.",
    },
    Sentence.OUT_OF_ORDER: {
        IT: "Ci scusiamo: per un problema tecnico in questo momento non possiamo rispondere. La preghiamo di "
        "richiamare tra qualche minuto.",
        EN: "We apologise: because of a technical problem we cannot answer at the moment. Please call again in a few "
        "minutes.",
        DE: "Wir bitten um Entschuldigung: Wegen einer technischen Störung können wir zurzeit nicht antworten. Bitte "
        "rufen Sie in einigen Minuten noch einmal an.",
    },
}

_RECORD = {
    Purpose.QUALITY: {
        IT: "Per controllare e migliorare il servizio vorremmo registrare la conversazione con l'operatore.",
        EN: "To check and improve our service, we would like to record your conversation with the operator.",
        DE: "Um unseren Dienst zu prüfen und zu verbessern, möchten wir Ihr Gespräch aufzeichnen.",
    },
    Purpose.EVIDENCE: {
        IT: "Per documentare ciò che viene detto vorremmo registrare la conversazione con l'operatore.",
        EN: "To document what is said, we would like to record your conversation with the operator.",
        DE: "Um festzuhalten, was besprochen wird, möchten wir Ihr Gespräch aufzeichnen.",
    },
}
_AGREE = {
    IT: "Se è d'accordo, prema uno. Se non lo è, prema due: il servizio è lo stesso.",
    EN: "If you agree, press one. If you do not, press two: you are served all the same.",
    DE: "Wenn Sie einverstanden sind, drücken Sie die Eins, sonst die Zwei: Der Dienst ist derselbe.",
}
_PRESS = {IT: "Per {label}, prema {digit}.", EN: "For {label}, press {digit}.", DE: "Für {label} drücken Sie {digit}."}
_SPEAK = {
    IT: "Per l'italiano, prema {digit}.",
    EN: "For English, press {digit}.",
    DE: "Für Deutsch drücken Sie {digit}.",
}
_STAR = {IT: "asterisco", EN: "star", DE: "Stern"}
_SHUT = {
    ClosedBecause.HOURS: {
        IT: "In questo momento gli uffici sono chiusi.",
        EN: "The offices are closed at the moment.",
        DE: "Unsere Büros sind zurzeit geschlossen.",
    },
    ClosedBecause.HOLIDAY: {
        IT: "Oggi gli uffici sono chiusi per festività.",
        EN: "The offices are closed for a public holiday today.",
        DE: "Unsere Büros sind heute wegen eines Feiertags geschlossen.",
    },
    ClosedBecause.CLOSURE: {
        IT: "Il servizio è momentaneamente chiuso.",
        EN: "The service is temporarily closed.",
        DE: "Der Dienst ist vorübergehend geschlossen.",
    },
}
_WAIT = {  # over an hour, less than a minute, less than some, between two
    IT: (
        "L'attesa prevista supera un'ora.", "L'attesa prevista è inferiore a un minuto.",
        "L'attesa prevista è inferiore a {high} minuti.", "L'attesa prevista è tra {low} e {high} minuti.",
    ),
    EN: (
        "The expected wait is over an hour.", "The expected wait is less than a minute.",
        "The expected wait is less than {high} minutes.", "The expected wait is between {low} and {high} minutes.",
    ),
    DE: (
        "Die Wartezeit beträgt voraussichtlich über eine Stunde.",
        "Die Wartezeit beträgt voraussichtlich weniger als eine Minute.",
        "Die Wartezeit beträgt voraussichtlich weniger als {high} Minuten.",
        "Die Wartezeit beträgt voraussichtlich zwischen {low} und {high} Minuten.",
    ),
}  # fmt: skip
_REOPENS = {
    IT: "Il servizio riapre {when}. Arrivederci.",
    EN: "We open again {when}. Goodbye.",
    DE: "Wir sind {when} wieder da. Auf Wiederhören.",
}


def sentence(which: Sentence, language: Language = IT) -> str:
    """A sentence, spoken."""
    return _SENTENCES[which][language]


def badge_of(name: str, number: int, until: date, language: Language) -> str:
    """A badge is valid: whose it is. The last sentence is what counts at a door."""
    day = format_date(until, "d MMMM y", locale=language.value)
    return {
        IT: f"Il tesserino è valido: numero {number}, {name}, fino al {day}. Chi ha davanti deve avere questo nome.",
        EN: f"The badge is valid: number {number}, {name}, until {day}. The person before you must have this name.",
        DE: f"Der Ausweis ist gültig: Nummer {number}, {name}, bis {day}. Die Person vor Ihnen muss so heißen.",
    }[language]


def choice(label: str, digit: str, language: Language = IT) -> str:
    """A key and where it leads."""
    return _PRESS[language].format(label=label, digit=_STAR[language] if digit == "*" else digit)


def language_choice(digit: str, language: Language) -> str:
    """A key and the language it chooses, said in that language."""
    return _SPEAK[language].format(digit=digit)


def closed(opening: Opening, now: datetime, language: Language = IT) -> str:
    """Why nobody answers, and when somebody will. The reason of a closure is written in Italian, and told so alone."""
    because = opening.because or ClosedBecause.HOURS
    said = [_SHUT[because][language]]
    if because is ClosedBecause.CLOSURE and opening.reason and language is IT:
        said.append(opening.reason)
    if opening.opens_at is None:
        said.append(sentence(Sentence.CALL_LATER, language))
    else:
        said.append(_REOPENS[language].format(when=spoken_instant(opening.opens_at, now, language)))
    return " ".join(said)


def callback_number(e164: str, language: Language = IT) -> str:
    """The number at which the caller wants to be called back, said digit by digit, and how he says which he wants."""
    spelled = " ".join(e164.removeprefix("+39"))
    match language:
        case Language.ITALIAN:
            asks = "Se va bene, prema uno. Per un altro numero, prema due."
            return f"La richiamiamo al numero {spelled}. {asks}"
        case Language.ENGLISH:
            asks = "If this is right, press one. For another number, press two."
            return f"We will call you back at {spelled}. {asks}"
        case Language.GERMAN:
            asks = "Wenn das stimmt, drücken Sie die Eins; für eine andere Nummer die Zwei."
            return f"Wir rufen Sie unter der Nummer {spelled} zurück. {asks}"


def may_we_record(purpose: Purpose, language: Language = IT) -> str:
    """What a conversation would be recorded for, and how to agree or not."""
    return f"{_RECORD[purpose][language]} {_AGREE[language]}"


def position(ahead: int, language: Language = IT) -> str:
    """How many are served before the caller."""
    if ahead == 0:
        return sentence(Sentence.NEXT, language)
    match language:
        case Language.ITALIAN:
            return "Prima di lei c'è una persona." if ahead == 1 else f"Prima di lei ci sono {ahead} persone."
        case Language.ENGLISH:
            return "There is one person before you." if ahead == 1 else f"There are {ahead} people before you."
        case Language.GERMAN:
            return "Vor Ihnen wartet eine Person." if ahead == 1 else f"Vor Ihnen warten {ahead} Personen."


def expected_wait(from_min: int, to_min: int | None, language: Language = IT) -> str:
    """For how long the caller may have to wait, in minutes; without an end it is an hour at least."""
    over, minute, under, between = _WAIT[language]
    if to_min is None:
        return over
    return (minute if to_min == 1 else under if from_min == 0 else between).format(low=from_min, high=to_min)


def spoken_instant(instant: datetime, now: datetime, language: Language = IT) -> str:
    """An instant as one says it: "oggi alle 14 e 30", "lunedì 23 novembre alle 8 e 30"."""
    local, today = in_rome(instant), in_rome(now).date()
    days = (local.date() - today).days
    at = _spoken_time(local.hour, local.minute, language)
    near: Sequence[str] = {
        IT: ("oggi", "domani"), EN: ("today", "tomorrow"), DE: ("heute", "morgen"),
    }[language]  # fmt: skip
    if 0 <= days < len(near):
        return f"{near[days]} {at}"
    match language:
        case Language.ITALIAN:
            said = format_date(local.date(), "EEEE 'primo' MMMM" if local.day == 1 else "EEEE d MMMM", locale="it_IT")
            return f"{said} {at}"
        case Language.ENGLISH:
            return f"on {format_date(local.date(), 'EEEE d MMMM', locale='en_GB')} {at}"
        case Language.GERMAN:
            return f"am {format_date(local.date(), 'EEEE, d. MMMM', locale='de_DE')} {at}"


def _spoken_time(hour: int, minute: int, language: Language) -> str:
    match language:
        case Language.ITALIAN:
            clock = f"{hour}" if minute == 0 else f"{hour} e {minute}"
            return f"all'{clock}" if hour == 1 else f"alle {clock}"
        case Language.ENGLISH:
            twelve = f"{hour % 12 or 12}" if minute == 0 else f"{hour % 12 or 12}:{minute:02d}"
            return f"at {twelve} {'a.m.' if hour < 12 else 'p.m.'}"
        case Language.GERMAN:
            return f"um {hour} Uhr" if minute == 0 else f"um {hour} Uhr {minute}"
