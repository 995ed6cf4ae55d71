"""Words shown. Where an operator of a campaign is."""

from enum import StrEnum

from outbound.dialer.deciding import SeatState

WORDS: dict[type[StrEnum], dict[str, str]] = {
    SeatState: {
        SeatState.AWAY: "non presenti",
        SeatState.FREE: "pronti",
        SeatState.OPENING: "il telefono squilla",
        SeatState.WAITING: "in linea, in attesa",
        SeatState.LEAVING: "stanno uscendo",
        SeatState.TALKING: "in conversazione",
        SeatState.LAST: "all'ultima conversazione",
        SeatState.NOTES: "scrivono le note",
        SeatState.ELSEWHERE: "con chi ha telefonato",
    },
}
