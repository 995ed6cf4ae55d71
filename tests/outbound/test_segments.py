"""Segments: kept and read back, read aloud, and selected in SQL as each condition means it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Text, cast, delete, func, insert, select
from sqlalchemy.orm import Session

from crm.contacts.addresses import Address
from crm.contacts.models import (
    AddressKind,
    ConditionKind,
    Contact,
    ContactAddress,
    ContactMerge,
    ContactPreference,
    ContactReach,
    LastOutcome,
    PersonKind,
    ReachKind,
    Source,
    Verification,
)
from crm.contacts.selecting import Way
from crm.core.db import Database, Scope
from crm.core.errors import InvalidError
from crm.positions.models import ActKind, NotificationState, Position, PositionState, Tax
from crm.positions.queries import of_contact
from crm.positions.summary import is_to_collect, owed_cents, plan_standing, standing
from crm.positions.views import PositionView
from crm.timeline.models import EntryKind, TimelineEntry
from outbound.segments.conditions import (
    CHOICES,
    RANGES,
    SHAPES,
    Condition,
    Field,
    Kind,
    Operator,
    Segment,
    Shape,
    kind_of,
    operators,
)
from outbound.segments.counting import Count, count
from outbound.segments.sql import About, members
from outbound.segments.wording import Voice, in_words
from tests.cast import AS_OF, Cast
from web.edge.words import word_for

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)
VOICE = Voice(str, word_for, lambda cents: f"{cents // 100} €", str)
TOWNS = ("Empoli", "Vinci")
STREETS = ("Via Roma", "Piazza della Vittoria")


def all_of(*conditions: Condition) -> Segment:
    """Each in a group of its own."""
    return Segment(tuple((one,) for one in conditions))


def values(field: Field) -> st.SearchStrategy[Any]:
    """Values that some of the people here have."""
    match SHAPES[field]:
        case Shape.CHOICES:
            return st.lists(st.sampled_from(list(map(str, CHOICES[field]))), min_size=1, max_size=3).map(tuple)
        case Shape.YES_NO:
            return st.booleans()
        case Shape.TEXTS:
            texts = {
                Field.TOWN: ("empoli", "VINCI"),
                Field.POSTCODE: ("5005", "50059"),
                Field.STREET: ("via roma", "piazza"),
            }
            return st.lists(st.sampled_from(texts[field]), min_size=1, max_size=2).map(tuple)
        case Shape.CENTS:
            return st.sampled_from([0, 5_000, 20_000, 100_000])
        case Shape.DAYS:
            return st.sampled_from([0, 1, 30, 90, 400])
        case Shape.YEAR:
            return st.integers(2020, 2026)
        case Shape.NUMBER:
            return st.integers(1, 3)


@st.composite
def conditions(draw: st.DrawFn, kind: Kind | None = None) -> Condition:
    field = draw(st.sampled_from([one for one in Field if kind is None or kind_of(one) is kind]))
    return Condition(field, draw(st.sampled_from(operators(field))), draw(values(field)))


segments = st.lists(
    st.sampled_from(Kind).flatmap(lambda kind: st.lists(conditions(kind), min_size=1, max_size=2).map(tuple)),
    max_size=4,
).map(lambda groups: Segment(tuple(groups)))


@given(segments)
def test_what_is_kept_is_read_back(segment: Segment) -> None:
    assert Segment.of(segment.as_json()) == segment
    assert in_words(segment, "Comune di Empoli", VOICE).count("%(") == 0


@pytest.mark.parametrize(
    ("told", "path"),
    [
        (None, "version"),
        ({"version": 2, "all": []}, "version"),
        ({"version": 1, "all": {}}, "all"),
        ({"version": 1, "all": [[], "x"]}, "all.1"),
        ({"version": 1, "all": [["x"]]}, "all.0.0"),
        ({"version": 1, "all": [[{"field": "tax; DROP", "operator": "is", "value": ["tari"]}]]}, "all.0.0"),
        ({"version": 1, "all": [[{"field": "tax", "operator": "at_least", "value": ["tari"]}]]}, "all.0.0.operator"),
        ({"version": 1, "all": [[{"field": "tax", "operator": "is", "value": ["ici"]}]]}, "all.0.0.value"),
        ({"version": 1, "all": [[{"field": "tax", "operator": "is", "value": 3}]]}, "all.0.0.value"),
        ({"version": 1, "all": [[{"field": "owed", "operator": "at_least", "value": True}]]}, "all.0.0.value"),
        ({"version": 1, "all": [[{"field": "owed", "operator": "at_least", "value": -1}]]}, "all.0.0.value"),
        ({"version": 1, "all": [[{"field": "street", "operator": "is", "value": ["…"]}]]}, "all.0.0.value"),
        ({"version": 1, "all": [[{"field": "no_calls", "operator": "is", "value": 1}]]}, "all.0.0.value"),
    ],
)
def test_what_was_tampered_with_is_refused_with_its_place(told: object, path: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        Segment.of(told)
    assert refusal.value.field == path


def test_positions_and_the_person_are_not_alternatives_of_each_other() -> None:
    with pytest.raises(InvalidError, match="oppure"):
        Segment(((Condition(Field.TAX, Operator.IS, ("tari",)), Condition(Field.TOWN, Operator.IS, ("Empoli",))),))


def test_a_segment_reads_as_a_sentence() -> None:
    segment = all_of(
        Condition(Field.TAX, Operator.IS, (Tax.TARI.value,)),
        Condition(Field.DUE_DAYS, Operator.AT_LEAST, 90),
        Condition(Field.PLAN, Operator.IS, ("none", "lapsed")),
        Condition(Field.OWED, Operator.AT_LEAST, 20_000),
        Condition(Field.NO_CALLS, Operator.IS, False),
    )
    assert in_words(segment, "Comune di Empoli", VOICE) == (
        "Comune di Empoli: contribuenti con posizioni per «TARI», scadute da almeno 90 giorni, con rateazione "
        "«nessuna» oppure «decaduta»; che devono in tutto almeno 200 €; che non hanno chiesto di non essere chiamati"
    )
    assert in_words(Segment(), "Comune di Empoli", VOICE) == "Comune di Empoli: tutti i contribuenti"


# -- SQL ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of somebody, as a person would judge it by."""

    kind: PersonKind
    positions: tuple[PositionView, ...]
    ways: frozenset[Way]
    no_calls: bool
    conditions: frozenset[ConditionKind]
    touched_days: float | None
    outcome: str | None
    town: str
    postcode: str
    street: str


def means(segment: Segment, known: Known) -> bool:
    """What a segment says of somebody, judged one by one."""
    those = [
        position
        for position in known.positions
        if all(any(of_position(one, position) for one in group) for group in segment.of_kind(Kind.POSITION))
    ]
    together = segment.of_kind(Kind.TOGETHER)
    if (segment.of_kind(Kind.POSITION) or together) and not those:
        return False
    sums = {Field.OWED: sum(map(owed_cents, those)), Field.POSITIONS: len(those)}
    return all(any(compared(one, sums[one.field]) for one in group) for group in together) and all(
        any(of_person(one, known) for one in group) for group in segment.of_kind(Kind.PERSON)
    )


def compared(one: Condition, value: float | None) -> bool:
    assert isinstance(one.value, int)
    if value is None:
        return False
    return value >= one.value if one.operator is Operator.AT_LEAST else value <= one.value


def chosen(one: Condition, *those: str) -> bool:
    assert isinstance(one.value, tuple)
    return bool({*one.value} & {*those}) is (one.operator is Operator.IS)


def of_position(one: Condition, position: PositionView) -> bool:
    match one.field:
        case Field.TAX:
            return chosen(one, position.tax)
        case Field.ACT_KIND:
            return chosen(one, position.act_kind)
        case Field.PHASE:
            return chosen(one, position.state)
        case Field.NOTIFICATION:
            return chosen(one, position.notification)
        case Field.STANDING:
            return chosen(one, standing(position, TODAY))
        case Field.PLAN:
            return chosen(one, plan_standing(position, TODAY))
        case Field.TO_COLLECT:
            return is_to_collect(position, TODAY) is one.value
        case Field.YEAR:
            return compared(one, position.year)
        case Field.RESIDUAL:
            return compared(one, owed_cents(position))
        case Field.DUE_DAYS:
            return compared(one, (TODAY - position.due_on).days if position.due_on else None)
        case _:
            return compared(one, (TODAY - position.notified_on).days if position.notified_on else None)


def of_person(one: Condition, known: Known) -> bool:
    match one.field:
        case Field.PERSON_KIND:
            return chosen(one, known.kind)
        case Field.REACHED_BY:
            return chosen(one, *known.ways)
        case Field.NO_CALLS:
            return known.no_calls is one.value
        case Field.CONDITION:
            return chosen(one, *known.conditions)
        case Field.LAST_OUTCOME:
            return chosen(one, *([known.outcome] if known.outcome else []))
        case Field.CONTACT_DAYS:
            assert isinstance(one.value, int)
            lately = known.touched_days is not None and known.touched_days <= one.value
            return lately is (one.operator is Operator.AT_MOST)
        case _:
            assert isinstance(one.value, tuple)
            has = {Field.TOWN: known.town, Field.POSTCODE: known.postcode, Field.STREET: known.street}[
                one.field
            ].upper()
            found = any(
                has == text.upper() if one.field is Field.TOWN else has.startswith(text.upper()) for text in one.value
            )
            return found is (one.operator is Operator.IS)


def populate(session: Session, ente_id: int, user_id: int, *, people: int) -> dict[int, Known]:
    """Invented people with everything that conditions ask about."""
    dice = random.Random(7)
    everybody = {}
    for number in range(people):
        kind = dice.choice(list(PersonKind))
        conditions = frozenset(one for one in ConditionKind if dice.random() < 0.1)
        row = Contact(
            ente_id=ente_id, codice_fiscale=f"{number:016d}", kind=kind, surname=f"S{number}", name_key=f"S{number}",
            as_of=AS_OF, digest="x", language="it",
            deceased_on=TODAY if ConditionKind.DECEASED in conditions else None,
            ceased_on=TODAY if ConditionKind.CEASED in conditions else None,
            insolvent_since=TODAY if ConditionKind.INSOLVENT in conditions else None,
        )  # fmt: skip
        session.add(row)
        session.flush()
        home = Address(dice.choice(STREETS) + f" {number}", dice.choice(("50053", "50059")), dice.choice(TOWNS))
        session.add(
            ContactAddress(
                ente_id=ente_id, contact_id=row.id, kind=AddressKind.RESIDENCE, street=home.street,
                postcode=home.postcode, town=home.town, place_key=home.key,
            )
        )  # fmt: skip
        touched = dice.choice([None, 0.5, 20.5, 200.5])
        outcome = dice.choice(["answered", "will_pay", ""]) if touched is not None else ""
        if touched is not None:
            for back, said in ((touched + 10, "redirected"), (touched, outcome or "will_pay")):
                session.add(
                    TimelineEntry(
                        ente_id=ente_id, contact_id=row.id, kind=EntryKind.CALL, source=UUID(int=dice.getrandbits(120)),
                        occurred_at=NOW - timedelta(days=back), status="ended", detail={"disposition": said},
                    )
                )  # fmt: skip
            outcome = outcome or "will_pay"
        no_calls = dice.random() < 0.3
        if no_calls:
            session.add(
                ContactPreference(
                    ente_id=ente_id, contact_id=row.id, weekdays=[], do_not_call_since=NOW, do_not_call_why="",
                    written_at=NOW, written_by=user_id,
                )
            )  # fmt: skip
        everybody[row.id] = Known(
            kind, (), _reaches(session, dice, ente_id, row.id), no_calls, conditions, touched, outcome or None,
            home.town or "", home.postcode or "", home.street or "",
        )  # fmt: skip
        for nth in range(dice.randrange(4)):
            session.execute(insert(Position).values(_position(dice, ente_id, row.id, f"{number}-{nth}")))
    views = of_contact(session, list(everybody))
    return {
        id_: replace(known, positions=tuple(one for one in views if one.contact_id == id_))
        for id_, known in everybody.items()
    }


def _reaches(session: Session, dice: random.Random, ente_id: int, contact_id: int) -> frozenset[Way]:
    ways: set[Way] = set()
    for kind, value, way in (
        (ReachKind.PHONE, "+393480000001", {Way.PHONE, Way.MOBILE}),
        (ReachKind.PHONE, "+390571000001", {Way.PHONE}),
        (ReachKind.EMAIL, "a@example.it", {Way.EMAIL}),
        (ReachKind.DIGITAL_DOMICILE, "a@pec.example.it", {Way.CERTIFIED}),
    ):
        if dice.random() < 0.4:
            verification = dice.choice(list(Verification))
            outcome = dice.choice([None, *LastOutcome])
            session.add(
                ContactReach(
                    ente_id=ente_id, contact_id=contact_id, kind=kind, value=value, source=Source.GESTIONALE,
                    stated=True, verification=verification, outcome=outcome,
                )
            )  # fmt: skip
            if verification is not Verification.WRONG and outcome not in {
                LastOutcome.WRONG_PERSON, LastOutcome.UNREACHABLE
            }:  # fmt: skip
                ways |= way
    return frozenset(ways)


def _position(dice: random.Random, ente_id: int, contact_id: int, reference: str) -> Mapping[str, Any]:
    state = dice.choice(list(PositionState))
    residual = dice.choice([0, 4_000, 20_000, 150_000])
    rates = [
        {"number": n, "due_on": (TODAY + timedelta(days=n * 30 - 45)).isoformat(), "cents": 100,
         "paid_on": TODAY.isoformat() if dice.random() < 0.5 else None}
        for n in range(1, 4)
    ]  # fmt: skip
    plan = {"granted_on": "2026-01-01", "lapsed_on": dice.choice([None, "2026-09-01"])} if dice.random() < 0.7 else None
    if plan and dice.random() < 0.3:
        del plan["lapsed_on"]
    return {
        "ente_id": ente_id, "contact_id": contact_id, "reference": reference, "tax": dice.choice(list(Tax)),
        "year": dice.randint(2020, 2026), "act_kind": dice.choice(list(ActKind)), "act_number": "1", "act_key": "1",
        "state": state, "tax_cents": residual, "sanctions_cents": 0, "interest_cents": 0, "costs_cents": 0,
        "paid_cents": 0, "residual_cents": residual, "issued_on": date(2024, 1, 1),
        "due_on": dice.choice([None, TODAY, TODAY - timedelta(days=30), TODAY - timedelta(days=400)]),
        "notification": dice.choice(list(NotificationState)),
        "notified_on": dice.choice([None, TODAY - timedelta(days=90)]), "payments": [],
        "instalments": rates if state is PositionState.IN_INSTALMENTS else [], "acts": [], "steps": [], "plan": plan,
        "as_of": AS_OF, "digest": "x",
    }  # fmt: skip


@pytest.mark.integration
def test_sql_means_what_each_condition_says_of_each_person(database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.execute(delete(Position))
        everybody = populate(session, cast.empoli, cast.sara, people=80)
        about = About(cast.empoli, NOW)
        met: set[Field] = set()

        @given(segments)
        @settings(max_examples=100, suppress_health_check=list(HealthCheck))
        def check(segment: Segment) -> None:
            found = set(session.scalars(members(segment, about))) - {cast.mario}
            assert found == {id_ for id_, known in everybody.items() if means(segment, known)}
            met.update(one.field for group in segment.groups for one in group)

        check()
        for field in set(Field) - met:
            value = {Shape.YES_NO: True, Shape.CHOICES: (next(iter(CHOICES.get(field, Tax))).value,)}.get(
                SHAPES[field], max(30, RANGES[SHAPES[field]][0]) if SHAPES[field] in RANGES else ("50053",)
            )
            for operator in operators(field):
                segment = all_of(Condition(field, operator, value))
                found = set(session.scalars(members(segment, about))) - {cast.mario}
                assert found == {id_ for id_, known in everybody.items() if means(segment, known)}, field


@pytest.mark.integration
def test_who_was_merged_into_another_is_meant_once_and_whoever_was_withdrawn_is_not(
    database: Database, cast: Cast
) -> None:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        other, gone = (
            Contact(
                ente_id=cast.empoli, codice_fiscale=code, kind=PersonKind.NATURAL, surname="B", name_key="B",
                as_of=AS_OF, digest="x", language="it", withdrawn_as_of=withdrawn,
            )
            for code, withdrawn in (("BNCMRA62A01D403Y", None), ("BNCMRA62A01D403Z", AS_OF))
        )  # fmt: skip
        session.add_all([other, gone])
        session.flush()
        about = About(cast.empoli, NOW)
        assert set(session.scalars(members(Segment(), about))) == {cast.mario, other.id}
        session.add(
            ContactMerge(
                ente_id=cast.empoli, kept_id=cast.mario, merged_id=other.id, merged_at=NOW, merged_by=cast.sara,
                reason="x",
            )
        )  # fmt: skip
        session.flush()
        assert list(session.scalars(members(Segment(), about))) == [cast.mario]


@pytest.mark.integration
def test_no_other_ente_s_people_are_meant_whatever_is_asked(database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert list(session.scalars(members(Segment(), About(cast.siena, NOW)))) == []
        assert list(session.scalars(members(Segment(), About(cast.empoli, NOW)))) == [cast.mario]


@pytest.mark.integration
def test_a_count_that_takes_too_long_is_broken_off_and_leaves_the_transaction_as_it_was(
    database: Database, cast: Cast
) -> None:
    owing = all_of(Condition(Field.OWED, Operator.AT_LEAST, 1))
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert count(session, owing, ente_id=cast.empoli) == Count(1, exact=True, few=(cast.mario,))
        before = session.connection().exec_driver_sql("SHOW enable_nestloop").scalar_one()
        session.connection().exec_driver_sql("SET LOCAL statement_timeout = 0")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("outbound.segments.counting.members", lambda *_, **__: slow())
            assert count(session, owing, ente_id=cast.empoli, patience_ms=20) == Count(None, exact=False)
        assert session.connection().exec_driver_sql("SHOW enable_nestloop").scalar_one() == before == "on"
        assert session.connection().exec_driver_sql("SHOW statement_timeout").scalar_one() == "0"


def slow() -> Any:
    """A SELECT that takes a second."""
    return select(func.length(cast(func.pg_sleep(1), Text)).label("contact_id"))
