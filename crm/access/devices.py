"""Browsers that have signed in before have attempts of their own, so that nobody locks a colleague out by his name.

After OWASP's device cookies: the browser keeps, for each name that signed in with it, a random number and its mark
under the master key. Whoever has one is counted by it and not by the name; it proves nothing else. `of` reads a
cookie, `with_name` writes one.
"""

import hmac
import secrets

from crm.core.secrecy import Secrecy

MOST = 6  # people who share a browser
LIFE_DAYS = 365
PURPOSE = "device"


def of(secrecy: Secrecy, cookie: str, username: str) -> str | None:
    """The number under which this browser knows this name; none when it never signed in by it."""
    for entry in cookie.split("~")[:MOST]:
        number, _, mark = entry.partition(".")
        if number and hmac.compare_digest(mark.encode(), _mark(secrecy, number, username).encode()):
            return number
    return None


def with_name(secrecy: Secrecy, cookie: str, username: str) -> str:
    """The cookie of a browser that now knows this name as well; the oldest others are let go."""
    kept = of(secrecy, cookie, username) or secrets.token_hex(12)
    entries = [entry for entry in cookie.split("~") if entry and not entry.startswith(f"{kept}.")]
    return "~".join([f"{kept}.{_mark(secrecy, kept, username)}", *entries][:MOST])


def _mark(secrecy: Secrecy, number: str, username: str) -> str:
    return secrecy.mark(PURPOSE, f"{number}\n{username}".encode()).hex()[:32]
