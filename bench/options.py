"""What a person may choose."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """`quick` is for trying the harness out; its figures say little."""

    repeats: int = 5
    quick: bool = False
    assignments: int = 10_000  # of P4
