"""Quick replies: what agents write again and again, with typed fields, in the citizen's language. Pure.

None tells of a debt: they may be sent before it is known who is writing. A test says so of each.
"""

from collections.abc import Mapping
from enum import StrEnum


class Phrase(StrEnum):
    """What the agent chooses by."""

    GREETING = "greeting"
    MOMENT = "moment"
    DOCUMENT = "document"
    INFORMATION = "information"
    FAREWELL = "farewell"


WORDS: Mapping[Phrase, Mapping[str, str]] = {
    Phrase.GREETING: {
        "it": "Buongiorno, sono {agent}, {ente}. Per aiutarla mi scriva nome, cognome e data di nascita.",
        "en": "Good day, this is {agent}, {ente}. To help you I need your name, surname and date of birth.",
        "de": "Guten Tag, hier ist {agent}, {ente}. Bitte schreiben Sie mir Vornamen, Namen und Geburtsdatum.",
    },
    Phrase.MOMENT: {
        "it": "Un momento, controllo e le rispondo qui.",
        "en": "One moment, I will look and answer you here.",
        "de": "Einen Moment, ich sehe nach und antworte Ihnen hier.",
    },
    Phrase.DOCUMENT: {
        "it": "Mi scriva per favore il numero che trova in alto sulla lettera che ha ricevuto.",
        "en": "Please write me the number at the top of the letter you received.",
        "de": "Bitte schreiben Sie mir die Nummer, die oben auf Ihrem Brief steht.",
    },
    Phrase.INFORMATION: {
        "it": "Trova le informazioni qui: {link}",
        "en": "You find the information here: {link}",
        "de": "Die Informationen finden Sie hier: {link}",
    },
    Phrase.FAREWELL: {
        "it": "Grazie di averci scritto. Se le serve altro, ci riscriva a questo numero. {ente}",
        "en": "Thank you for writing. If you need anything else, write to this number again. {ente}",
        "de": "Danke für Ihre Nachricht. Schreiben Sie jederzeit wieder an diese Nummer. {ente}",
    },
}


def filled(phrase: Phrase, language: str, *, agent: str, ente: str, link: str) -> str:
    """A reply with its fields; whoever speaks none of the languages reads Italian."""
    return WORDS[phrase].get(language, WORDS[phrase]["it"]).format(agent=agent, ente=ente, link=link)
