"""Words shown. How a turn stands, and what a screen is for."""

from enum import StrEnum

from crm.turns.models import ScreenKind, TurnState

WORDS: dict[type[StrEnum], dict[str, str]] = {
    TurnState: {
        TurnState.WAITING: "in attesa",
        TurnState.CALLED: "chiamato",
        TurnState.SERVING: "allo sportello",
        TurnState.DONE: "servito",
        TurnState.NO_SHOW: "non si è presentato",
        TurnState.CLOSED: "chiuso a fine giornata",
        TurnState.WITHDRAWN: "dato per errore",
    },
    ScreenKind: {
        ScreenKind.KIOSK: "Totem all'ingresso",
        ScreenKind.ROOM: "Schermo della sala d'attesa",
    },
}
