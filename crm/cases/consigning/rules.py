"""By which ways somebody is handed a document: only by addresses that are verified as his. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from crm.messages.models import MessageChannel
from crm.messages.rules import Address

LIVES = timedelta(days=30)
CODE_LIVES, PASS_LIVES = timedelta(minutes=10), timedelta(minutes=30)
MOST_TRIES, MOST_CODES = 5, 5  # tries of a code; codes in a day
CODES_WITHIN = timedelta(days=1)
_BY = (MessageChannel.EMAIL, MessageChannel.SMS)


class Standing(StrEnum):
    """How something that was handed over stands."""

    WAITS = "waits"  # nobody has opened it
    OPENED = "opened"
    WITHDRAWN = "withdrawn"
    OVER = "over"  # its time is


@dataclass(frozen=True, slots=True)
class Ways:
    """Where the way to the page goes, and where the code: not the same channel, where he has two."""

    link: Address
    code: Address


def ways(addresses: Sequence[Address]) -> Ways | None:
    """Of his addresses, the best first; none where none is verified. The way goes by e-mail if there is one."""
    verified = [one for channel in _BY for one in addresses if one.verified and one.channel is channel]
    if not verified:
        return None
    link = verified[0]
    return Ways(link, next((one for one in verified if one.channel is not link.channel), link))


def masked(address: str) -> str:
    """As much of an address as tells its owner which it is, and nobody else what it is."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}•••@{domain}" if at else f"••• {address[-3:]}"


def standing(*, withdrawn: bool, until: datetime, opened: bool, now: datetime) -> Standing:
    """How it stands now."""
    if withdrawn:
        return Standing.WITHDRAWN
    if opened:
        return Standing.OPENED
    return Standing.OVER if until <= now else Standing.WAITS
