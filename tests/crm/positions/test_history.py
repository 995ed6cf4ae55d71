"""The history of a debt, what can be paid of it now, and the numbers by which it is found."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from crm.positions.history import STEPS, Sort, history
from crm.positions.models import (
    ActKind,
    NotificationChannel,
    NotificationState,
    PositionState,
    StepKind,
    Tax,
)
from crm.positions.numbers import act_key, spoken
from crm.positions.payable import payable_now, qr_content, qr_svg
from crm.positions.speech import paid_how
from crm.positions.summary import EXTINCT, HALTED, grouped, late_instalments, totals
from crm.positions.views import (
    ActView,
    InstalmentView,
    NotificationView,
    PaymentView,
    PlanView,
    PositionView,
    StepView,
)
from tests.crm.positions.test_summary import PLAN, TARI, TODAY

NOTICE = "301000000000012373"
FULL = replace(
    TARI,
    acts=(
        ActView(ActKind.SOLLECITO, "2023/7", date(2023, 5, 2), (
            NotificationView(
                NotificationChannel.ORDINARY_MAIL, date(2023, 5, 4), NotificationState.SENT, None, None, None
            ),
        )),
        ActView(ActKind.INGIUNZIONE, "2024/118", date(2024, 8, 20), (
            NotificationView(NotificationChannel.PEC, date(2024, 8, 22), NotificationState.FAILED, date(2024, 8, 22),
                             "casella piena", None),
            NotificationView(
                NotificationChannel.MESSO, None, NotificationState.NOTIFIED, date(2024, 9, 3), None, "D-1"
            ),
        )),
    ),
    steps=(
        StepView(StepKind.SUSPENSION, date(2025, 1, 11), date(2025, 3, 8), None, None, None, "istanza in esame"),
        StepView(StepKind.RELIEF, date(2025, 4, 1), None, 5000, None, "12/2025", None),
        StepView(StepKind.LITIGATION, date(2025, 6, 3), None, None, "Corte di giustizia tributaria di Firenze",
                 "88/2025", None),
        StepView(StepKind.FERMO_NOTICE, date(2026, 2, 2), None, None, None, None, "veicolo targato EA123BC"),
    ),
    payments=(PaymentView(date(2025, 2, 1), 10_000, "pagoPA", NOTICE, "R-1"),),
)  # fmt: skip


def test_a_history_is_told_in_order_with_its_reasons_and_proofs() -> None:
    told = history(FULL, TODAY)
    assert [one.sentence for one in told] == [
        "Sollecito n. 2023/7 emesso il 2 maggio 2023",
        "Spedito per posta ordinaria il 4 maggio 2023",
        "Ingiunzione n. 2024/118 emessa il 20 agosto 2024",
        "Spedita via PEC il 22 agosto 2024",
        "Notifica non riuscita il 22 agosto 2024: casella piena",
        "Notificata dal messo notificatore il 3 settembre 2024",
        "Scaduto il termine per pagare, il 3 novembre 2024",
        "Riscossione sospesa l'11 gennaio 2025 (istanza in esame)",
        "Pagati 100,00 euro con pagoPA il 1º febbraio 2025",
        "Terminata la sospensione l'8 marzo 2025",
        "Sgravio di 50,00 euro, n. 12/2025, il 1º aprile 2025",
        "Presentato ricorso, Corte di giustizia tributaria di Firenze, n. 88/2025, il 3 giugno 2025",
        "Emesso un preavviso di fermo amministrativo il 2 febbraio 2026 (veicolo targato EA123BC)",
    ]
    assert [one.document for one in told if one.document] == ["D-1", "R-1"]


def test_the_older_single_fields_are_told_when_there_is_no_list() -> None:
    debt = replace(TARI, state=PositionState.FERMO, state_on=date(2025, 5, 2), state_note="EA123BC")
    assert [one.sentence for one in history(debt, TODAY)] == [
        "Ingiunzione n. 2024/118 emessa il 20 agosto 2024",
        "Notificata il 3 settembre 2024",
        "Scaduto il termine per pagare, il 3 novembre 2024",
        "Iscritto un fermo amministrativo il 2 maggio 2025 (EA123BC)",
    ]


def test_a_plan_says_what_is_late_and_what_comes_next() -> None:
    plan = PlanView(date(2026, 8, 1), None, "R/9", None)
    debt = replace(TARI, state=PositionState.IN_INSTALMENTS, plan=plan, instalments=PLAN)
    told = history(debt, TODAY)
    assert told[2].sentence == "Concessa la rateizzazione in 4 rate, n. R/9 il 1º agosto 2026"
    rates = [(one.late, one.ahead) for one in told if one.sort is Sort.INSTALMENT]
    assert rates == [(False, False), (False, False), (True, False), (False, True)]  # two were paid
    lapsed = replace(debt, plan=replace(plan, lapsed_on=date(2026, 11, 2)))
    assert history(lapsed, TODAY)[-1].sentence == "Rateizzazione decaduta il 2 novembre 2026"


OVER = (PositionState.PAID, PositionState.ANNULLED, PositionState.RELIEVED, PositionState.SUSPENDED,
        PositionState.FERMO)  # fmt: skip


@pytest.mark.parametrize("state", OVER)
def test_of_a_plan_that_is_over_no_rate_is_told_as_owed(state: PositionState) -> None:
    debt = replace(TARI, state=state, instalments=PLAN, residual_cents=40600)
    assert not [one for one in history(debt, TODAY) if one.sort is Sort.INSTALMENT and (one.late or one.ahead)]
    assert late_instalments(debt, TODAY) == []
    assert totals([debt], TODAY).instalments_late == 0


def test_of_what_is_settled_no_term_is_said_to_have_passed() -> None:
    assert [one.sort for one in history(TARI, TODAY)] == [Sort.ACT, Sort.NOTIFICATION, Sort.DUE]
    for state in EXTINCT:
        assert Sort.DUE not in [one.sort for one in history(replace(TARI, state=state), TODAY)]


@pytest.mark.parametrize(
    ("until", "sentence"),
    [
        (date(2026, 11, 2), "Fermo amministrativo revocato il 2 novembre 2026"),
        (date(2026, 12, 11), "Il fermo amministrativo termina l'11 dicembre 2026"),
    ],
)
def test_an_end_is_told_in_its_tense(until: date, sentence: str) -> None:
    step = StepView(StepKind.FERMO, date(2026, 1, 7), until, None, "Comune di Empoli", None, None)
    told = [one.sentence for one in history(replace(TARI, steps=(step,)), TODAY) if one.sort is Sort.STEP]
    assert told == ["Iscritto un fermo amministrativo, Comune di Empoli, il 7 gennaio 2026", sentence]


def test_the_things_of_one_day_are_told_as_one_leads_to_the_next() -> None:
    day = date(2025, 3, 3)
    kinds = (StepKind.REFUND, StepKind.FERMO, StepKind.SUSPENSION, StepKind.FERMO_NOTICE)
    debt = replace(
        TARI, due_on=day, acts=(
            ActView(ActKind.INGIUNZIONE, "2024/118", day, (
                NotificationView(NotificationChannel.PEC, day, NotificationState.NOTIFIED, day, None, None),
            )),
        ),
        steps=tuple(StepView(kind, day, day, None, None, None, None) for kind in kinds),
        plan=PlanView(day, day, None, None), payments=(PaymentView(day, 10_000, "sportello", None, None),),
    )  # fmt: skip
    assert [one.sentence.split(" il 3 marzo 2025")[0] for one in history(debt, TODAY)] == [
        "Ingiunzione n. 2024/118 emessa", "Spedita via PEC", "Notificata", "Riscossione sospesa",
        "Emesso un preavviso di fermo amministrativo", "Iscritto un fermo amministrativo",
        "Concessa la rateizzazione", "Pagati 100,00 euro allo sportello", "Rimborso", "Fermo amministrativo revocato",
        "Terminata la sospensione", "Scaduto il termine per pagare,", "Rateizzazione decaduta",
    ]  # fmt: skip


@pytest.mark.parametrize(("way", "words"), [
    ("pagoPA", " con pagoPA"), ("F24", " con F24"), ("Bonifico", " con bonifico"), ("SPORTELLO", " allo sportello"),
    ("posta", " in posta"), ("banca", " in banca"), ("app  IO", " con l'app IO"), (None, ""), ("", ""),
    ("Poste Italiane, sportello 12", " (Poste Italiane, sportello 12)"),
])  # fmt: skip
def test_how_it_was_paid_reads_well(way: str | None, words: str) -> None:
    assert paid_how(way) == words


days = st.dates(date(2000, 1, 1), date(2040, 1, 1))
words = st.text(max_size=20).filter(lambda words: "None" not in words)  # an unknown would be written so
text = st.none() | words
notifications = st.builds(
    NotificationView, st.none() | st.sampled_from(NotificationChannel), st.none() | days,
    st.sampled_from(NotificationState), st.none() | days, text, text,
)  # fmt: skip
acts = st.builds(ActView, st.sampled_from(ActKind), words, days, st.lists(notifications, max_size=3).map(tuple))
steps = st.builds(
    StepView, st.sampled_from(StepKind), days, st.none() | days, st.none() | st.integers(0, 10**9), text, text, text
)
rates = st.builds(
    InstalmentView, st.integers(1, 9), days, st.integers(0, 10**7), st.none() | days, st.none() | st.just(NOTICE)
)
odd: st.SearchStrategy[PositionView] = st.builds(
    lambda **told: replace(TARI, **told),
    state=st.sampled_from(PositionState),
    state_on=st.none() | days,
    due_on=st.none() | days,
    tax=st.sampled_from(Tax),
    ente_id=st.integers(1, 3),
    residual_cents=st.integers(0, 10**9),
    notification=st.sampled_from(NotificationState),
    notified_on=st.none() | days,
    notice_number=st.none() | st.just(NOTICE),
    acts=st.lists(acts, max_size=3).map(tuple),
    steps=st.lists(steps, max_size=4).map(tuple),
    instalments=st.lists(rates, max_size=4).map(tuple),
    payments=st.lists(st.builds(PaymentView, days, st.integers(0, 10**7), text), max_size=3).map(tuple),
    plan=st.none() | st.builds(PlanView, days, st.none() | days, text, text),
)


@given(odd)
def test_whatever_is_told_comes_in_order_and_without_unknowns(debt: PositionView) -> None:
    told = history(debt, TODAY)
    assert [one.on for one in told] == sorted(one.on for one in told)
    assert all(one.sentence and "None" not in one.sentence and "  " not in _own_words(one.sentence) for one in told)
    assert sum(one.sort is Sort.STEP for one in told) >= len(debt.steps)
    assert all(not one.ahead or one.on >= TODAY for one in told)


def _own_words(sentence: str) -> str:
    return sentence if sentence.isascii() and sentence.isprintable() and "  " not in sentence else ""


@given(st.lists(odd, max_size=8))
def test_groups_hold_every_position_once_and_their_sums_add_up(debts: list[PositionView]) -> None:
    groups = grouped(debts, TODAY)
    assert sorted(map(id, debts)) == sorted(id(one) for group in groups for one in group.positions)
    assert len({(group.ente_id, group.tax) for group in groups}) == len(groups)
    whole = totals(debts, TODAY)
    for name in ("due", "overdue", "suspended", "in_instalments", "paid", "owed"):
        assert sum(getattr(group.totals, name) for group in groups) == getattr(whole, name)


@given(odd)
def test_nothing_is_asked_for_that_is_settled_or_halted_and_nothing_twice(debt: PositionView) -> None:
    asked = payable_now(debt, TODAY)
    if debt.state in EXTINCT | HALTED or not debt.residual_cents:
        assert asked == ()
    assert all(one.cents > 0 for one in asked)
    assert sum(not one.late for one in asked) <= 1
    assert [one.due_on or TODAY for one in asked] == sorted(one.due_on or TODAY for one in asked)


def test_of_a_plan_the_late_rates_and_the_next_one_are_payable() -> None:
    debt = replace(TARI, state=PositionState.IN_INSTALMENTS, instalments=PLAN, residual_cents=40600)
    assert [(one.instalment, one.late) for one in payable_now(debt, TODAY)] == [(3, True), (4, False)]
    lapsed = replace(debt, plan=PlanView(date(2026, 8, 1), TODAY - timedelta(days=1), None, None))
    assert [(one.cents, one.late) for one in payable_now(lapsed, TODAY)] == [(40600, True)]


def test_the_code_is_the_one_that_pagopa_prescribes() -> None:
    content = qr_content(notice_number=NOTICE, codice_fiscale="01329160483", cents=81200)
    assert content == f"PAGOPA|002|{NOTICE}|01329160483|81200"
    made = segno.make_qr(content, version=4, error="m", boost_error=False)
    assert (made.version, made.error) == (4, "M")
    svg = qr_svg(content)
    assert 'viewBox="0 0 41 41"' in svg  # 33 modules and the quiet zone
    assert "style=" not in svg
    assert qr_content(notice_number=NOTICE, codice_fiscale="01329160483", cents=5).endswith("|05")
    with pytest.raises(ValueError, match="cannot be paid"):
        qr_content(notice_number=NOTICE, codice_fiscale="01329160483", cents=0)


@given(st.integers(1, 10**10 - 1))
def test_any_amount_fits_into_the_code(cents: int) -> None:
    content = qr_content(notice_number=NOTICE, codice_fiscale="01329160483", cents=cents)
    assert segno.make_qr(content, version=4, error="m", boost_error=False, mask=0).version == 4


def test_every_step_has_its_words() -> None:
    assert set(STEPS) == set(StepKind)


@pytest.mark.parametrize(
    "written", ["2024/118", "2024-118", " 2024 / 000118 ", "n. 2024/118", "N° 2024-118", "n 2024/118"]
)
def test_an_act_number_is_one_number_whatever_way_it_is_written(written: str) -> None:
    assert act_key(spoken(written)) == "2024/118"


def test_a_letter_of_a_number_is_not_taken_for_its_name() -> None:
    assert [act_key(spoken(one)) for one in ("N2024/118", "num", "NUM2/7")] == ["n/2024/118", "", "num/2/7"]


@given(st.text(max_size=60))
def test_a_key_is_its_own_key(written: str) -> None:
    assert act_key(act_key(written)) == act_key(written)
    assert len(act_key(written)) <= 60
