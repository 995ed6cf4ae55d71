"""What may stand against an appointment, with what helps whoever meets it."""

from collections.abc import Sequence
from uuid import UUID

from crm.agendas.rules import Gone
from crm.agendas.slots import Free
from crm.core.errors import ConflictError

SENTENCES = {
    Gone.PAST: "Questo orario è passato: scegline un altro.",
    Gone.TOO_SOON: "È troppo tardi per prenotare questo orario: scegline uno più avanti.",
    Gone.TOO_FAR: "Questo giorno è troppo lontano: non si prenota ancora.",
    Gone.CLOSED: "A quest'ora l'ufficio non riceve per questo servizio: scegli un altro orario.",
    Gone.TAKEN: "Qualcuno ha appena preso questo orario: scegline un altro.",
    Gone.QUOTA: "I posti di questo giorno per chi prenota da qui sono finiti: scegli un altro giorno, o chiamaci.",
}
TOO_LONG = "Il tempo per completare la prenotazione è finito: scegli di nuovo l'orario."
OFFER_GONE = "Questo posto non è più tenuto per te: sei ancora in lista per il prossimo."
FREE_ALREADY = "C'è già posto in giorni che ti vanno bene: scegli uno di questi orari."
CODE_NEEDED = "Per questo servizio serve prima il codice che ti mandiamo: confermalo, poi prenota."
LEFT_OUTSIDE = "Qualche appuntamento resterebbe fuori dai nuovi orari: guarda quali, poi conferma."


class SlotGoneError(ConflictError):
    """A time cannot be had, or not any more; `alternatives` are the nearest that can."""

    def __init__(self, because: Gone, alternatives: Sequence[Free] = ()) -> None:
        super().__init__(SENTENCES[because])
        self.because = because
        self.alternatives = tuple(alternatives)


class HoldGoneError(ConflictError):
    """Who held a time took too long, and somebody else has it; or it was let go. Only the time is lost."""

    def __init__(self) -> None:
        super().__init__(TOO_LONG)


class CodeNeededError(ConflictError):
    """Whoever books this service on the web first shows that an address is his."""

    def __init__(self) -> None:
        super().__init__(CODE_NEEDED)


class OfferGoneError(ConflictError):
    """Who was offered a time answered too late, or has answered otherwise before."""

    def __init__(self) -> None:
        super().__init__(OFFER_GONE)


class FreeAlreadyError(ConflictError):
    """Nobody waits for what is there: `alternatives` suit him."""

    def __init__(self, alternatives: Sequence[Free]) -> None:
        super().__init__(FREE_ALREADY)
        self.alternatives = tuple(alternatives)


class TooManyError(ConflictError):
    """A person has as many appointments as the service allows."""


class DisplacedError(ConflictError):
    """A change would leave appointments outside what is open, and nobody has said that they saw them."""

    def __init__(self, appointment_ids: Sequence[UUID]) -> None:
        super().__init__(LEFT_OUTSIDE)
        self.appointment_ids = tuple(appointment_ids)
