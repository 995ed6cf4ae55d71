"""Simulated people whom the product calls, and how each behaves."""

from collections.abc import Sequence
from dataclasses import dataclass

from telephony.carriers.simulator.calls import Call, Status
from telephony.carriers.simulator.citizens import Step, live_by
from telephony.carriers.simulator.config import Pace


@dataclass(frozen=True, slots=True)
class Callee:
    """Rings for `answer_after_s`; then `outcome` (busy, no-answer, failed), or answers and follows
    its script."""

    answer_after_s: float = 2.0
    outcome: Status | None = None
    script: Sequence[Step] = ()

    def begin(self, call: Call, pace: Pace) -> None:
        live_by(call, self.script, pace)


class CalleeBook:
    """By number; whoever is not in it answers after two seconds and stays on the line."""

    def __init__(self) -> None:
        self._by_number: dict[str, Callee] = {}

    def set(self, number: str, callee: Callee) -> None:
        self._by_number[number] = callee

    def find(self, number: str) -> Callee:
        return self._by_number.get(number, Callee())
