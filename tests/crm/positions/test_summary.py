"""Sums, and the sentences an agent reads aloud."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.positions.models import ActKind, NotificationState, PositionState, Tax
from crm.positions.speech import euro
from crm.positions.summary import (
    EXTINCT,
    LATE,
    Totals,
    describe,
    is_lapsed_plan,
    is_overdue,
    late_instalments,
    missed_instalments,
    owed_cents,
    totals,
)
from crm.positions.views import InstalmentView, PaymentView, PlanView, PositionView

TODAY = date(2026, 11, 20)
TARI = PositionView(
    id=1, ente_id=1, contact_id=1, reference="T-1", notice_number=None, tax=Tax.TARI, year=2022,
    act_kind=ActKind.INGIUNZIONE, act_number="2024/118", state=PositionState.OVERDUE, state_on=None, state_note=None,
    tax_cents=60000, sanctions_cents=18000, interest_cents=2250, costs_cents=950, paid_cents=0, residual_cents=81200,
    issued_on=date(2024, 8, 20), due_on=date(2024, 11, 3), notification=NotificationState.NOTIFIED,
    notified_on=date(2024, 9, 3), notification_note=None, payments=(), instalments=(),
    as_of=datetime(2026, 11, 20, tzinfo=UTC),
)  # fmt: skip
PLAN = tuple(
    InstalmentView(number, date(2026, 8 + number, 1), 20300, date(2026, 8 + number, 1) if number < 3 else None)
    for number in range(1, 5)
)
SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({}, "Ingiunzione n. 2024/118 per TARI 2022, notificata il 3 settembre 2024: restano da pagare 812,00 euro, "
         "scaduti il 3 novembre 2024"),
    ({"act_kind": ActKind.AVVISO_PAGAMENTO, "state": PositionState.TO_PAY, "due_on": date(2026, 12, 11),
      "notification": NotificationState.SENT, "notified_on": None},
     "Avviso di pagamento n. 2024/118 per TARI 2022, spedito, in attesa dell'esito della notifica: restano da pagare "
     "812,00 euro entro l'11 dicembre 2026"),
    ({"state": PositionState.PARTLY_PAID, "paid_cents": 100000, "due_on": None, "tax": Tax.SANZIONI_CDS},
     "Ingiunzione n. 2024/118 per sanzioni del codice della strada 2022, notificata il 3 settembre 2024: pagati "
     "1.000,00 euro, restano da pagare 812,00 euro"),
    ({"state": PositionState.PAID, "paid_cents": 81200, "notification": NotificationState.FAILED,
      "notification_note": "destinatario trasferito", "payments": (PaymentView(date(2025, 3, 8), 81200, "F24"),)},
     "Ingiunzione n. 2024/118 per TARI 2022, notifica non riuscita (destinatario trasferito): pagata per intero, "
     "812,00 euro, l'8 marzo 2025"),
    ({"state": PositionState.IN_INSTALMENTS, "instalments": PLAN, "residual_cents": 40600},
     "Ingiunzione n. 2024/118 per TARI 2022, notificata il 3 settembre 2024: a rate, pagate 2 su 4, restano 406,00 "
     "euro; in ritardo una rata per 203,00 euro; la prossima, di 203,00 euro, scade il 1º dicembre 2026"),
    ({"state": PositionState.IN_INSTALMENTS, "instalments": PLAN, "residual_cents": 40600,
      "plan": PlanView(date(2026, 8, 1), date(2026, 11, 2), None, None)},
     "Ingiunzione n. 2024/118 per TARI 2022, notificata il 3 settembre 2024: rateizzazione in 4 rate, pagate 2, "
     "decaduta il 2 novembre 2026; restano da pagare 406,00 euro, scaduti il 3 novembre 2024"),
    ({"state": PositionState.OVERDUE, "due_on": None},
     "Ingiunzione n. 2024/118 per TARI 2022, notificata il 3 settembre 2024: restano da pagare 812,00 euro, scaduti"),
    ({"state": PositionState.SUSPENDED, "state_on": date(2025, 1, 11), "state_note": "istanza in esame"},
     "Ingiunzione n. 2024/118 per TARI 2022, notificata il 3 settembre 2024: sospesa dall'11 gennaio 2025 (istanza in "
     "esame), resterebbero da pagare 812,00 euro"),
    ({"state": PositionState.FERMO, "state_on": date(2025, 5, 2), "state_note": "veicolo targato EA123BC"},
     "Ingiunzione n. 2024/118 per TARI 2022, notificata il 3 settembre 2024: restano da pagare 812,00 euro, scaduti "
     "il 3 novembre 2024; fermo amministrativo iscritto il 2 maggio 2025 (veicolo targato EA123BC)"),
    ({"state": PositionState.ANNULLED, "act_kind": ActKind.SOLLECITO, "notification": NotificationState.NOT_SENT},
     "Sollecito n. 2024/118 per TARI 2022, non ancora spedito: annullato, non c'è nulla da pagare"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "sentence"), SENTENCES)
def test_a_position_read_aloud(change: dict[str, Any], sentence: str) -> None:
    assert describe(replace(TARI, **change), TODAY) == sentence


def varied(state: PositionState, due_on: date | None, cents: int) -> PositionView:
    return replace(TARI, state=state, due_on=due_on, residual_cents=cents, instalments=PLAN)


positions = st.builds(
    varied,
    st.sampled_from(PositionState),
    st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.integers(0, 10**9),
)


@given(st.lists(positions, max_size=6))
def test_sums_add_up_to_what_is_owed(debts: list[PositionView]) -> None:
    assert totals(debts, TODAY).owed == sum(map(owed_cents, debts))
    assert all(owed_cents(debt) == 0 for debt in debts if debt.state in EXTINCT)


@given(positions)
def test_every_position_has_a_sentence(debt: PositionView) -> None:
    assert describe(debt, TODAY).startswith("Ingiunzione n. 2024/118 per TARI 2022, notificata il 3 settembre 2024: ")


def test_totals() -> None:
    debts = [
        TARI,
        replace(TARI, due_on=TODAY, residual_cents=100),
        replace(TARI, state=PositionState.SUSPENDED, residual_cents=200),
        replace(TARI, state=PositionState.IN_INSTALMENTS, instalments=PLAN, residual_cents=40600, paid_cents=40600),
        replace(TARI, state=PositionState.ANNULLED, residual_cents=5),
    ]
    assert totals(debts, TODAY) == Totals(
        due=100, overdue=81200, suspended=200, in_instalments=40600, instalments_late=20300, paid=40600
    )
    assert [is_overdue(debt, TODAY) for debt in debts] == [True, False, False, False, False]


def test_without_a_due_date_a_debt_is_late_by_what_became_of_it() -> None:
    for state in PositionState:
        assert is_overdue(replace(TARI, state=state, due_on=None), TODAY) == (state in LATE), state


def test_a_plan_that_lapsed_leaves_the_whole_to_pay() -> None:
    plan = PlanView(date(2026, 8, 1), date(2026, 11, 2), None, None)
    debt = replace(TARI, state=PositionState.IN_INSTALMENTS, instalments=PLAN, residual_cents=40600, plan=plan)
    assert totals([debt], TODAY) == Totals(overdue=40600)
    assert totals([replace(debt, due_on=None)], TODAY) == Totals(overdue=40600)
    assert totals([replace(debt, due_on=date(2026, 12, 1))], TODAY) == Totals(due=40600)
    assert is_lapsed_plan(debt)
    assert [rate.number for rate in missed_instalments(debt, TODAY)] == [3]
    assert late_instalments(debt, TODAY) == []  # its sum is late as a whole, and counted once


def test_what_became_of_a_debt_after_its_plan_lapsed_is_what_it_is() -> None:
    plan = PlanView(date(2026, 8, 1), date(2026, 11, 2), None, None)
    seized = replace(TARI, state=PositionState.FERMO, instalments=PLAN, residual_cents=40600, plan=plan)
    assert not is_lapsed_plan(seized)
    assert missed_instalments(seized, TODAY) == []


def test_amounts_are_written_the_italian_way() -> None:
    assert euro(123456789) == "1.234.567,89 euro"
