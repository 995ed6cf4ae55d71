"""What became of a call, as the list behind a figure says it. Pure."""

from enum import StrEnum

from crm.levels.metering import Measured


class Came(StrEnum):
    """How a call stands."""

    ANSWERED = "answered"
    TALKS = "talks"
    WAITS = "waits"
    ABANDONED = "abandoned"
    TURNED_AWAY = "turned_away"
    OWED = "owed"  # to be called back
    NOT_REACHED = "not_reached"
    FOUND_SHUT = "found_shut"  # the number was closed by itself
    IN_MENU = "in_menu"
    LEFT_MENU = "left_menu"


def came(call: Measured) -> Came:
    """What became of a call, from what its facts make of it. Pure."""
    if call.served:
        return Came.ANSWERED if call.ended else Came.TALKS
    if call.called_back:
        return Came.NOT_REACHED if call.ended else Came.OWED
    if call.turned_away and not call.entered:
        return Came.TURNED_AWAY
    if call.entered:
        return Came.ABANDONED if call.ended else Came.WAITS
    return Came.LEFT_MENU if call.ended else Came.IN_MENU
