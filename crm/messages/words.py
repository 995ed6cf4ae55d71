"""The words by which somebody says that he wants no more messages, or wants them again. Pure.

None of them may be a yes in another language that we write in: FINE, an Italian end, is an Englishman's consent.
"""

import unicodedata

_STOP = {
    "it": {"STOP", "BASTA", "CANCELLA", "CANCELLAMI", "ANNULLA", "RIMUOVI", "DISISCRIVI", "NO SMS", "STOP SMS"},
    "en": {"STOPALL", "UNSUBSCRIBE", "CANCEL", "QUIT", "END", "REMOVE", "OPTOUT", "OPT OUT", "REVOKE", "ARRET"},
    "de": {"STOPP", "HALT", "ABMELDEN", "ABBESTELLEN", "ENDE", "AUFHOREN", "KEINE SMS"},
}  # fmt: skip
_START = {
    "it": {"RIPRENDI", "ATTIVA", "INIZIA", "ISCRIVIMI"},
    "en": {"START", "UNSTOP", "SUBSCRIBE", "RESUME"},
    "de": {"ANMELDEN", "BEGINNEN"},
}
_MEANT = {word: (True, language) for language, words in _STOP.items() for word in words} | {
    word: (False, language) for language, words in _START.items() for word in words
}  # fmt: skip


def means(text: str) -> bool | None:
    """True: no more messages; false: messages again; none: something else. Only the word by itself is meant."""
    return _MEANT.get(_said(text), (None, ""))[0]


def language_of(text: str) -> str:
    """In which language such a word was said; Italian for anything else."""
    return _MEANT.get(_said(text), (None, "it"))[1]


def _said(text: str) -> str:
    plain = "".join(one for one in unicodedata.normalize("NFD", text[:80].upper()) if not unicodedata.combining(one))
    return " ".join("".join(one if one.isalnum() else " " for one in plain).split())
