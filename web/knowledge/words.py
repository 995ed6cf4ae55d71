"""Words shown. Articles, scripts and note templates."""

from enum import StrEnum

from crm.knowledge.models import PieceKind
from crm.knowledge.standing import Standing

WORDS: dict[type[StrEnum], dict[str, str]] = {
    PieceKind: {
        PieceKind.ARTICLE: "Articolo",
        PieceKind.SCRIPT: "Script",
        PieceKind.NOTE: "Modello di nota",
    },
    Standing: {
        Standing.RETIRED: "Ritirato",
        Standing.DRAFT: "Mai pubblicato",
        Standing.USELESS: "Poco utile",
        Standing.OLD: "Da rivedere",
        Standing.GOOD: "In uso",
    },
}
