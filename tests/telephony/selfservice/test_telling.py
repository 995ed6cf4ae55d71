"""What is said of a debt."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.positions.models import ActKind, NotificationState, PositionState, Tax
from crm.positions.views import InstalmentView, PaymentView, PlanView, PositionView, PrintedView
from telephony.ivr.languages import Language
from telephony.selfservice import telling

IT, EN, DE = Language.ITALIAN, Language.ENGLISH, Language.GERMAN
TODAY = date(2026, 11, 20)
NOTICE = "301000000000012373"
DEBT = PositionView(
    id=1, ente_id=1, contact_id=1, reference="T-1", notice_number=NOTICE, tax=Tax.TARI, year=2024,
    act_kind=ActKind.INGIUNZIONE, act_number="2024/118", state=PositionState.TO_PAY, state_on=None,
    state_note="contenzioso con la vicina", tax_cents=60_000, sanctions_cents=18_000, interest_cents=2_250,
    costs_cents=950, paid_cents=0, residual_cents=81_200, issued_on=date(2024, 8, 20), due_on=date(2026, 12, 8),
    notification=NotificationState.NOTIFIED, notified_on=date(2024, 9, 3), notification_note="portiere",
    payments=(), instalments=(), as_of=datetime(2026, 11, 20, 5, tzinfo=UTC),
    printed=PrintedView(78_950, date(2024, 10, 19)),
)  # fmt: skip
RATES = tuple(
    InstalmentView(
        n, date(2026, 9 + n, 1) if n < 4 else date(2027, 1, 1), 20_300, date(2026, 10, 1) if n == 1 else None
    )
    for n in (1, 2, 3, 4)
)
ON_RATES = replace(
    DEBT, state=PositionState.IN_INSTALMENTS, instalments=RATES, residual_cents=60_900, paid_cents=20_300,
    plan=PlanView(date(2026, 9, 1), None, None, None),
)  # fmt: skip


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (IT, "Ingiunzione, tassa sui rifiuti, duemilaventiquattro. Da pagare: ottocentododici euro, entro l'otto "
         "dicembre duemilaventisei."),
        (EN, "Payment injunction, waste tax, twenty twenty-four. To pay: eight hundred and twelve euros, by the eighth "
         "of December twenty twenty-six."),
        (DE, "Zahlungsbefehl, Müllgebühr, zweitausendvierundzwanzig. Zu zahlen: achthundertzwölf Euro, bis zum achten "
         "Dezember zweitausendsechsundzwanzig."),
    ],
)  # fmt: skip
def test_what_is_due_and_until_when(language: Language, said: str) -> None:
    assert telling.due([DEBT], TODAY, language) == (said,)


@pytest.mark.parametrize(
    ("state", "end"),
    [
        (PositionState.PAID, "Risulta pagato per intero. Non c'è nulla da pagare."),
        (PositionState.ANNULLED, "È stato annullato. Non c'è nulla da pagare."),
        (PositionState.SUSPENDED, "È sospeso: per ora non deve pagare nulla."),
        (PositionState.FERMO, "C'è anche un procedimento in corso: ne parli con un operatore."),
        (PositionState.IN_LITIGATION, "C'è anche un procedimento in corso: ne parli con un operatore."),
    ],
)
def test_a_state_is_said_in_general_words(state: PositionState, end: str) -> None:
    (said,) = telling.due([replace(DEBT, state=state)], TODAY, IT)
    assert said.endswith(end)


def test_what_is_late_is_said_to_be() -> None:
    (said,) = telling.due([replace(DEBT, due_on=date(2024, 11, 3))], TODAY, IT)
    assert said.endswith("Da pagare: ottocentododici euro, scaduti dal tre novembre duemilaventiquattro.")


def test_instalments_paid_late_and_next() -> None:
    (said,) = telling.instalments([ON_RATES], TODAY, IT)
    assert said == (
        "Rate pagate: una su quattro. In ritardo: una rata, duecentotré euro. La prossima è di duecentotré euro, "
        "entro il primo dicembre duemilaventisei."
    )
    lapsed = replace(ON_RATES, plan=PlanView(date(2026, 9, 1), date(2026, 11, 8), None, None))
    assert telling.instalments([lapsed, DEBT], TODAY, IT) == (
        "La rateizzazione è decaduta l'otto novembre duemilaventisei: l'intero importo è da pagare.",
        "Per questo avviso non c'è una rateizzazione.",
    )


def test_the_notification() -> None:
    assert telling.notification([DEBT], EN) == (
        "Payment injunction, waste tax, twenty twenty-four. It was notified on the third of September twenty "
        "twenty-four.",
    )
    (failed,) = telling.notification([replace(DEBT, notification=NotificationState.FAILED)], IT)
    assert "portiere" not in failed


states = st.sampled_from(PositionState)


@given(states, st.integers(0, 81_200), states, st.integers(0, 81_200), st.sampled_from(Language))
def test_without_a_factor_nothing_is_heard_of_what_happened_after_the_paper(
    state: PositionState, paid: int, other: PositionState, also: int, language: Language
) -> None:
    """The two debts differ in everything that is not on the notice, and are said alike."""
    one = replace(DEBT, state=state, paid_cents=paid, residual_cents=81_200 - paid)
    two = replace(
        DEBT, state=other, paid_cents=also, residual_cents=81_200 - also, instalments=RATES, tax_cents=also,
        interest_cents=paid, due_on=TODAY, act_kind=ActKind.SOLLECITO, notification=NotificationState.FAILED,
        payments=(PaymentView(TODAY, also, None),),
    )  # fmt: skip
    assert telling.printed([one], NOTICE, language) == telling.printed([two], NOTICE, language)
    assert telling.printed([replace(one, printed=None)], NOTICE, language) == telling.printed(
        [replace(two, printed=None)], NOTICE, language
    ), "nor is the sum of today told instead of one that is not known"


def test_the_printed_sum_and_date_are_said_and_that_they_are_not_known() -> None:
    said, _ = telling.printed([DEBT], NOTICE, IT)
    assert said == (
        "Avviso, tassa sui rifiuti, duemilaventiquattro. Chiede settecentottantanove euro e cinquanta, entro il "
        "diciannove ottobre duemilaventiquattro."
    )
    said, _ = telling.printed([replace(DEBT, printed=None)], NOTICE, IT)
    assert said == (
        "Avviso, tassa sui rifiuti, duemilaventiquattro. Non sappiamo quali importo e scadenza sono stampati: li trova "
        "sull'avviso. Se non lo ha con sé, parli con un operatore."
    )


def test_an_instalments_notice_says_the_instalment_and_an_older_one_no_sum() -> None:
    third = replace(RATES[2], notice_number="302000000000000000")
    said, _ = telling.printed([replace(ON_RATES, instalments=(third,))], "302000000000000000", IT)
    assert said.endswith("Chiede duecentotré euro, entro il primo dicembre duemilaventisei.")
    said, _ = telling.printed([DEBT], "304000000000000000", IT)
    assert "Non sappiamo" in said


def test_as_of_when_it_is_true() -> None:
    assert telling.fresh([DEBT], stale=lambda _: False, language=IT) == (
        "I dati sono aggiornati al venti novembre duemilaventisei."
    )
    assert "può mancare" in telling.fresh([DEBT], stale=lambda _: True, language=IT)


@given(states, st.sampled_from(NotificationState), st.sampled_from(Tax), st.sampled_from(Language), st.booleans())
def test_everything_is_words_and_nothing_that_people_wrote_is_said(
    state: PositionState, notification: NotificationState, tax: Tax, language: Language, on_rates: bool
) -> None:
    debt = replace(ON_RATES if on_rates else DEBT, state=state, notification=notification, tax=tax)
    said = " ".join(
        [
            *telling.due([debt], TODAY, language), *telling.instalments([debt], TODAY, language),
            *telling.notification([debt], language), *telling.printed([debt], NOTICE, language),
            *telling.ways(NOTICE, (), language),
        ]
    )  # fmt: skip
    assert not any(char.isdigit() or char in "{}" for char in said)
    assert not {"vicina", "portiere"} & set(said.split())
