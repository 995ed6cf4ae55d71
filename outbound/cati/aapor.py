"""Final dispositions and outcome rates of telephone surveys, as AAPOR defines them. Pure.

The American Association for Public Opinion Research, *Standard Definitions: Final Dispositions of Case Codes and
Outcome Rates for Surveys*, 10th edition (2023), RDD and list-assisted telephone surveys.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Group(StrEnum):
    """To which sum of the formulas a disposition belongs."""

    I = "I"  # noqa: E741  # AAPOR's letter: complete interview
    P = "P"  # partial interview
    R = "R"  # refusal and break-off
    NC = "NC"  # non-contact
    O = "O"  # noqa: E741  # other non-response
    UH = "UH"  # unknown whether there is an eligible household, or respondent's line
    UR = "UR"  # a household; unknown whether an eligible respondent is in it
    UO = "UO"  # unknown, other
    NE = "NE"  # not eligible


class Disposition(StrEnum):
    """How a case stands, or ended. The words are in `web/cati/words.py`."""

    COMPLETE = "1.1"
    PARTIAL = "1.2"
    HOUSEHOLD_REFUSAL = "2.11"
    RESPONDENT_REFUSAL = "2.112"
    BREAK_OFF = "2.12"
    NEVER_AVAILABLE = "2.21"
    MACHINE_OF_HOUSEHOLD = "2.221"
    MACHINE_WITH_MESSAGE = "2.222"
    DEAD = "2.31"
    UNABLE = "2.32"
    LANGUAGE = "2.33"
    NO_INTERVIEWER = "2.333"
    BAD_SOUND = "2.34"
    PLACE_OR_ACTIVITY = "2.35"
    OTHER_NON_RESPONSE = "2.36"
    NOT_ATTEMPTED = "3.11"
    BUSY = "3.12"
    NO_ANSWER = "3.13"
    MACHINE = "3.14"
    BLOCKED = "3.15"
    TECHNICAL = "3.16"
    UNKNOWN_RESPONDENT = "3.20"
    UNKNOWN_OTHER = "3.90"
    OUT_OF_SAMPLE = "4.10"
    FAX = "4.20"
    NOT_WORKING = "4.31"
    DISCONNECTED = "4.32"
    TEMPORARILY_OUT = "4.33"
    NUMBER_CHANGED = "4.41"
    FORWARDED = "4.43"
    BUSINESS = "4.51"
    NO_ELIGIBLE_RESPONDENT = "4.70"
    QUOTA_FILLED = "4.80"
    NOT_ELIGIBLE_OTHER = "4.90"

    @property
    def group(self) -> Group:
        """The sum that it belongs to."""
        return _group(self)


def _group(one: Disposition) -> Group:
    match one.value.split("."):
        case ["1", "1"]:
            return Group.I
        case ["1", _]:
            return Group.P
        case ["2", code]:
            return {"1": Group.R, "2": Group.NC, "3": Group.O}[code[0]]
        case ["3", code]:
            return {"1": Group.UH, "2": Group.UR, "9": Group.UO}[code[0]]
    return Group.NE


@dataclass(frozen=True, slots=True)
class Cases:
    """How many cases there are of each group."""

    counts: Mapping[Group, int]

    @classmethod
    def of(cls, counts: Mapping[Disposition, int]) -> "Cases":
        """From counts of dispositions. Raises `ValueError` for a negative one."""
        found = dict.fromkeys(Group, 0)
        for one, count in counts.items():
            if count < 0:
                raise ValueError(one)
            found[one.group] += count
        return cls(found)

    def __getitem__(self, group: Group) -> int:
        return self.counts.get(group, 0)

    def sum(self, *groups: Group) -> int:
        return sum(self[one] for one in groups)

    @property
    def eligible(self) -> int:
        """(I+P) + (R+NC+O)."""
        return self.sum(Group.I, Group.P, Group.R, Group.NC, Group.O)

    @property
    def unknown(self) -> int:
        """UH + UR + UO."""
        return self.sum(Group.UH, Group.UR, Group.UO)

    @property
    def proportional_e(self) -> Fraction | None:
        """The share of the known that is eligible, supposed of the unknown too where nobody says another (CASRO)."""
        known = self.eligible + self[Group.NE]
        return Fraction(self.eligible, known) if known else None


class Rate(StrEnum):
    """A rate by AAPOR's name."""

    RR1 = "RR1"
    RR2 = "RR2"
    RR3 = "RR3"
    RR4 = "RR4"
    RR5 = "RR5"
    RR6 = "RR6"
    COOP1 = "COOP1"
    COOP2 = "COOP2"
    COOP3 = "COOP3"
    COOP4 = "COOP4"
    REF1 = "REF1"
    REF2 = "REF2"
    REF3 = "REF3"
    CON1 = "CON1"
    CON2 = "CON2"
    CON3 = "CON3"


@dataclass(frozen=True, slots=True)
class Rates:
    """All rates, and the e by which they were reckoned. None where there is nothing to divide by."""

    e: Fraction | None
    values: Mapping[Rate, Fraction | None]

    def __getitem__(self, rate: Rate) -> Fraction | None:
        return self.values[rate]


def rates(cases: Cases, *, e: Fraction | None = None) -> Rates:
    """Every rate. `e`: the share of unknown cases supposed eligible, from 0 to 1; without one `proportional_e`.

    Where nothing is known of anybody there is no e, and nothing that needs it, unless there are no unknown cases.
    Raises `ValueError` for an e that is no share.
    """
    if e is not None and not 0 <= e <= 1:
        raise ValueError(e)
    used = cases.proportional_e if e is None else e
    unknown = Fraction(cases.unknown)
    every = cases.eligible + unknown
    likely = cases.eligible + used * unknown if used is not None else None if unknown else Fraction(cases.eligible)
    known = Fraction(cases.eligible)
    complete, partial, refused = cases[Group.I], cases.sum(Group.I, Group.P), cases[Group.R]
    able = Fraction(cases.sum(Group.I, Group.P, Group.R))
    contacted = able + cases[Group.O]
    parts: dict[Rate, tuple[int | Fraction, Fraction | None]] = {
        Rate.RR1: (complete, every), Rate.RR2: (partial, every), Rate.RR3: (complete, likely),
        Rate.RR4: (partial, likely), Rate.RR5: (complete, known), Rate.RR6: (partial, known),
        Rate.COOP1: (complete, contacted), Rate.COOP2: (partial, contacted), Rate.COOP3: (complete, able),
        Rate.COOP4: (partial, able), Rate.REF1: (refused, every), Rate.REF2: (refused, likely),
        Rate.REF3: (refused, known), Rate.CON1: (contacted, every), Rate.CON2: (contacted, likely),
        Rate.CON3: (contacted, known),
    }  # fmt: skip
    return Rates(used, {rate: Fraction(above) / below if below else None for rate, (above, below) in parts.items()})
