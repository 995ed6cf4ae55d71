"""Words shown. Articles, scripts note templates and replies."""

from enum import StrEnum

from crm.knowledge.models import PieceKind
from crm.knowledge.standing import Standing

WORDS: dict[type[StrEnum], dict[str, str]] = {
    PieceKind: {
        PieceKind.ARTICLE: "Articolo",
        PieceKind.SCRIPT: "Script",
        PieceKind.NOTE: "Modello di nota",
        PieceKind.REPLY: "Modello di risposta",
    },
    Standing: {
        Standing.RETIRED: "Ritirato",
        Standing.DRAFT: "Mai pubblicato",
        Standing.USELESS: "Poco utile",
        Standing.OLD: "Da rivedere",
        Standing.GOOD: "In uso",
    },
}
