"""Which conversations are heard: drawn by lot, so many of each agent, spread over kinds of conversation. Pure.

The order of the lot is the SHA-256 of the seed and the call's id. The seed is made when the draw is, from the system's
randomness, and kept with everything that could have been drawn: anybody can compute the draw again, and nobody could
have aimed it at one person or one call. Every agent is drawn from alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

SHORT_S, LONG_S = 120, 300


@dataclass(frozen=True, slots=True)
class Candidate:
    """A conversation that could be drawn. `stratum`: its kind, by what the rule spreads over."""

    call_id: UUID
    agent_id: int
    stratum: tuple[str, ...] = ()


def lot(seed: str, call_id: UUID) -> str:
    """The call's place in the lot, in hexadecimal."""
    return sha256(f"{seed}:{call_id}".encode()).hexdigest()


def length_of(seconds: int) -> str:
    """The kind of a conversation by its length."""
    return "short" if seconds < SHORT_S else "long" if seconds >= LONG_S else "middle"


def draw(candidates: Sequence[Candidate], per_agent: int, seed: str) -> list[Candidate]:
    """At most so many of each agent: one of each kind in turn, within a kind in the order of the lot."""
    drawn: list[Candidate] = []
    for agent_id in sorted({one.agent_id for one in candidates}):
        kinds: dict[tuple[str, ...], list[Candidate]] = {}
        for one in sorted(candidates, key=lambda one: lot(seed, one.call_id)):
            if one.agent_id == agent_id:
                kinds.setdefault(one.stratum, []).append(one)  # kinds in the order of their first call
        turns = [
            (turn, place, one) for place, calls in enumerate(kinds.values()) for turn, one in enumerate(calls)
        ]  # fmt: skip
        drawn += [one for _, _, one in sorted(turns, key=lambda each: each[:2])[:per_agent]]
    return drawn


def assign(drawn: Sequence[Candidate], evaluators: Sequence[int], seed: str) -> Mapping[UUID, int]:
    """Who hears each: by turns in the order of the lot, and nobody himself. Without anybody else a call is left out."""
    hears: dict[UUID, int] = {}
    has = dict.fromkeys(sorted(evaluators), 0)
    for one in sorted(drawn, key=lambda one: lot(seed, one.call_id)):
        others = [who for who in has if who != one.agent_id]
        if others:
            chosen = min(others, key=lambda who: (has[who], who))
            has[chosen] += 1
            hears[one.call_id] = chosen
    return hears
