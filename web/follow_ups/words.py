"""Words shown. What is to be done, and when."""

from enum import StrEnum

from crm.follow_ups.models import FollowUpKind, FollowUpState
from crm.follow_ups.when import Day, Lateness

WORDS: dict[type[StrEnum], dict[str, str]] = {
    FollowUpKind: {
        FollowUpKind.CALL_BACK: "Richiamare",
        FollowUpKind.SEND: "Inviare",
        FollowUpKind.CHECK: "Verificare",
        FollowUpKind.CASE: "Aprire una pratica",
        FollowUpKind.APPOINTMENT: "Fissare un appuntamento",
    },
    FollowUpState: {
        FollowUpState.OPEN: "Da fare",
        FollowUpState.DONE: "Fatta",
        FollowUpState.CANCELLED: "Annullata",
    },
    Day: {
        Day.TODAY: "Oggi",
        Day.TOMORROW: "Domani",
        Day.WEEK: "Fra una settimana",
        Day.CHOSEN: "Un altro giorno",
    },
    Lateness: {
        Lateness.OVERDUE: "In ritardo",
        Lateness.TODAY: "Oggi",
        Lateness.TOMORROW: "Domani",
        Lateness.SOON: "Nei prossimi sette giorni",
        Lateness.LATER: "Più avanti",
    },
}
