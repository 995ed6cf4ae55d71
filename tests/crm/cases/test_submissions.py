"""What may be sent from the pages, and what the code shows of it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.cases.lifecycle import MACHINES, Deed, Outcome, State, Topic, possible
from crm.cases.models import PauseReason
from crm.cases.submissions import rules
from crm.cases.submissions.codes import number_of
from crm.cases.submissions.rules import Stage, Told, answer_due, sender, stage, story
from crm.cases.terms import TermKind
from crm.core.errors import InvalidError

AT = datetime(2026, 11, 23, tzinfo=UTC)


def wrong(do: object) -> set[str | None]:
    with pytest.raises(InvalidError) as found:
        do()  # type: ignore[operator]
    return {one.field for one in found.value.parts}


def test_a_complaint_may_be_anonymous_and_a_refund_may_not() -> None:
    assert sender(Told(), Topic.COMPLAINT).anonymous
    assert wrong(lambda: sender(Told(), Topic.REFUND)) == {"surname", "codice_fiscale", "email"}


def test_whoever_says_something_of_himself_says_it_right() -> None:
    typed = Told(given_name=" Paola ", surname="Verdi", email="paola@", phone="12", codice_fiscale="x")
    assert wrong(lambda: sender(typed, Topic.COMPLAINT)) == {"email", "phone", "codice_fiscale"}
    good = sender(Told(surname="  Verdi", email="PAOLA@example.it", phone="333 1234567"), Topic.COMPLAINT)
    assert (good.surname, good.email, good.phone) == ("Verdi", "paola@example.it", "+393331234567")


def test_a_story_is_needed_and_keeps_its_lines() -> None:
    assert wrong(lambda: story(Told(reasons=" \n "))) == {"reasons"}
    assert wrong(lambda: story(Told(reasons="a" * 4001, asked="\x00"))) == {"reasons", "asked"}
    assert story(Told(reasons=" La\tfila \r\n è lunga ")).reasons == "La fila\nè lunga"


@pytest.mark.parametrize(
    ("text", "number"), [("2026/118", (2026, 118)), (" 2026 - 7 ", (2026, 7)), ("26/7", None), ("2026/", None)]
)
def test_a_number_as_people_type_it(text: str, number: tuple[int, int] | None) -> None:
    assert number_of(text) == number


@given(st.sampled_from(State), st.none() | st.sampled_from(Outcome), st.none() | st.sampled_from(PauseReason))
def test_every_case_is_somewhere_and_papers_are_sent_only_when_asked_for(
    state: State, outcome: Outcome | None, rests: PauseReason | None
) -> None:
    found = stage(state, outcome, rests=rests)
    assert found is not Stage.PAPERS or rests is PauseReason.PAPERS_MISSING
    assert (found in {Stage.ANSWERED, Stage.CLOSED}) <= (state in {State.CLOSED, State.AT_GESTIONALE})


def test_what_may_be_taken_back_on_the_pages_may_be_in_the_life_of_every_topic() -> None:
    for topic in rules.ANONYMOUS:
        for state in {step.since for step in MACHINES[topic]}:
            can = Deed.WITHDRAW in {one.deed for one in possible(topic, state)}
            assert can is rules.may_withdraw(state), (topic, state)


def test_the_answer_is_due_when_the_reply_is_and_not_when_a_sheet_is() -> None:
    later = AT.replace(month=12)
    assert answer_due([(TermKind.SHEET, AT), (TermKind.REPLY, later)]) == later
    assert answer_due([(TermKind.SHEET, AT), (TermKind.REPLY, None)]) is None
