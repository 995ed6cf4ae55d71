"""Who may be told what: the table, and what holds whatever the facts."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.contacts.disclosure import (
    EVERYTHING,
    GENERAL,
    OPEN,
    STRANGER,
    TAXPAYER,
    Cover,
    Ground,
    Matter,
    Person,
    RelationKind,
    Speaker,
    Term,
    check_relation,
    disclosure,
)
from crm.core.errors import InvalidError

TODAY = date(2026, 11, 21)
LIVING, DEAD = Person(), Person(deceased=True)
COMPANY, GONE = Person(legal=True), Person(legal=True, ceased=True)
OVER, AHEAD = Term(ends=TODAY - timedelta(days=1)), Term(starts=TODAY + timedelta(days=1))
ACTS_ONLY = Cover(frozenset({Matter.ACTS}), Term())


def of(kind: RelationKind, term: Term = OPEN, mandate: Cover | None = None) -> Speaker:
    return Speaker(relation=kind, term=term, mandate=mandate)


HEIRS = EVERYTHING - {Matter.CONTACT_DATA}
PARTNERS = {Matter.PROCEDURE, Matter.AMOUNTS, Matter.ACTS, Matter.PAYMENTS}


@pytest.mark.parametrize(
    ("person", "speaker", "told", "ground"),
    [
        (LIVING, TAXPAYER, EVERYTHING, Ground.HIMSELF),
        (DEAD, TAXPAYER, GENERAL, Ground.DEAD),
        (COMPANY, TAXPAYER, GENERAL, Ground.COMPANY),
        (LIVING, STRANGER, GENERAL, Ground.STRANGER),
        (DEAD, of(RelationKind.HEIR), HEIRS, Ground.ENTITLED),
        (LIVING, of(RelationKind.HEIR), GENERAL, Ground.NOT_DEAD),
        (COMPANY, of(RelationKind.HEIR), GENERAL, Ground.NOT_OF_A_COMPANY),
        (COMPANY, of(RelationKind.LEGAL_REPRESENTATIVE), EVERYTHING, Ground.ENTITLED),
        (COMPANY, of(RelationKind.LEGAL_REPRESENTATIVE, OVER), GENERAL, Ground.ENDED),
        (COMPANY, of(RelationKind.LEGAL_REPRESENTATIVE, AHEAD), GENERAL, Ground.ENDED),
        (LIVING, of(RelationKind.LEGAL_REPRESENTATIVE), GENERAL, Ground.NOT_OF_A_PERSON),
        (LIVING, of(RelationKind.GUARDIAN), EVERYTHING, Ground.ENTITLED),
        (DEAD, of(RelationKind.GUARDIAN), GENERAL, Ground.DEAD),
        (COMPANY, of(RelationKind.PARTNER), GENERAL, Ground.STILL_A_COMPANY),
        (GONE, of(RelationKind.PARTNER), PARTNERS, Ground.ENTITLED),
        (LIVING, of(RelationKind.ACCOUNTANT), GENERAL, Ground.NO_MANDATE),
        (LIVING, of(RelationKind.ACCOUNTANT, mandate=ACTS_ONLY), {Matter.ACTS, Matter.PROCEDURE}, Ground.MANDATE),
        (COMPANY, of(RelationKind.DELEGATE, mandate=Cover(EVERYTHING, OVER)), GENERAL, Ground.MANDATE_ENDED),
        (DEAD, of(RelationKind.DELEGATE, mandate=Cover(EVERYTHING, Term())), GENERAL, Ground.DEAD),
    ],
)  # fmt: skip
def test_the_table(person: Person, speaker: Speaker, told: set[Matter], ground: Ground) -> None:
    found = disclosure(person, speaker, today=TODAY)
    assert (found.told, found.ground) == (told, ground)
    assert found.allows(Matter.AMOUNTS) == (Matter.AMOUNTS in told)


def test_the_agent_reads_what_he_may_say_and_why() -> None:
    accountant = disclosure(LIVING, of(RelationKind.ACCOUNTANT, mandate=ACTS_ONLY), today=TODAY)
    assert accountant.sentence == (
        "Puoi parlare di atti e informazioni generali; non di importi, pagamenti, rate, documenti e recapiti."
        " Ha un mandato scritto valido."
    )
    assert disclosure(LIVING, TAXPAYER, today=TODAY).sentence.startswith("Puoi parlare di tutto")
    assert "né se esistono debiti" in disclosure(LIVING, STRANGER, today=TODAY).sentence
    assert "curatore" in disclosure(Person(insolvent=True), TAXPAYER, today=TODAY).sentence
    assert "curatore" not in disclosure(Person(insolvent=True), STRANGER, today=TODAY).sentence


@pytest.mark.parametrize(("kind", "legal"), [(RelationKind.HEIR, True), (RelationKind.PARTNER, False)])
def test_a_relation_that_makes_no_sense_is_refused_at_its_field(kind: RelationKind, legal: bool) -> None:
    with pytest.raises(InvalidError) as refusal:
        check_relation(kind, legal=legal)
    assert refusal.value.field == "kind"
    check_relation(kind, legal=not legal)


matters = st.frozensets(st.sampled_from(Matter))
terms = st.builds(Term, st.none() | st.dates(), st.none() | st.dates())
persons = st.builds(Person, st.booleans(), st.booleans(), st.booleans(), st.booleans())
related = st.builds(
    Speaker,
    st.just(False),
    st.none() | st.sampled_from(RelationKind),
    terms,
    st.none() | st.builds(Cover, matters, terms),
)
days = st.dates()


@given(persons, related | st.just(TAXPAYER), days, matters)
def test_an_ente_tells_others_less_never_more(
    person: Person, speaker: Speaker, today: date, narrowed: set[Matter]
) -> None:
    by_law = disclosure(person, speaker, today=today)
    by_ente = disclosure(person, speaker, today=today, narrowed=narrowed)
    assert GENERAL <= by_ente.told <= by_law.told
    if speaker.himself:
        assert by_ente == by_law
    else:
        assert by_ente.told <= GENERAL | narrowed


@given(persons, related, days)
def test_a_mandate_tells_no_more_than_it_covers_and_only_while_it_holds(
    person: Person, speaker: Speaker, today: date
) -> None:
    found = disclosure(person, speaker, today=today)
    if speaker.relation in {RelationKind.ACCOUNTANT, RelationKind.DELEGATE} and found.told != GENERAL:
        assert speaker.mandate is not None
        assert found.told - GENERAL <= speaker.mandate.matters
        assert speaker.mandate.term.holds(today)
        assert speaker.term.holds(today)
        assert not person.deceased


@given(persons, related, days)
def test_who_is_nobody_hears_nothing_and_every_sentence_is_one(person: Person, speaker: Speaker, today: date) -> None:
    found = disclosure(person, speaker, today=today)
    if speaker.relation is None:
        assert found.told == GENERAL
    assert found.sentence.startswith("Puoi ")
    assert found.sentence.endswith(".")
    assert "  " not in found.sentence
