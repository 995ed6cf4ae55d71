"""How long to wait before trying again: longer each time, never quite the same."""

import random


class Backoff:
    """Doubles from `first_s` to `longest_s`; `reset` after a success."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self._tries = 0

    def reset(self) -> None:
        self._tries = 0

    def next_s(self) -> float:
        wait_s = min(self._first_s * float(1 << min(self._tries, 16)), self._longest_s)
        self._tries += 1
        return wait_s * random.uniform(0.75, 1.25)  # noqa: S311 - not a secret
