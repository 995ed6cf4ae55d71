"""How a sample is shared out among strata. Pure; who is drawn is `drawing`'s."""

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction


class Allocation(StrEnum):
    """By what the cases are shared out."""

    PROPORTIONAL = "proportional"  # to how many people each stratum has
    EQUAL = "equal"  # as many in each, to compare them
    NEYMAN = "neyman"  # more where people differ more: the least variance of the whole for so many interviews


class By(StrEnum):
    """What makes the strata, where it is no column of the list's own file."""

    NOTHING = "nothing"
    KIND = "kind"  # people and firms
    TOWN = "town"  # of residence
    TAX = "tax"  # of the greatest debt
    AGE = "age"  # of the oldest debt


class Age(StrEnum):
    """How old somebody's oldest debt is."""

    NONE = "0"
    BELOW_ONE = "<1"
    BELOW_THREE = "1-3"
    BELOW_FIVE = "3-5"
    OLDER = ">5"


def allocated(
    populations: Mapping[str, int], size: int, how: Allocation, spread: Mapping[str, Fraction] | None = None
) -> dict[str, int]:
    """How many cases each stratum gets: `size` in all, or everybody where there are fewer; never more than it has.

    `spread`: for Neyman the standard deviation within each stratum, one for all where none is known. Shares are
    rounded by largest remainder; what a small stratum cannot take goes to the others by the same rule.
    Raises `ValueError` for a negative number.
    """
    if size < 0 or any(one < 0 for one in populations.values()) or any(one < 0 for one in (spread or {}).values()):
        raise ValueError(size)
    weights = {name: _weight(count, how, (spread or {}).get(name)) for name, count in populations.items()}
    given = dict.fromkeys(populations, 0)
    left = min(size, sum(populations.values()))
    while left:
        room = {name: populations[name] - given[name] for name in populations if populations[name] > given[name]}
        shares = _shared(left, {name: weights[name] for name in room})
        for name, share in shares.items():
            given[name] += min(share, room[name])
        left = min(size, sum(populations.values())) - sum(given.values())
    return given


def _weight(count: int, how: Allocation, spread: Fraction | None) -> Fraction:
    if not count or how is Allocation.EQUAL:
        return Fraction(bool(count))
    return Fraction(count) * (Fraction(1) if how is Allocation.PROPORTIONAL or spread is None else spread)


def _shared(whole: int, weights: Mapping[str, Fraction]) -> dict[str, int]:
    """`whole` by weight, in whole numbers, by largest remainder; equally, where all weigh nothing."""
    total = sum(weights.values(), Fraction())
    exact = {name: whole * (one / total if total else Fraction(1, len(weights))) for name, one in weights.items()}
    shares = {name: int(one) for name, one in exact.items()}
    rest = sorted(exact, key=lambda name: (shares[name] - exact[name], name))
    for name in rest[: whole - sum(shares.values())]:
        shares[name] += 1
    return shares
