"""What Mario tells stays whatever the collection system states; a slip is taken back; nobody else's is touched."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit.models import AuditEntry
from crm.contacts import conditions, consents, preferences, queries, told
from crm.contacts.addresses import Address
from crm.contacts.consents import ConsentView, TextView, standing
from crm.contacts.disclosure import Term
from crm.contacts.mandates import SOON, Standing, standing_of
from crm.contacts.models import (
    AddressKind,
    Channel,
    Collected,
    ConditionKind,
    ConsentText,
    LastOutcome,
    Purpose,
    ReachKind,
    Source,
    Verification,
)
from crm.contacts.preferences import NOTHING_ASKED, Preferences, Wishes, united
from crm.contacts.recording import Telling
from crm.contacts.service import ContactStatement, state_details
from crm.contacts.told import Detail, parse_address, parse_reach
from crm.core.db import Database, Scope
from crm.core.errors import ForbiddenError, InvalidError, NotFoundError
from tests.cast import AS_OF, MARIO_MOBILE, Cast, principal_of

HIMSELF, THE_ENTE = Telling(), Telling(Source.ENTE)
NEW = "+393470000002"


@pytest.fixture
def anna(everything: Session, cast: Cast) -> Principal:
    return principal_of(everything, cast.anna)


def reaches(session: Session, contact_id: int) -> dict[str, queries.ReachView]:
    return {one.value: one for one in queries.get(session, contact_id).reaches}


@pytest.mark.integration
def test_no_feed_takes_away_what_was_told_or_found_out(everything: Session, cast: Cast, anna: Principal) -> None:
    mine = {"contact_id": cast.mario, "kind": ReachKind.PHONE, "telling": HIMSELF}
    told.add_reach(everything, anna, value="347 000 0002", **mine)
    old = reaches(everything, cast.mario)[MARIO_MOBILE].id
    told.judge(everything, anna, detail=Detail.REACH, row_id=old, verification=Verification.WRONG)
    silent = ContactStatement("BNCMRA62A01D403X", AS_OF, "y", {}, (), ())
    state_details(everything, ente_id=cast.empoli, statements={cast.mario: silent}, known=[cast.mario])
    found = reaches(everything, cast.mario)
    assert (found[NEW].source, found[NEW].stated) == (Source.TAXPAYER, False)
    assert (found[MARIO_MOBILE].verification, found[MARIO_MOBILE].stated) == (Verification.WRONG, False)
    again = replace(silent, reaches=((ReachKind.PHONE, NEW),))
    state_details(everything, ente_id=cast.empoli, statements={cast.mario: again}, known=[cast.mario])
    assert (reaches(everything, cast.mario)[NEW].source, reaches(everything, cast.mario)[NEW].stated) == (
        Source.TAXPAYER,
        True,
    )


@pytest.mark.integration
def test_a_number_told_again_is_the_same_and_no_longer_wrong(everything: Session, cast: Cast, anna: Principal) -> None:
    mine = {"contact_id": cast.mario, "kind": ReachKind.PHONE}
    first = told.add_reach(everything, anna, value=NEW, telling=HIMSELF, **mine).id
    told.judge(everything, anna, detail=Detail.REACH, row_id=first, verification=Verification.WRONG)
    told.tried(everything, anna, detail=Detail.REACH, row_id=first, outcome=LastOutcome.WRONG_PERSON)
    assert told.add_reach(everything, anna, value="0039 347-0000002", telling=THE_ENTE, **mine).id == first
    view = reaches(everything, cast.mario)[NEW]
    assert (view.verification, view.outcome, view.source) == (Verification.UNVERIFIED, None, Source.ENTE)
    kinds = everything.scalars(select(AuditEntry.kind).order_by(AuditEntry.id)).all()
    assert kinds == ["reach.told", "reach.wrong", "reach.tried", "reach.told"]


@pytest.mark.integration
def test_what_is_stated_is_not_removed(everything: Session, cast: Cast, anna: Principal) -> None:
    stated = reaches(everything, cast.mario)[MARIO_MOBILE].id
    with pytest.raises(InvalidError):
        told.remove(everything, anna, detail=Detail.REACH, row_id=stated)
    home = told.add_address(
        everything, anna, contact_id=cast.mario, kind=AddressKind.DOMICILE, telling=HIMSELF,
        address=Address(" via  Giuseppe Verdi 3", "50053", "Empoli", "fi"),
    ).id  # fmt: skip
    view = next(one for one in queries.get(everything, cast.mario).addresses if one.id == home)
    assert (view.line, view.source) == ("via Giuseppe Verdi 3, 50053 Empoli (FI)", Source.TAXPAYER)
    told.remove(everything, anna, detail=Detail.ADDRESS, row_id=home)
    assert [one.kind for one in queries.get(everything, cast.mario).addresses] == [AddressKind.RESIDENCE]


@pytest.mark.integration
def test_the_last_word_on_a_death_stands_and_can_be_withdrawn(everything: Session, cast: Cast, anna: Principal) -> None:
    mine = {"contact_id": cast.mario, "kind": ConditionKind.DECEASED}
    conditions.report(everything, anna, since=date(2026, 2, 1), telling=HIMSELF, **mine)
    last = conditions.report(everything, anna, since=date(2026, 1, 2), telling=THE_ENTE, **mine).id
    (view,) = queries.get(everything, cast.mario).conditions
    assert (view.since, view.source) == (date(2026, 1, 2), Source.ENTE)
    for _ in range(2):
        conditions.withdraw(everything, anna, condition_id=last)
    assert queries.get(everything, cast.mario).conditions == ()
    conditions.reinstate(everything, anna, condition_id=last)
    assert queries.get(everything, cast.mario).conditions == (view,)
    with pytest.raises(InvalidError):
        conditions.report(everything, anna, since=date(1950, 1, 1), telling=HIMSELF, **mine)  # before he was born


@pytest.mark.integration
def test_wishes_and_refusals_of_calls_do_not_touch_each_other(everything: Session, cast: Cast, anna: Principal) -> None:
    asked = Wishes("ro", residential=True, channel=Channel.SMS, weekdays=(0, 4), hours_from=time(9), hours_to=time(12))
    assert preferences.wish(everything, anna, contact_id=cast.mario, wishes=asked) == NOTHING_ASKED
    preferences.do_not_call(everything, anna, contact_id=cast.mario, why=" Lavora  di notte ")
    found = preferences.of_contacts(everything, [cast.mario])
    assert (found.wishes, found.do_not_call, found.do_not_call_why) == (asked, True, "Lavora di notte")
    preferences.call_again(everything, anna, contact_id=cast.mario)
    assert preferences.of_contacts(everything, [cast.mario]) == Preferences(asked)
    for wrong in (Wishes("xx"), Wishes(weekdays=(7,)), Wishes(hours_from=time(9)), Wishes(hours_to=time(9))):
        with pytest.raises(InvalidError):
            preferences.wish(everything, anna, contact_id=cast.mario, wishes=wrong)


@pytest.mark.integration
def test_a_consent_is_to_a_text_and_a_mistake_gives_back_what_stood(
    database: Database, cast: Cast, everything: Session, anna: Principal
) -> None:
    mine = {"contact_id": cast.mario, "purpose": Purpose.SURVEY, "collected": Collected.SPOKEN}
    with pytest.raises(InvalidError, match="non ha ancora un testo"):
        consents.record(everything, anna, given=True, **mine)
    everything.add(_wording(cast, 1))
    everything.flush()
    consents.record(everything, anna, given=True, **mine)
    everything.add(_wording(cast, 2))
    everything.flush()
    mistake = consents.record(everything, anna, given=False, **mine)
    for _ in range(2):
        consents.annul(everything, anna, consent_id=mistake)
    stands = standing(consents.of_contacts(everything, [cast.mario]))[Purpose.SURVEY]
    assert (stands.given, stands.text.version) == (True, 1)
    with pytest.raises(ForbiddenError):
        consents.publish(everything, anna, ente_id=cast.empoli, purpose=Purpose.SURVEY, text="Acconsento a tutto")


def _wording(cast: Cast, version: int) -> object:

    return ConsentText(
        ente_id=cast.empoli, purpose=Purpose.SURVEY, version=version, text=f"Testo {version}", published_at=AS_OF
    )


@pytest.mark.integration
def test_who_may_not_write_and_what_is_not_in_scope(
    database: Database, everything: Session, cast: Cast, anna: Principal
) -> None:
    vera = principal_of(everything, cast.vera)
    phone = reaches(everything, cast.mario)[MARIO_MOBILE].id
    writes = [
        lambda by, one: told.add_reach(
            everything, by, contact_id=one, kind=ReachKind.PHONE, value=NEW, telling=HIMSELF
        ).id,
        lambda by, one: conditions.report(
            everything, by, contact_id=one, kind=ConditionKind.CEASED, telling=HIMSELF
        ).id,
        lambda by, one: preferences.do_not_call(everything, by, contact_id=one),
        lambda by, one: consents.record(
            everything, by, contact_id=one, purpose=Purpose.SURVEY, given=True, collected=Collected.WEB
        ),
    ]  # fmt: skip
    for write in writes:
        with pytest.raises(ForbiddenError):
            write(vera, cast.mario)
        with pytest.raises(NotFoundError):
            write(anna, cast.stranger_in_siena)
    with pytest.raises(ForbiddenError):
        told.judge(everything, vera, detail=Detail.REACH, row_id=phone, verification=Verification.WRONG)
    with pytest.raises(InvalidError):
        Telling(Source.GESTIONALE)
    with database.begin(Scope.of_enti([cast.empoli, cast.vinci, cast.siena])) as session:
        with pytest.raises(ForbiddenError):  # a scope too wide is no permission
            preferences.do_not_call(session, anna, contact_id=cast.stranger_in_siena)
        session.rollback()


# -- pure ---------------------------------------------------------------------------------------------------------

DAYS = st.dates(date(2000, 1, 1), date(2060, 1, 1))


def fields_wrong(parse: Callable[[], object]) -> set[str]:
    """Where something was wrong; empty when nothing was."""
    try:
        parse()
    except InvalidError as error:
        return {one.field for one in error.parts}
    return set()


def test_of_a_person_s_rows_the_last_wishes_stand_and_any_refusal_of_calls() -> None:
    first, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    silent, refuses = Preferences(), Preferences(NOTHING_ASKED, later, "Disturba")
    wishes, refused_before = Preferences(Wishes("ro")), Preferences(Wishes("it"), first, "Lavora di notte")
    assert united([]) == united([silent]) == Preferences()
    assert united([silent, refuses, wishes, refused_before]) == Preferences(Wishes("ro"), first, "Lavora di notte")


@given(st.sampled_from(ReachKind), st.text(max_size=300))
def test_whatever_is_typed_is_a_value_or_an_error_at_its_field(kind: ReachKind, text: str) -> None:
    if not (wrong := fields_wrong(lambda: parse_reach(kind, text))):
        value = parse_reach(kind, text)
        assert value.isprintable()
        assert parse_reach(kind, value) == value
    assert wrong <= {"value"}


@given(st.builds(Address, *(st.text(max_size=200) for _ in range(4)), st.text(max_size=3)))
def test_whatever_address_is_typed_is_one_that_can_be_stored_or_an_error(address: Address) -> None:
    if not (wrong := fields_wrong(lambda: parse_address(address))):
        parsed = parse_address(address)
        assert parse_address(parsed) == parsed
        assert "\x00" not in parsed.line
    assert wrong <= {"street", "town", "postcode", "province", "country"}


@given(DAYS, st.none() | DAYS, DAYS)
def test_a_mandate_holds_exactly_when_its_term_does(starts: date, ends: date | None, today: date) -> None:
    term = Term(starts, ends)
    found = standing_of(term, today)
    if ends is None or starts <= ends:
        assert term.holds(today) == (found in {Standing.VALID, Standing.ENDING})
    if found is Standing.ENDING:
        assert ends is not None
        assert timedelta(0) <= ends - today <= SOON


@given(st.lists(st.tuples(st.sampled_from(Purpose), st.booleans(), st.booleans()), max_size=12))
def test_of_each_purpose_the_latest_that_was_no_mistake_stands(told_: list[tuple[Purpose, bool, bool]]) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    views = [
        ConsentView(
            n, 1, given, Collected.SPOKEN, at + timedelta(days=n), None, annulled, TextView(1, 1, purpose, 1, "", at)
        )
        for n, (purpose, given, annulled) in enumerate(told_)
    ]
    found = standing(views[::-1])
    for purpose in Purpose:
        right = [one for one in views if one.text.purpose is purpose and not one.annulled]
        assert found.get(purpose) == (right[-1] if right else None)
