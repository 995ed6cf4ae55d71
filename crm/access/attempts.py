"""How often somebody may try to sign in. Pure: the attempts that failed in; how long to pause, if at all, out.

A name and the place from which it is tried are judged alike, each with the failures it is allowed.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import IPv4Address, ip_address, ip_network

WINDOW = timedelta(minutes=15)  # how long a failure is remembered
FREE_BY_NAME = 5
FREE_BY_PLACE = 50  # a whole office may stand behind one address
PAUSES = tuple(timedelta(seconds=s) for s in (30, 60, 120, 240, 480, 900))  # the last one for every further failure


def paused_until(failures: Iterable[datetime], *, free: int, at: datetime) -> datetime | None:
    """The end of the pause in which an attempt at the instant `at` would fall; none when it may be made.

    `free` failures within the window cost nothing. From then on each is followed by a pause, longer every time.
    """
    recent = [failure for failure in failures if failure > at - WINDOW]
    if len(recent) < free:
        return None
    until = max(recent) + PAUSES[min(len(recent) - free, len(PAUSES) - 1)]
    return until if until > at else None


def place_of(address: str) -> str:
    """From where somebody tries: an IPv4 address, or the /64 network that one subscriber has of IPv6."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, 64), strict=False))
