"""An ente tells less than the table of who may be told what, never more."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.contacts.disclosure import EVERYTHING, GENERAL, Matter, RelationKind, at_best, at_most, narrow
from crm.contacts.narrowing import narrowed
from crm.core.errors import InvalidError

TODAY = date(2026, 11, 21)
KINDS, MATTERS = st.sampled_from(RelationKind), st.frozensets(st.sampled_from(Matter))


@given(KINDS, MATTERS)
def test_what_is_taken_is_never_more_than_the_table_and_always_has_the_general_matters(
    kind: RelationKind, chosen: frozenset[Matter]
) -> None:
    if not chosen <= at_most(kind):
        with pytest.raises(InvalidError) as caught:
            narrow(kind, chosen)
        assert {part.field for part in caught.value.parts} == {
            f"{kind.value}-{one.value}" for one in chosen - at_most(kind)
        }
        return
    rule = narrow(kind, chosen)
    told = at_best(kind, today=TODAY, narrowed=rule).told
    assert GENERAL <= told == chosen | GENERAL <= at_most(kind)
    assert (rule is None) == (chosen | GENERAL == at_most(kind))


@pytest.mark.parametrize("kind", RelationKind)
def test_at_best_is_all_that_the_table_gives(kind: RelationKind) -> None:
    assert at_best(kind, today=TODAY).told == at_most(kind)


def test_the_sentence_says_what_is_left() -> None:
    told = at_best(RelationKind.HEIR, today=TODAY, narrowed={Matter.ACTS})
    assert told.sentence.startswith("Puoi parlare di atti e informazioni generali; non di importi")
    assert "solo informazioni generali" in at_best(RelationKind.DELEGATE, today=TODAY, narrowed=set()).sentence


def test_only_what_is_narrowed_is_kept_and_every_forged_box_is_named() -> None:
    everything = {kind: at_most(kind) for kind in RelationKind}
    assert narrowed(everything) == {}
    assert narrowed(everything | {RelationKind.PARTNER: set()}) == {RelationKind.PARTNER: GENERAL}
    with pytest.raises(InvalidError) as caught:
        narrowed(everything | {RelationKind.PARTNER: EVERYTHING, RelationKind.HEIR: {Matter.CONTACT_DATA}})
    assert [part.field for part in caught.value.parts] == [
        "heir-contact_data", "partner-contact_data", "partner-documents", "partner-plans"
    ]  # fmt: skip
