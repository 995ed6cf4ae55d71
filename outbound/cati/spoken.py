"""What somebody hears who answers a questionnaire by the keys of his telephone. Pure.

A question is read with its choices, each by its key; nothing that the caller said is repeated but where the form does.
"""

from enum import StrEnum

from outbound.cati.questionnaire.definition import Kind
from outbound.cati.questionnaire.entries import Refused
from outbound.cati.questionnaire.interview import RefusedError, Screen
from outbound.cati.questionnaire.keypad import BY_NUMBER, OF_LIST
from telephony.ivr.languages import Language

IT, EN, DE = Language.ITALIAN, Language.ENGLISH, Language.GERMAN


class Line(StrEnum):
    """A sentence that is none of the form's."""

    HELP = "help"
    ANONYMOUS = "anonymous"
    NUMBER = "number"
    SEVERAL = "several"
    ACKNOWLEDGE = "acknowledge"
    OPTIONAL = "optional"
    NOTHING = "nothing"
    WRONG = "wrong"
    REFUSED = "refused"
    REQUIRED = "required"
    OUT_OF_RANGE = "out_of_range"
    ASK_CODE = "ask_code"
    WRONG_CODE = "wrong_code"
    THANKS = "thanks"
    BROKEN_OFF = "broken_off"
    FULL = "full"
    OVER = "over"


_LINES: dict[Line, dict[Language, str]] = {
    Line.HELP: {
        IT: "Risponda con i tasti del telefono. Con l'asterisco torna alla domanda prima; con il cancelletto la "
        "riascolta.",
        EN: "Please answer with the keys of your telephone. The star takes you back to the question before; the hash "
        "key repeats it.",
        DE: "Bitte antworten Sie mit den Tasten Ihres Telefons. Mit der Sterntaste kommen Sie zur vorigen Frage; mit "
        "der Rautetaste hören Sie sie noch einmal.",
    },
    Line.ANONYMOUS: {
        IT: "Le risposte restano senza nome.",
        EN: "Your answers are kept without your name.",
        DE: "Ihre Antworten bleiben ohne Namen.",
    },
    Line.NUMBER: {
        IT: "Digiti il numero e poi cancelletto.",
        EN: "Key in the number and then the hash key.",
        DE: "Geben Sie die Zahl ein und dann die Rautetaste.",
    },
    Line.SEVERAL: {
        IT: "Può sceglierne più di una: prema i loro tasti e poi cancelletto.",
        EN: "You may choose more than one: press their keys and then the hash key.",
        DE: "Sie können mehrere wählen: Drücken Sie ihre Tasten und dann die Rautetaste.",
    },
    Line.ACKNOWLEDGE: {
        IT: "Per andare avanti, prema 1.", EN: "To go on, press 1.", DE: "Um weiterzugehen, drücken Sie die 1.",
    },
    Line.OPTIONAL: {
        IT: "Se preferisce non rispondere, prema cancelletto.",
        EN: "If you would rather not answer, press the hash key.",
        DE: "Wenn Sie nicht antworten möchten, drücken Sie die Rautetaste.",
    },
    Line.NOTHING: {
        IT: "Non ho ricevuto la sua risposta.",
        EN: "I did not receive your answer.",
        DE: "Ich habe Ihre Antwort nicht erhalten.",
    },
    Line.WRONG: {
        IT: "Questa scelta non esiste.", EN: "There is no such choice.", DE: "Diese Auswahl gibt es nicht.",
    },
    Line.REFUSED: {
        IT: "Questa risposta non va bene.",
        EN: "This answer does not fit.",
        DE: "Diese Antwort passt nicht.",
    },
    Line.REQUIRED: {
        IT: "A questa domanda serve una risposta.",
        EN: "This question needs an answer.",
        DE: "Diese Frage braucht eine Antwort.",
    },
    Line.OUT_OF_RANGE: {
        IT: "Il numero va da {least} a {most}.",
        EN: "The number is between {least} and {most}.",
        DE: "Die Zahl liegt zwischen {least} und {most}.",
    },
    Line.ASK_CODE: {
        IT: "Digiti il codice personale che le abbiamo mandato, e poi cancelletto. Se non ce l'ha, prema solo "
        "cancelletto.",
        EN: "Key in the personal code that we have sent you, and then the hash key. If you do not have it, press just "
        "the hash key.",
        DE: "Geben Sie den persönlichen Code ein, den wir Ihnen geschickt haben, und dann die Rautetaste. Wenn Sie "
        "keinen haben, drücken Sie nur die Rautetaste.",
    },
    Line.WRONG_CODE: {
        IT: "Questo codice non è valido: controlli le cifre.",
        EN: "This code is not valid: please check the digits.",
        DE: "Dieser Code ist nicht gültig: Bitte prüfen Sie die Ziffern.",
    },
    Line.THANKS: {
        IT: "Grazie: il questionario è finito.",
        EN: "Thank you: that was the last question.",
        DE: "Vielen Dank: Das war die letzte Frage.",
    },
    Line.BROKEN_OFF: {
        IT: "Ci fermiamo qui. Grazie.", EN: "Let us stop here. Thank you.", DE: "Wir hören hier auf. Vielen Dank.",
    },
    Line.FULL: {
        IT: "Grazie: abbiamo già sentito abbastanza persone come lei, e non le prendiamo altro tempo.",
        EN: "Thank you: we have already heard enough people like you, and take no more of your time.",
        DE: "Vielen Dank: Wir haben schon genug Menschen wie Sie gehört und nehmen Ihre Zeit nicht weiter in Anspruch.",
    },
    Line.OVER: {
        IT: "Questo questionario adesso non si può compilare.",
        EN: "This questionnaire cannot be answered now.",
        DE: "Dieser Fragebogen kann jetzt nicht beantwortet werden.",
    },
}  # fmt: skip
_CHOICE = {IT: "{label}: prema {key}.", EN: "{label}: press {key}.", DE: "{label}: Drücken Sie die {key}."}
_YES_NO = {IT: ("sì", "no"), EN: ("yes", "no"), DE: ("Ja", "Nein")}
_ANOTHER = {
    IT: "{label}: ce n'è un'altra?", EN: "{label}: is there another one?", DE: "{label}: Gibt es noch eine weitere?",
}  # fmt: skip


def line(which: Line, language: Language) -> str:
    """A sentence in a language."""
    return _LINES[which][language]


def question(screen: Screen, language: Language) -> str:
    """A question and what may be keyed; what it stands under is for the eye."""
    parts = [_asked(screen, language), _plain(screen.hint)]
    if screen.question is None:
        parts += _keys(_YES_NO[language], language)
    elif screen.kind in BY_NUMBER:
        parts.append(line(Line.NUMBER, language))
    elif screen.kind is Kind.ACKNOWLEDGE:
        parts.append(line(Line.ACKNOWLEDGE, language))
    elif screen.kind in OF_LIST:
        parts += _keys(tuple(_plain(one.label) for one in screen.options), language)
        parts += [line(Line.SEVERAL, language)] if screen.kind is Kind.MANY else []
    if not screen.is_required and screen.kind is not Kind.NOTE:
        parts.append(line(Line.OPTIONAL, language))
    return " ".join(one for one in parts if one)


def why(error: RefusedError, screen: Screen, language: Language) -> str:
    """Why an answer was not taken: in the form's own words, if it has any."""
    if error.message:
        return _plain(error.message)
    if error.reason is Refused.OUT_OF_RANGE and screen.question is not None:
        ends = {"least": screen.question.least, "most": screen.question.most}
        return line(Line.OUT_OF_RANGE, language).format(**ends)
    known = {Refused.NOT_OFFERED: Line.WRONG, Refused.REQUIRED: Line.REQUIRED}
    return line(known.get(error.reason, Line.REFUSED), language)


def _asked(screen: Screen, language: Language) -> str:
    label = _plain(screen.label)
    return _ANOTHER[language].format(label=label) if screen.question is None else label


def _keys(labels: tuple[str, ...], language: Language) -> list[str]:
    return [_CHOICE[language].format(label=one, key=key) for key, one in enumerate(labels, 1)]


def _plain(text: str) -> str:
    return " ".join(text.split())
