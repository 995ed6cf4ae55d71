"""Signals of the queues."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MatchDue:
    """A caller or an agent has become available in this routing domain: match, in a transaction of its own."""

    domain: str
