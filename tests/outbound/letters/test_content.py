"""What a letter says, and never says; its fields, its number, its weight, its address. No database."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.contacts.models import AddressKind, LastOutcome, PersonKind, Verification
from crm.contacts.queries import AddressView, ContactView
from crm.core.errors import InvalidError
from crm.positions.models import ActKind, NotificationState, PositionState, Tax
from crm.positions.views import InstalmentView, PlanView, PositionView
from outbound.campaigns import plan as plans
from outbound.campaigns.plan import Channel, Phase, Plan, Purpose, Step
from outbound.letters import address, codes, postage, wording
from outbound.letters.codes import Code
from outbound.letters.content import Facts, Sender, asked, grouped, written
from outbound.letters.postage import Envelope, Prices, Weight
from outbound.letters.usual import USUAL
from outbound.letters.wording import FIELDS, Field, LetterText
from tests.cast import AS_OF, NOTICE

TODAY = date(2026, 11, 24)
ADDRESS = AddressView("Via Roma, 1", "50053", "Empoli", "FI", id=7)


def mario(*addresses: AddressView, name: str = "BIANCHI") -> ContactView:
    return ContactView(
        1, 1, "BNCMRA62A01D403X", None, PersonKind.NATURAL, name, "MARIO", None, None, "it", True, None, None, None,
        AS_OF, None, addresses=addresses,
    )  # fmt: skip


def debt(**about: Any) -> PositionView:
    usual = PositionView(
        1, 1, 1, "E-1", NOTICE, Tax.TARI, 2023, ActKind.INGIUNZIONE, "2024/118", PositionState.OVERDUE, None, None,
        10_000, 0, 0, 0, 0, 10_000, date(2024, 1, 1), date(2024, 6, 30), NotificationState.NOTIFIED, None, None, (), (),
        AS_OF,
    )  # fmt: skip
    return replace(usual, **about)


def rates(*days: date, state: PositionState = PositionState.IN_INSTALMENTS) -> PositionView:
    plan = tuple(InstalmentView(n, day, 2_500, None) for n, day in enumerate(days, 1))
    return debt(state=state, instalments=plan, plan=PlanView(date(2026, 1, 1), None, None, None))


def facts(*positions: PositionView, phase: Phase = Phase.PERSONAL) -> Facts:
    to = address.addressee([mario(ADDRESS)])
    assert to is not None
    sender = Sender("Comune di Empoli", "01329160483", line="800 000 000", cbill="A1B2C")
    items = asked(positions, phase, TODAY)
    return Facts("L1-000001-01", phase, USUAL[phase], TODAY, date(2026, 12, 16), sender, to, items)


def test_the_letter_asks_for_each_debt_with_its_notice_and_says_the_sum() -> None:
    said = written(facts(debt(), debt(id=2, tax=Tax.IMU, residual_cents=5_050, notice_number=None)))
    assert said["subject"] == "Sollecito di pagamento: IMU 2023 e TARI 2023"
    assert said["total"] == "150,50 euro"
    assert [one["notice"] for one in said["rows"]] == ["–", "3010 0000 0000 0123 73"]
    assert [one["qr"] for one in said["notices"]] == [f"PAGOPA|002|{NOTICE}|01329160483|10000"]
    assert "Per ciò che non ha un codice avviso" in " ".join(said["how"])
    assert said["to"] == ["MARIO BIANCHI", "VIA ROMA, 1", "50053 EMPOLI FI"]
    assert not said["notices"][0]["until"], "a notice that is late shows no day"


@pytest.mark.parametrize(
    "state",
    [
        PositionState.PAID, PositionState.ANNULLED, PositionState.RELIEVED, PositionState.SUSPENDED,
        PositionState.INSOLVENCY, PositionState.IN_LITIGATION,
    ],
)  # fmt: skip
def test_nothing_is_asked_for_that_is_settled_halted_or_disputed(state: PositionState) -> None:
    for phase in Phase:
        assert asked([debt(state=state)], phase, TODAY) == ()


def test_of_a_plan_that_is_kept_nothing_is_asked_and_of_a_late_one_the_late_rates() -> None:
    kept = rates(TODAY + timedelta(days=10), TODAY + timedelta(days=40))
    late = rates(TODAY - timedelta(days=10), TODAY + timedelta(days=20))
    assert asked([kept], Phase.PERSONAL, TODAY) == asked([kept], Phase.VOLUNTARY, TODAY) == ()
    (one,) = asked([late], Phase.PERSONAL, TODAY)
    assert (one.cents, one.act) == (2_500, "ingiunzione n. 2024/118, rata 1 di 2")


def test_a_reminder_speaks_of_what_is_not_late_yet_and_a_solicitation_does_not() -> None:
    coming = debt(due_on=TODAY + timedelta(days=20), state=PositionState.TO_PAY)
    assert asked([coming], Phase.PERSONAL, TODAY) == ()
    said = written(facts(coming, phase=Phase.VOLUNTARY))
    assert "entro il 16 dicembre 2026" in " ".join(said["paragraphs"])
    assert "sollecit" not in f"{said['subject']} {said['paragraphs']}".casefold()
    assert said["notices"][0]["until"] == "14/12/2026"


@given(st.lists(st.sampled_from(PositionState)), st.sampled_from(Phase), st.integers(-400, 400), st.integers(0, 10**7))
def test_what_is_asked_never_exceeds_what_is_owed(
    states: list[PositionState], phase: Phase, days: int, cents: int
) -> None:  # fmt: skip
    due_on = TODAY + timedelta(days=days)
    owed = [debt(id=n, state=one, residual_cents=cents, due_on=due_on) for n, one in enumerate(states)]
    items = asked(owed, phase, TODAY)
    assert sum(one.cents for one in items) <= sum(one.residual_cents for one in owed)
    assert all(one.cents > 0 for one in items)
    assert len({one.position_id for one in items}) == len(items)


def test_a_field_that_is_not_there_is_refused_with_its_line_and_what_was_meant() -> None:
    (one,) = wording.mistakes("Gentile {nome},\n{importi}", FIELDS["personal"])
    assert str(one) == "Riga 2: il campo «importi» qui non c'è, si può usare {importo}."
    assert "Riga 1: la parentesi «{» è sola" in str(wording.mistakes("{nome", FIELDS["personal"])[0])
    text = LetterText("Promemoria", "Entro il {scadenza}")
    plans.check(Plan(letters={Phase.VOLUNTARY: text}))
    with pytest.raises(InvalidError) as refused:
        plans.check(Plan(letters={Phase.PERSONAL: text}))
    assert [one.field for one in refused.value.parts] == ["body-personal"]


@given(st.text(st.sampled_from("{}ab \n") | st.characters(), max_size=60))
def test_a_text_without_mistakes_is_always_filled(text: str) -> None:
    values = dict.fromkeys(Field, "X")
    if not wording.mistakes(text, Field):
        assert "{" not in wording.filled(text, values)


def test_the_usual_letters_are_right_and_what_a_letter_step_lacks_is_said() -> None:
    steps = (Step(Channel.LETTER),)
    plans.check(Plan(steps=steps, letters=USUAL))
    assert plans.missing(Plan(steps=steps, letters=USUAL, voluntary_until=TODAY, line="+390571000001")) == []
    lacks = plans.missing(Plan(steps=steps, voluntary_until=TODAY))
    assert [one.field for one in lacks] == ["line", "body-voluntary", "body-personal"]
    assert plans.missing(Plan(purpose=Purpose.SURVEY, steps=steps, letters=USUAL))
    assert plans.parsed(plans.kept(Plan(letters=USUAL))) == Plan(letters=USUAL)


@given(st.integers(1, 10**9), st.integers(1, codes.MOST_IN_BATCH), st.integers(0, 30), st.integers(0, 9))
def test_a_number_is_read_back_and_one_wrong_digit_is_found(batch: int, number: int, at: int, digit: int) -> None:
    text = str(Code(batch, number))
    assert codes.parse(text) == codes.parse(text.replace("-", " ").lower()) == Code(batch, number)
    places = [place for place, char in enumerate(text) if char.isdigit()]
    place = places[at % len(places)]
    if text[place] != str(digit):
        with pytest.raises(InvalidError):
            codes.parse(f"{text[:place]}{digit}{text[place + 1 :]}")


@given(st.integers(1, 200), st.booleans())
def test_more_pages_never_weigh_or_cost_less(pages: int, duplex: bool) -> None:
    prices = Prices(4, 10, {one: int(one) for one in Weight})
    less, more = (postage.parcel(n, duplex=duplex) for n in (pages, pages + 1))
    assert less.grams <= more.grams
    if (cents := more.cents(prices)) is not None:
        assert (less.cents(prices) or 0) <= cents


def test_three_pages_on_both_sides_are_a_light_letter() -> None:
    parcel = postage.parcel(3, duplex=True)
    assert (parcel.sheets, parcel.grams, parcel.envelope, parcel.weight) == (2, 15, Envelope.DL, Weight.G20)
    assert parcel.cents(Prices(3, 12, {Weight.G20: 95})) == 113
    assert postage.parcel(12, duplex=False).cents(Prices(3, 12, {Weight.G20: 95})) is None
    with pytest.raises(InvalidError) as refused:
        postage.check(Prices(-1, 12, {}))
    assert {one.field for one in refused.value.parts} == {"sheet_cents", "postage-20"}


def test_an_address_found_wrong_or_without_a_number_is_not_written_to() -> None:
    wrong = replace(ADDRESS, verification=Verification.WRONG)
    returned = replace(ADDRESS, outcome=LastOutcome.UNREACHABLE)
    bare = replace(ADDRESS, street="Località Case Nuove")
    foreign = AddressView("Bahnhofstrasse 3", "8001", "Zürich", None, "CH", id=9)
    assert address.addressee([mario(wrong, returned, bare)]) is None
    assert address.addressee([mario(wrong), mario(replace(bare, street="Loc. Case Nuove SNC", id=8))]) is not None
    abroad = address.addressee([mario(foreign)])
    assert abroad is not None
    assert abroad.lines[-1] == "SVIZZERA"
    verified = replace(ADDRESS, id=9, kind=AddressKind.DOMICILE, verification=Verification.VERIFIED)
    best = address.addressee([mario(ADDRESS, verified)])
    assert best is not None
    assert best.address_id == 9


@given(st.text("ABC XYZ'", min_size=1, max_size=160).filter(str.strip), st.text("via ROMA 123", max_size=160))
def test_an_address_fits_its_window(name: str, street: str) -> None:
    one = replace(ADDRESS, street=f"{street} 1", country="CH")
    lines = address.lines(name, one)
    assert 3 <= len(lines) <= 6
    assert all(len(line) <= address.LONGEST_LINE for line in lines)


def test_the_number_of_a_notice_is_printed_in_fours() -> None:
    assert grouped(NOTICE) == "3010 0000 0000 0123 73"
