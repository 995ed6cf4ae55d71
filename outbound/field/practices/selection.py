"""Of whom a practice may be opened, where he is looked for, and what it is about. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from crm.contacts.models import AddressKind, LastOutcome, Verification
from crm.contacts.queries import AddressView, ContactView
from crm.positions.models import ActKind
from crm.positions.summary import Standing, late_instalments, owed_cents, standing
from crm.positions.views import PositionView
from outbound.compliance.rules import Reason, Verdict

# What only says that he is not visited right now: his practice is opened, and waits.
WAITS = frozenset(
    {
        Reason.WINDOW, Reason.SPOKEN_TODAY, Reason.SPOKEN_THIS_WEEK, Reason.WISH, Reason.VISITED, Reason.CLAIMED,
    }
)  # fmt: skip
_VAIN = frozenset({LastOutcome.UNREACHABLE, LastOutcome.WRONG_PERSON})


@dataclass(frozen=True, slots=True)
class Debt:
    """A position that may be asked for, and how much of it, in cents."""

    reference: str
    act_kind: ActKind
    cents: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody of whom a practice would be opened; `refused`: why it is not."""

    contact_id: int
    name: str
    door: AddressView | None
    debts: tuple[Debt, ...]
    business: bool
    verdict: Verdict
    refused: tuple[Reason, ...]

    @property
    def cents(self) -> int:
        """What is due."""
        return sum(one.cents for one in self.debts)


def refused(verdict: Verdict, *, door: bool, in_practice: bool) -> tuple[Reason, ...]:
    """Why no practice is opened of somebody who is judged so."""
    found = [one for one in verdict.reasons if one not in WAITS]
    if in_practice:
        found.append(Reason.IN_PRACTICE)
    if not door:
        found.append(Reason.NO_ADDRESS)
    return tuple(found)


def door_of(rows: Iterable[ContactView]) -> AddressView | None:
    """Where to knock: where he lives or has his seat, else his domicile; in Italy, with a street and a town."""
    for person in rows:
        right = [
            one
            for one in person.addresses
            if one.verification is not Verification.WRONG and one.outcome not in _VAIN
            and one.street and one.town and one.country == "IT"
        ]  # fmt: skip
        if right:
            return min(right, key=_rank)
    return None


def _rank(one: AddressView) -> tuple[bool, bool, int]:
    return one.verification is not Verification.VERIFIED, one.kind is AddressKind.DOMICILE, one.id


def debts(positions: Iterable[PositionView], today: date) -> tuple[Debt, ...]:
    """What may be asked of him: neither what is suspended nor the rates of a plan that are still to come."""
    found = (Debt(one.reference, one.act_kind, _payable(one, today)) for one in positions)
    return tuple(one for one in found if one.cents > 0)


def _payable(one: PositionView, today: date) -> int:
    match standing(one, today):
        case Standing.DUE | Standing.OVERDUE:
            return owed_cents(one)
        case Standing.IN_INSTALMENTS:
            return sum(rate.cents for rate in late_instalments(one, today))
    return 0
