"""The relief (sgravio) of a debt that its ente has authorised, and what the letter about it says. Pure.

It is authorised once the ente's own state, as the collection system tells it, has it: nothing that was asked for or
proposed here makes a letter.
"""

from collections.abc import Iterable
from datetime import date

from crm.positions.history import steps
from crm.positions.models import PositionState, StepKind
from crm.positions.speech import ACT_NAMES, TAX_NAMES, aside, euro, when
from crm.positions.summary import owed_cents
from crm.positions.views import PositionView, StepView


def reliefs(position: PositionView, today: date) -> dict[date, list[StepView]]:
    """Those in force today, by their day, oldest first. One that was taken back (its last day is told) is none, nor is
    one to come.
    """
    found: dict[date, list[StepView]] = {}
    for one in sorted(steps(position), key=lambda one: one.on):
        if one.kind is StepKind.RELIEF and one.until is None and one.on <= today:
            found.setdefault(one.on, []).append(one)
    return found


def letter(position: PositionView, those: Iterable[StepView]) -> list[str]:
    """The paragraphs of the letter about the reliefs of one day, in Italian, under the ente's name."""
    name, ending = ACT_NAMES[position.act_kind]
    act = f"{name} n. {position.act_number} ({TAX_NAMES[position.tax]} {position.year}), "
    act += f"emess{ending}{when(' il ', position.issued_on)}"
    # What was relieved before the rest was, was a part.
    last = max((one.on for one in steps(position) if one.kind is StepKind.RELIEF and one.until is None), default=None)
    owed = owed_cents(position)

    def extent(one: StepView) -> str:
        return "totale" if position.state is PositionState.RELIEVED and one.on == last else "parziale"

    return [
        *(
            f"Si comunica che l'ente ha disposto lo sgravio {extent(one)}{_amount(one)} del seguente atto: {act}. "
            f"Provvedimento{_reference(one)}{when(' del ', one.on)}{aside(one.note)}."
            for one in those
        ),
        f"Per questo atto restano da pagare {euro(owed)}." if owed
        else "Per questo atto non c'è più nulla da pagare.",
    ]  # fmt: skip


def _amount(one: StepView) -> str:
    return f", per {euro(one.cents)}," if one.cents is not None else ""


def _reference(one: StepView) -> str:
    number = f" n. {one.reference}" if one.reference else ""
    return f"{number}{f', {one.authority},' if one.authority else ''}"
