"""When a letter that answers a case may still leave."""

from hypothesis import given
from hypothesis import strategies as st

from crm.cases.lifecycle import Deed, State, Topic, possible
from crm.cases.posted import LEADS_ON, Fate, fate

QUIET = sorted(set(Deed) - LEADS_ON)
TOPICS, STATES = st.sampled_from(Topic), st.sampled_from(State)


@given(TOPICS, STATES, st.lists(st.sampled_from(Deed)), st.booleans())
def test_a_letter_leaves_only_where_its_case_may_be_answered_and_stood_still(
    topic: Topic, state: State, since: list[Deed], rests: bool
) -> None:
    answered = any(one.deed is Deed.REPLY for one in possible(topic, state))
    found = fate(topic, state, since=since, rests=rests)
    assert (found is Fate.OVERTAKEN) == (not answered or bool(LEADS_ON & set(since)))
    assert found is not Fate.LEAVES or not rests


@given(TOPICS, STATES, st.lists(st.sampled_from(Deed)), st.booleans())
def test_one_that_only_carries_the_answer_again_leaves_until_the_case_goes_on(
    topic: Topic, state: State, since: list[Deed], rests: bool
) -> None:
    found = fate(topic, state, since=since, rests=rests, again=True)
    assert (found is Fate.LEAVES) == LEADS_ON.isdisjoint(since)


@given(TOPICS, STATES, st.lists(st.sampled_from(QUIET)), st.booleans())
def test_a_note_a_paper_or_another_owner_keep_no_letter_back(
    topic: Topic, state: State, since: list[Deed], rests: bool
) -> None:
    assert fate(topic, state, since=since, rests=rests) is fate(topic, state, since=(), rests=rests)
