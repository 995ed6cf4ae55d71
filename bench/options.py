"""What a person may choose."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """`quick` is for trying the harness out; its figures say little."""

    repeats: int = 5
    quick: bool = False
    assignments: int = 10_000  # of P4
    stored: int = 0  # of P4 over PostgreSQL
    calls: int = 12_000  # of each of P3's cases
    webhooks: int = 5_000  # of P7, each sent five times
    minutes: float = 10.0  # of P16
    contacts: int = 1_000_000  # of X4
    seed: str = ""  # of P4: a part of a longer run has its own
    rows: int = 200_000  # of a list
    messages: int = 20_000  # of a campaign of SMS
