"""Which reliefs there is a letter about, and what it says."""

from dataclasses import replace
from datetime import date

import pytest

from crm.positions.models import PositionState, StepKind
from crm.positions.relief import letter, reliefs
from crm.positions.views import StepView
from tests.crm.positions.test_summary import TARI as POSITION

TODAY, GIVEN = date(2026, 11, 23), date(2026, 9, 8)
PART = StepView(StepKind.RELIEF, GIVEN, None, 5000, "Ufficio Tributi", "118/2026", "versamento già eseguito")


def test_what_the_ente_has_authorised_in_part_is_told_with_what_is_left() -> None:
    owes = replace(POSITION, steps=(PART,), residual_cents=12345, state=PositionState.OVERDUE)
    ((on, those),) = reliefs(owes, TODAY).items()
    assert on == GIVEN
    first, last = letter(owes, those)
    assert "l'ente ha disposto lo sgravio parziale, per 50,00 euro, del seguente atto" in first
    assert f"n. {POSITION.act_number}" in first
    assert "Provvedimento n. 118/2026, Ufficio Tributi, dell'8 settembre 2026 (versamento già eseguito)." in first
    assert last == "Per questo atto restano da pagare 123,45 euro."


def test_what_is_relieved_as_a_whole_leaves_nothing_to_pay_also_where_the_state_alone_tells_it() -> None:
    freed = replace(POSITION, steps=(), state=PositionState.RELIEVED, state_on=GIVEN, state_note=None)
    first, last = letter(freed, reliefs(freed, TODAY)[GIVEN])
    assert "sgravio totale del seguente atto" in first
    assert last == "Per questo atto non c'è più nulla da pagare."


def test_the_letter_about_a_part_stays_one_once_the_rest_is_relieved_as_well() -> None:
    rest = replace(PART, on=date(2026, 10, 20), cents=7345)
    freed = replace(POSITION, steps=(PART, rest), state=PositionState.RELIEVED, state_on=rest.on)
    by_day = reliefs(freed, TODAY)
    assert "sgravio parziale, per 50,00 euro" in letter(freed, by_day[GIVEN])[0]
    assert "sgravio totale, per 73,45 euro" in letter(freed, by_day[rest.on])[0]


@pytest.mark.parametrize(
    "step",
    [
        replace(PART, until=date(2026, 10, 1)),  # taken back
        replace(PART, on=date(2026, 11, 24)),  # to come
        replace(PART, kind=StepKind.SUSPENSION), replace(PART, kind=StepKind.ANNULMENT),
    ],
)  # fmt: skip
def test_there_is_no_letter_about_what_is_not_authorised(step: StepView) -> None:
    assert reliefs(replace(POSITION, steps=(step,), state=PositionState.OVERDUE), TODAY) == {}
    assert reliefs(replace(POSITION, steps=(), state=PositionState.OVERDUE), TODAY) == {}
