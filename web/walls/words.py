"""Words shown. Screens on walls."""

from enum import StrEnum

from telephony.walls.models import WallLook, WallPage

WORDS: dict[type[StrEnum], dict[str, str]] = {
    WallPage: {
        WallPage.NOW: "Adesso",
        WallPage.LEVELS: "Livelli di servizio",
        WallPage.QUEUES: "Code",
        WallPage.ENTI: "Enti",
    },
    WallLook: {WallLook.DARK: "scuro", WallLook.LIGHT: "chiaro"},
}
