"""How each case of a survey stands, by its attempts and its interview. Pure.

AAPOR, *Standard Definitions* (10th edition, 2023): every case of a sample has one disposition, the not attempted too;
of several attempts the one that tells most decides (section on final disposition codes): a conversation before a
machine, a machine before a telephone that nobody answers.
"""

from collections.abc import Collection
from dataclasses import dataclass

from outbound.cati.aapor import Disposition
from outbound.compliance.rules import Ended, Reason

# The first of these that an attempt ended with decides.
_TELLS_MOST: tuple[tuple[Ended, Disposition], ...] = (
    (Ended.SPOKEN, Disposition.OTHER_NON_RESPONSE),  # he was spoken to, and no interview was begun
    (Ended.ANSWERED, Disposition.NEVER_AVAILABLE),  # somebody answered; he never came to the telephone
    (Ended.SILENT, Disposition.TECHNICAL),  # somebody answered, and nobody of ours was there
    (Ended.MACHINE, Disposition.MACHINE),
    (Ended.NO_ANSWER, Disposition.NO_ANSWER),
    (Ended.BUSY, Disposition.BUSY),
    (Ended.UNKNOWN, Disposition.TECHNICAL),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of a case. `ended`: how its attempts did; `why`: for what it is out of the campaign, if it is."""

    ended: frozenset[Ended]
    interview: Disposition | None
    why: Reason | None

    @classmethod
    def of(cls, ended: Collection[Ended | None], interview: Disposition | None, why: Reason | None) -> "Heard":
        """An attempt that nobody told of is unknown."""
        return cls(frozenset(one or Ended.UNKNOWN for one in ended), interview, why)


def disposition(heard: Heard) -> Disposition:
    """How the case stands now, which is how it ends where nothing follows."""
    if heard.interview is not None:
        return heard.interview
    if heard.why is Reason.DECEASED:
        return Disposition.DEAD
    for ended, one in _TELLS_MOST:
        if ended in heard.ended:
            return one
    if Ended.FAILED in heard.ended:  # one failure may be the network's; a number that failed to its end does not work
        return Disposition.NOT_WORKING if heard.why is Reason.EXHAUSTED else Disposition.TECHNICAL
    return Disposition.NOT_ATTEMPTED
