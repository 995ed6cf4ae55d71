"""Simulated people whom the product calls, and how each behaves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from telephony.carriers.simulator.calls import Call, Status
from telephony.carriers.simulator.citizens import Step, live_by
from telephony.carriers.simulator.config import Pace

GREETING = "Segreteria telefonica: lasci un messaggio dopo il segnale."
MACHINE = (Step(wait_s=25.0), Step(hang_up=True))
ANYBODY = ""  # in the stead of a number: whoever is not in the book


@dataclass(frozen=True, slots=True)
class Callee:
    """Rings for `answer_after_s`; then `outcome` (busy, no-answer, failed), or answers and follows its script. A
    `machine` answers in his stead, and listens for a while.
    """

    answer_after_s: float = 2.0
    outcome: Status | None = None
    script: Sequence[Step] = ()
    machine: bool = False

    @property
    def manner(self) -> str:
        """What becomes of a call to him, in a word."""
        return "machine" if self.machine else self.outcome.value if self.outcome else "answers"

    def begin(self, call: Call, pace: Pace) -> None:
        """He has answered."""
        if self.machine:
            call.note("say", GREETING)
        live_by(call, MACHINE if self.machine else self.script, pace)


class CalleeBook:
    """By number; whoever is not in it answers after two seconds and stays on the line, unless `ANYBODY` says else."""

    def __init__(self) -> None:
        self._by_number: dict[str, Callee] = {}

    def set(self, number: str, callee: Callee) -> None:
        """From now on he behaves so."""
        self._by_number[number] = callee

    def forget(self, number: str) -> bool:
        """He behaves like everybody else; false when he did already."""
        return self._by_number.pop(number, None) is not None

    def find(self, number: str) -> Callee:
        """How somebody behaves."""
        return self._by_number.get(number) or self._by_number.get(ANYBODY, Callee())

    def all(self) -> Iterator[tuple[str, str]]:
        """Whose behaviour was chosen, and how it is."""
        return ((number, callee.manner) for number, callee in self._by_number.items())
