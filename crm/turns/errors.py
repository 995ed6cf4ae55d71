"""Why somebody who has come gets no turn."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from crm.agendas.queries import AppointmentView
from crm.core.errors import ConflictError
from crm.turns.reception import Without


class NotHere(StrEnum):
    """Why somebody with an appointment has no turn."""

    ANOTHER_DAY = "another_day"
    ANOTHER_OFFICE = "another_office"
    OVER = "over"  # cancelled, or he was served


_NOT_HERE: Mapping[NotHere, str] = MappingProxyType(
    {
        NotHere.ANOTHER_DAY: "Questo appuntamento non è di oggi.",
        NotHere.ANOTHER_OFFICE: "Questo appuntamento è in un altro ufficio.",
        NotHere.OVER: "Questo appuntamento è stato disdetto, o è già concluso.",
    }
)


class NotHereError(ConflictError):
    """Who has this appointment is not expected here, now; `why` says it, `found` is the appointment."""

    def __init__(self, why: NotHere, found: AppointmentView) -> None:
        super().__init__(_NOT_HERE[why])
        self.why, self.found = why, found


class NoNumberError(ConflictError):
    """The kiosk gives no number; `why` says it."""

    def __init__(self, why: Without) -> None:
        super().__init__("Adesso per questo servizio non si danno numeri.")
        self.why = why
