"""What is simulated: a centre, who calls it, and what goes wrong. Durations in seconds, the others are chances."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Faults:
    """How often something goes wrong, each time that it could."""

    dropped: float = 0.0  # a callback is never told
    twice: float = 0.0  # it is told twice
    late: float = 0.0  # it comes up to `late_s` after it happened
    late_s: float = 8.0
    disorder: float = 0.0  # it does not wait for the one before
    repeated: float = 0.0  # a document is asked for again, as the answer did not come
    unreachable: float = 0.0  # a request to the carrier does not reach it
    unanswered: float = 0.0  # it does, and its answer does not come
    slow: float = 0.0  # its answer comes after the callbacks
    lagging: float = 0.0  # its lists do not show yet what has just happened
    killed: float = 0.0  # a process dies between a commit and what follows from it
    killed_waiting: float = 0.0  # or between the carrier's answer and writing it down
    worst: float = 0.0  # a caller hangs up as something happens to his call
    browser: float = 0.0  # an agent's browser dies, once in a conversation or its ringing
    missed: float = 0.0  # an agent does not answer
    rejected: float = 0.0  # or refuses to
    web: float = 0.0  # the web process is away for some seconds, at each look
    database: float = 0.0  # or the database


KINDS = tuple(name for name in Faults.__dataclass_fields__ if name != "late_s")
EVERYTHING = Faults(**dict.fromkeys(KINDS, 0.01))


@dataclass(frozen=True, slots=True)
class Plan:
    """A centre and its day. `latency_s` is the longest way of a request."""

    agents: int = 50
    calls_per_hour: float = 400.0
    talk_s: float = 300.0
    notes_s: float = 40.0  # on average; from `wrap_up_s` on the product ends them
    wrap_up_s: int = 60
    ring_timeout_s: int = 20
    answers_s: float = 4.0  # at the longest
    patience_s: float | None = 240.0  # on average; none: for ever
    menu: bool = True
    latency_s: float = 0.12
    speech: float = 1.0  # nobody speaks at 0, nor hears anything while he waits
    calls_back: float = 0.0  # so many want to be called back while they wait; none: it is not offered
    answers: float = 0.7  # so often somebody answers himself when he is
    outside: float = 0.0  # so many want to be put through to an office; over the memory store alone, and with a menu
    texts_per_hour: float = 0.0  # so many begin to write by SMS; over the memory store alone
    anonymous: float = 0.0  # so many withhold their number
    holds: float = 0.0  # in so many conversations the agent puts the caller on hold, passes him on,
    passes: float = 0.0
    consults: float = 0.0  # or asks a colleague, to whom he leaves him every other time
    faults: Faults = Faults()


def troubled(seed: int) -> Plan:
    """A small centre, some of whose troubles are drawn from the seed."""
    draw = random.Random(f"plan:{seed}")
    chosen = draw.sample(KINDS, draw.randint(0, 6))
    faults = Faults(**{name: draw.choice((0.02, 0.1, 0.25)) for name in chosen})
    return Plan(
        agents=draw.randint(1, 5), calls_per_hour=draw.choice((60.0, 150.0, 300.0)), talk_s=draw.choice((20.0, 60.0)),
        notes_s=15.0, wrap_up_s=30, patience_s=draw.choice((30.0, 120.0, None)), menu=draw.random() < 0.5,
        holds=draw.choice((0.0, 0.3)), passes=draw.choice((0.0, 0.2)), consults=draw.choice((0.0, 0.3)),
        calls_back=draw.choice((0.0, 0.4, 0.8)), answers=draw.choice((1.0, 1.0, 0.6)),
        anonymous=draw.choice((0.0, 0.2)), texts_per_hour=draw.choice((0.0, 0.0, 60.0)),
        outside=draw.choice((0.0, 0.3)), faults=faults,
    )  # fmt: skip
