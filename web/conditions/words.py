"""Words shown. What contracts agree besides their levels."""

from enum import StrEnum

from crm.conditions.agreed import NumberKind, Part
from crm.levels.presets import Change

WORDS: dict[type[StrEnum], dict[str, str]] = {
    NumberKind: {NumberKind.FREEPHONE: "numero verde", NumberKind.GEOGRAPHIC: "numero geografico"},
    Part: {
        Part.HOURS: "orari delle linee",
        Part.STAFFED: "orari degli operatori",
        Part.DESKS: "orari degli sportelli",
        Part.WEEKLY_HOURS: "ore delle linee alla settimana",
        Part.DESK_HOURS: "ore degli sportelli alla settimana",
        Part.NUMBERS: "numeri",
        Part.QUEUES: "code",
        Part.REPORTS: "relazioni",
        Part.REINFORCEMENT: "operatori in più attorno alle scadenze",
        Part.REPLACEMENT: "sostituzione di una persona",
    },
    Change: {
        Change.NEW: "nuovo",
        Change.CHANGED: "cambia",
        Change.SAME: "come adesso",
        Change.GONE: "non c'è più",
    },
}
