"""What is spoken to callers, in plain Italian. Nothing here says whether anybody owes anything."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from babel.dates import format_date

from crm.core.clock import in_rome
from crm.enti.calendar import ClosedBecause, Opening

if TYPE_CHECKING:
    from telephony.ivr.flow import Choice

OPERATOR = "La metto in contatto con un operatore."
NOT_A_CHOICE = "Questa scelta non esiste."
NOTHING_HEARD = "Non ho ricevuto la sua scelta."
ASK_NOTICE = (
    "Digiti le diciotto cifre del codice avviso, che trova accanto al riquadro per pagare, e poi il tasto cancelletto. "
    "Se non lo ha con sé, prema zero."
)
NOTICE_WRONG = "Il codice avviso non è corretto: controlli le cifre, per favore."
NOTICE_UNKNOWN = "Non troviamo questo codice avviso."
NOTICE_FOUND = "Grazie. La metto in contatto con un operatore."
NEVER_MIND = "Non importa. La metto in contatto con un operatore."
NUMBER_NOT_IN_USE = "Il numero chiamato non è attivo."
CUT_OFF = "La comunicazione con l'operatore si è interrotta. Resti in linea: conserva il suo posto, per primo."


def greeting(name: str) -> str:
    """Who answers."""
    return f"Buongiorno, servizio riscossione tributi, {name}."


def menu(choices: Sequence["Choice"]) -> str:
    """The keys and where they lead; the operator comes last, as people expect."""
    keys = [f"Per {choice.label}, prema {choice.digit}." for choice in choices]
    return " ".join([*keys, "Per parlare con un operatore, prema zero."])


def closed(opening: Opening, now: datetime) -> str:
    """Why nobody answers, and when somebody will."""
    why = {
        ClosedBecause.HOLIDAY: "Oggi gli uffici sono chiusi per festività.",
        ClosedBecause.CLOSURE: f"Il servizio è momentaneamente chiuso. {opening.reason or ''}".strip(),
    }.get(opening.because or ClosedBecause.HOURS, "In questo momento gli uffici sono chiusi.")
    if opening.opens_at is None:
        return f"{why} La preghiamo di richiamare più tardi. Arrivederci."
    return f"{why} Il servizio riapre {spoken_instant(opening.opens_at, now)}. Arrivederci."


def position(ahead: int) -> str:
    """How many are served before the caller."""
    if ahead == 0:
        return "Lei è il prossimo: le risponderemo appena un operatore si libera."
    people = "una persona" if ahead == 1 else f"{ahead} persone"
    return f"Prima di lei c'è {people}." if ahead == 1 else f"Prima di lei ci sono {people}."


def spoken_instant(instant: datetime, now: datetime) -> str:
    """An instant as one says it: "oggi alle 14 e 30", "lunedì 23 novembre alle 8 e 30"."""
    local, today = in_rome(instant), in_rome(now).date()
    clock = f"{local.hour}" if local.minute == 0 else f"{local.hour} e {local.minute}"
    at = f"all'{clock}" if local.hour == 1 else f"alle {clock}"
    days = (local.date() - today).days
    if days == 0:
        return f"oggi {at}"
    if days == 1:
        return f"domani {at}"
    return f"{format_date(local.date(), 'EEEE d MMMM', locale='it_IT')} {at}"
