"""The words by which somebody says that he wants no more messages, or wants them again. Pure."""

import unicodedata

STOP = frozenset(
    {
        "STOP", "STOPALL", "BASTA", "CANCELLA", "CANCELLAMI", "ANNULLA", "RIMUOVI", "DISISCRIVI", "FINE", "NO SMS",
        "STOP SMS", "UNSUBSCRIBE", "CANCEL", "QUIT", "END", "REMOVE", "OPTOUT", "OPT OUT", "REVOKE",
        "ARRET", "STOPP", "HALT", "ABMELDEN", "ABBESTELLEN", "ENDE", "AUFHOREN", "KEINE SMS",
    }
)  # fmt: skip
START = frozenset(
    {"START", "UNSTOP", "RIPRENDI", "ATTIVA", "INIZIA", "ISCRIVIMI", "SUBSCRIBE", "RESUME", "ANMELDEN", "BEGINNEN"}
)


def means(text: str) -> bool | None:
    """True: no more messages; false: messages again; none: something else. Only the word by itself is meant."""
    plain = "".join(one for one in unicodedata.normalize("NFD", text[:80].upper()) if not unicodedata.combining(one))
    said = " ".join("".join(one if one.isalnum() else " " for one in plain).split())
    if said in STOP:
        return True
    return False if said in START else None
