"""Words shown. Forecasts and shifts."""

from enum import StrEnum

from telephony.staffing.forecast import Driver
from telephony.staffing.known_days import Kind

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Driver: {
        Driver.AFTER_HOLIDAY: "dopo una festa",
        Driver.DUE_SOON: "scadenza vicina",
        Driver.OVERDUE: "scadenza appena passata",
        Driver.OVERDUE_LATER: "scadenza passata da meno di venti giorni",
        Driver.NOTICES: "avvisi appena arrivati",
    },
    Kind: {Kind.DUE: "scadenza", Kind.NOTICES: "arrivo di avvisi"},
}
