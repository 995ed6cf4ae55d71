"""The colleagues' good manners: whoever calls, or writes, from the page is left to a person, if one is there."""

from datetime import timedelta

from telephony.carriers.simulator.calls import Call
from telephony.carriers.simulator.exchange import Exchange
from telephony.carriers.simulator.instants import now


def left_to_people(exchange: Exchange, shown: str) -> bool:
    """Whether somebody whose number stands somewhere in this text is for a person to answer, for now.

    It ends when somebody has answered, when no person's telephone is free, or when he has waited long enough.
    """
    if not exchange.devices.staff().people_free:
        return False
    patience = timedelta(seconds=exchange.config.colleagues.courtesy_s * exchange.config.pace.waits)
    digits = _digits(shown)
    written = any(
        text.inbound and now() - text.created < patience and _is_in(text.from_, digits)
        for text in exchange.texts.texts.values()
    )
    return written or any(
        call.for_person and call.live and _waits(call, patience) and _is_in(call.from_, digits)
        for call in exchange.calls.values()
    )


def _waits(call: Call, patience: timedelta) -> bool:
    queued = next((line.at for line in call.heard if line.kind == "state" and line.text == "queue"), None)
    return not call.talking and (queued is None or now() - queued < patience)


def _is_in(number: str, digits: str) -> bool:
    """A withheld number is in no text."""
    own = _digits(number)
    return bool(own) and own in digits


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())
