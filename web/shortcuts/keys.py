"""Which keys there are, and where somebody may put them. Pure. Each is pressed with Alt (WCAG 2.1, 2.1.4)."""

from collections.abc import Mapping
from enum import StrEnum
from string import ascii_lowercase, digits

from crm.core.errors import InvalidError

PLACES = ascii_lowercase + digits


class Key(StrEnum):
    """A key by where it is for everybody: what has `data-key="r"` is called by Alt+R until somebody moves it.

    They are named for what they do in the console. On other pages some do something else, which is said there.
    """

    ANSWER = "r"
    IDENTIFIED = "i"
    NOT_HIM = "x"
    TOPIC = "1"
    OUTCOME = "2"
    TEMPLATES = "3"
    NOTE = "n"
    SAVE = "s"
    CLOSE = "c"
    HOLD = "a"
    GIVE_ON = "l"
    TOGETHER = "e"
    HELP = "u"
    MICROPHONE = "m"
    PRIVATE = "d"
    READY = "p"
    KNOWLEDGE = "h"
    BEFORE = "4"
    POSITIONS = "f"
    FOLLOW_UP = "g"
    HOW_TO_PAY = "b"
    CORRECTION = "k"
    NOTIFICATION = "j"
    REACH = "t"
    MACHINE = "q"
    APPOINTMENT = "5"
    NEXT_TEXT = "v"
    REPLY = "w"
    SEND = "o"
    TO_THE_CALL = "y"
    UNDO = "z"


def moved(wanted: Mapping[str, str], called: Mapping[str, str]) -> dict[str, str]:
    """Where keys are that somebody moved, of all that he `wanted`: each key's place, by its name; left out, it stays.

    `called` says what each is called. Raises `InvalidError`, a part for each key that cannot be where it is wanted.
    """
    places = {key: (wanted.get(key) or key).strip().lower() for key in Key}
    wrong = []
    for key, place in places.items():
        if len(place) != 1 or place not in PLACES:
            wrong.append(InvalidError("Una lettera o una cifra sola.", field=f"key-{key}"))
        elif other := next((one for one in Key if one != key and places[one] == place), None):
            wrong.append(InvalidError(f"Alt+{place.upper()} è già di «{called[other]}».", field=f"key-{key}"))
    if wrong:
        raise InvalidError("Due tasti non possono essere lo stesso.", parts=wrong)
    return {key.value: place for key, place in places.items() if place != key}
