"""Copies of an answer that did not arrive: whom it was for has it, somebody else has not. Pure.

`recipients` are a mail's, as its row has them: address, name, whether it is a copy, and what became of that.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any

Recipients = Sequence[Mapping[str, Any]]


class Lost(StrEnum):
    """Why a copy did not arrive."""

    REFUSED = "refused"  # by the server through which it left
    NOT_DELIVERED = "not_delivered"  # a server said so later


def is_of_others(recipients: Recipients, who: Collection[str]) -> bool:
    """Whether what did not arrive at these addresses are copies alone; at nobody that is named, it is the mail."""
    copied = {one["address"].casefold() for one in recipients if one["copied"]}
    return bool(who) and {one.casefold() for one in who} <= copied


def without(recipients: Recipients, who: Collection[str], why: Lost) -> list[dict[str, Any]]:
    """The recipients, with what is known now of the copies to these addresses."""
    gone = {one.casefold() for one in who}
    return [
        {**one, "lost": why.value} if one["copied"] and one["address"].casefold() in gone else dict(one)
        for one in recipients
    ]


def lost(recipients: Recipients) -> tuple[tuple[str, Lost], ...]:
    """Which copies did not arrive, and why."""
    return tuple((one["address"], Lost(one["lost"])) for one in recipients if one.get("lost"))
