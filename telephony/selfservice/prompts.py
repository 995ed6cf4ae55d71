"""What the self-service says without figures, in Italian, English and German."""

from enum import StrEnum

from telephony.ivr.languages import Language

IT, EN, DE = Language.ITALIAN, Language.ENGLISH, Language.GERMAN
KEY_S, LONG_S, CODE_S = 6, 10, 30  # seconds of silence after which he is asked again


class Line(StrEnum):
    """A sentence, or a menu."""

    ASK_NOTICE = "ask_notice"
    NOTICE_WRONG = "notice_wrong"
    ASK_PIN = "ask_pin"
    OFFER_CODE = "offer_code"
    OFFER_PAPER = "offer_paper"
    ANEW = "anew"
    OPERATOR = "operator"
    OPERATOR_KEY = "operator_key"
    CODE_SENT = "code_sent"
    ASK_CODE = "ask_code"
    REFUSED = "refused"
    GRANTED = "granted"
    TOPICS = "topics"
    PRINTED = "printed"
    BACK_TO_FACTOR = "back_to_factor"
    NOT_A_CHOICE = "not_a_choice"
    LINK_SENT = "link_sent"
    NO_MOBILE = "no_mobile"


_LINES: dict[Line, dict[Language, str]] = {
    Line.ASK_NOTICE: {
        IT: "Digiti le diciotto cifre del codice avviso, che trova accanto al riquadro per pagare, e poi il tasto "
        "cancelletto.",
        EN: "Key in the eighteen digits of the notice code, which is printed beside the payment box, and then the "
        "hash key.",
        DE: "Geben Sie die achtzehn Ziffern des Zahlungscodes ein, der neben dem Zahlungsfeld steht, und dann die "
        "Rautetaste.",
    },
    Line.NOTICE_WRONG: {
        IT: "Il codice avviso non è corretto: controlli le cifre, per favore.",
        EN: "The notice code is not correct: please check the digits.",
        DE: "Der Zahlungscode ist nicht richtig: Bitte prüfen Sie die Ziffern.",
    },
    Line.ASK_PIN: {
        IT: "Ora digiti il suo PIN e poi cancelletto. Il PIN non è scritto sull'avviso: glielo ha dato il Comune.",
        EN: "Now key in your PIN and then hash. The PIN is not on the notice: the municipality gave it to you.",
        DE: "Geben Sie jetzt Ihre PIN ein und dann die Rautetaste. Die PIN steht nicht auf dem Bescheid: Sie haben sie "
        "von der Gemeinde bekommen.",
    },
    Line.OFFER_CODE: {
        IT: "Per ricevere un codice con un SMS, prema asterisco e poi cancelletto.",
        EN: "To get a code by SMS, press star and then hash.",
        DE: "Um einen Code per SMS zu erhalten, drücken Sie die Sterntaste und dann die Rautetaste.",
    },
    Line.OFFER_PAPER: {
        IT: "Per sentire soltanto ciò che è scritto sull'avviso, prema nove e poi cancelletto.",
        EN: "To hear only what is written on the notice, press nine and then hash.",
        DE: "Um nur zu hören, was auf dem Bescheid steht, drücken Sie die Neun und dann die Rautetaste.",
    },
    Line.ANEW: {
        IT: "Per digitare un altro codice avviso, prema uno e poi cancelletto.",
        EN: "To key in another notice code, press one and then hash.",
        DE: "Um einen anderen Zahlungscode einzugeben, drücken Sie die Eins und dann die Rautetaste.",
    },
    Line.OPERATOR: {
        IT: "Per parlare con un operatore, prema zero e poi cancelletto.",
        EN: "To speak to an operator, press zero and then hash.",
        DE: "Um mit jemandem zu sprechen, drücken Sie die Null und dann die Rautetaste.",
    },
    Line.OPERATOR_KEY: {
        IT: "Per parlare con un operatore, prema zero.",
        EN: "To speak to an operator, press zero.",
        DE: "Um mit jemandem zu sprechen, drücken Sie die Null.",
    },
    Line.CODE_SENT: {
        IT: "Se per questo avviso conosciamo un cellulare verificato, tra poco vi arriverà un SMS con un codice di sei "
        "cifre.",
        EN: "If we know a verified mobile number for this notice, an SMS with a code of six digits will soon arrive "
        "there.",
        DE: "Wenn wir zu diesem Bescheid eine bestätigte Mobilnummer kennen, kommt dort gleich eine SMS mit einem Code "
        "aus sechs Ziffern an.",
    },
    Line.ASK_CODE: {
        IT: "Quando ha il codice, lo digiti e poi prema cancelletto. Per tornare indietro, prema asterisco e poi "
        "cancelletto.",
        EN: "When you have the code, key it in and then press hash. To go back, press star and then hash.",
        DE: "Sobald Sie den Code haben, geben Sie ihn ein und drücken die Rautetaste. Zurück: Sterntaste und "
        "Rautetaste.",
    },
    Line.REFUSED: {
        IT: "Con questi dati non possiamo dirle nulla. Li controlli, per favore, o parli con un operatore.",
        EN: "With these data we cannot tell you anything. Please check them, or speak to an operator.",
        DE: "Mit diesen Angaben können wir Ihnen keine Auskunft geben. Bitte prüfen Sie sie, oder sprechen Sie mit "
        "jemandem von uns.",
    },
    Line.GRANTED: {IT: "Grazie.", EN: "Thank you.", DE: "Danke."},
    Line.TOPICS: {
        IT: "Per sapere quanto c'è da pagare ed entro quando, prema 1. Per sapere come pagare, prema 2. Per le rate, "
        "prema 3. Per la notifica, prema 4. Per ricevere con un SMS il collegamento per pagare, prema 5. Per altro, "
        "prema 9.",
        EN: "To hear what is due and until when, press 1. To hear how to pay, press 2. For the instalments, press 3. "
        "For the notification, press 4. To get the payment link by SMS, press 5. For anything else, press 9.",
        DE: "Wie viel bis wann zu zahlen ist: drücken Sie 1. Wie Sie zahlen: drücken Sie 2. Für die Raten drücken Sie "
        "3. Für die Zustellung drücken Sie 4. Für den Zahlungslink per SMS drücken Sie 5. Für anderes drücken Sie 9.",
    },
    Line.PRINTED: {
        IT: "Per riascoltare, prema 1. Per sapere come pagare, prema 2. Per altro, prema 9.",
        EN: "To hear it again, press 1. To hear how to pay, press 2. For anything else, press 9.",
        DE: "Um es noch einmal zu hören, drücken Sie 1. Wie Sie zahlen: drücken Sie 2. Für anderes drücken Sie 9.",
    },
    Line.BACK_TO_FACTOR: {
        IT: "Per dare il PIN o ricevere un codice, prema asterisco.",
        EN: "To give your PIN or get a code, press star.",
        DE: "Um die PIN einzugeben oder einen Code zu erhalten, drücken Sie die Sterntaste.",
    },
    Line.NOT_A_CHOICE: {
        IT: "Questa scelta non esiste.",
        EN: "There is no such choice.",
        DE: "Diese Auswahl gibt es nicht.",
    },
    Line.LINK_SENT: {
        IT: "Le abbiamo mandato un SMS con il collegamento.",
        EN: "We have sent you an SMS with the link.",
        DE: "Wir haben Ihnen eine SMS mit dem Link geschickt.",
    },
    Line.NO_MOBILE: {
        IT: "Non conosciamo un cellulare a cui mandarlo: può chiederlo a un operatore.",
        EN: "We know no mobile number to send it to: you may ask an operator.",
        DE: "Wir kennen keine Mobilnummer, an die wir ihn schicken könnten: Bitte fragen Sie jemanden von uns.",
    },
}


def line(which: Line, language: Language = IT) -> str:
    """A sentence, spoken."""
    return _LINES[which][language]
