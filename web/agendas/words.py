"""Words shown. How an appointment stands, where it was made, and how an agenda stands."""

from enum import StrEnum

from crm.agendas.models import AgendaState, AppointmentState
from crm.agendas.rules import Channel

WORDS: dict[type[StrEnum], dict[str, str]] = {
    AppointmentState: {
        AppointmentState.HELD: "in prenotazione",
        AppointmentState.BOOKED: "prenotato",
        AppointmentState.ARRIVED: "in attesa",
        AppointmentState.CALLED: "chiamato",
        AppointmentState.SERVING: "allo sportello",
        AppointmentState.DONE: "servito",
        AppointmentState.NO_SHOW: "non venuto",
        AppointmentState.CANCELLED_BY_CITIZEN: "disdetto",
        AppointmentState.CANCELLED_BY_OFFICE: "annullato dall'ufficio",
    },
    Channel: {
        Channel.WEB: "dal sito",
        Channel.PHONE: "per telefono",
        Channel.DESK: "allo sportello",
    },
    AgendaState: {
        AgendaState.DRAFT: "bozza",
        AgendaState.PUBLISHED: "pubblicata",
    },
}
