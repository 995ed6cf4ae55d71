"""What a visit's instants, positions, words, code and picture say; what follows from its outcome. Pure."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import InvalidError
from outbound.field.practices.lifecycle import Closed
from outbound.field.visits import codes
from outbound.field.visits.consequences import CONSEQUENCES, Way, follows
from outbound.field.visits.door import Outcome
from outbound.field.visits.forbidden import FORBIDDEN
from outbound.field.visits.jpeg import stripped
from outbound.field.visits.signs import Fix, Sign, metres, of_position
from outbound.field.visits.timing import Told, Touch, clock_moved, clock_off, instant
from outbound.field.visits.words import Words, wrong

AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOME, FLORENCE = (43.7189, 10.9455), (43.7696, 11.2558)
SPANS = st.timedeltas(timedelta(0), timedelta(days=10))


# -- clocks -----------------------------------------------------------------------------------------------------------


def test_a_clock_that_is_wrong_by_a_day_is_seen_and_set_right() -> None:
    touch = Touch(Told(AT + DAY, "now", 0), AT)
    visited = Told(AT + DAY - timedelta(hours=3), "before", 0)
    assert clock_off(touch)
    assert instant(visited, touch) == AT - timedelta(hours=3)
    assert not clock_moved(visited, touch)


def test_a_clock_that_was_set_between_visit_and_contact_deceives_nobody_who_kept_the_page_open() -> None:
    touch = Touch(Told(AT, "one", 3_600_000), AT)
    visited = Told(AT + 2 * DAY, "one", 0)
    assert instant(visited, touch) == AT - timedelta(hours=1)
    assert clock_moved(visited, touch)


def test_a_visit_of_the_future_is_none() -> None:
    touch = Touch(Told(AT, "now", 0), AT)
    assert instant(Told(AT + DAY, "before", 0), touch) == AT
    assert clock_moved(Told(AT + DAY, "before", 0), touch)


@given(ago=SPANS, off=st.timedeltas(timedelta(days=-400), timedelta(days=400)))
def test_whatever_the_clock_shows_the_instant_is_the_same(ago: timedelta, off: timedelta) -> None:
    touch = Touch(Told(AT + off, "now", 0), AT)
    assert instant(Told(AT + off - ago, "before", 0), touch) == AT - ago


@given(at=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), run=st.sampled_from(["a", "b"]),
       elapsed=st.integers(-1, 10**10))  # fmt: skip
def test_nothing_is_told_before_it_happened(at: datetime, run: str, elapsed: int) -> None:
    touch = Touch(Told(AT + DAY, "a", 10**6), AT)
    assert instant(Told(at.replace(tzinfo=UTC), run, elapsed), touch) <= AT


# -- positions --------------------------------------------------------------------------------------------------------


def test_at_the_door_nothing_is_odd() -> None:
    assert list(of_position(Fix(*HOME, 12, AT), HOME, Fix(43.7200, 10.9500, 8, AT - timedelta(minutes=20)))) == []


def test_a_position_that_was_made_up_gives_itself_away() -> None:
    elsewhere = Fix(*FLORENCE, 10, AT - timedelta(minutes=2))
    assert list(of_position(Fix(*HOME, 0, AT), FLORENCE, elsewhere)) == [Sign.TOO_EXACT, Sign.FAR, Sign.TOO_FAST]
    assert Sign.SAME_POINT in of_position(Fix(*HOME, 5, AT), HOME, Fix(*HOME, 5, AT - DAY))


def test_a_position_that_is_known_badly_accuses_nobody() -> None:
    assert list(of_position(Fix(43.7289, 10.9455, 2_000, AT), HOME, None)) == []


def test_metres_are_metres() -> None:
    assert 25_000 < metres(HOME, FLORENCE) < 26_500  # Empoli to Florence


@given(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), st.tuples(st.floats(-90, 90), st.floats(-180, 180)))
def test_a_way_is_as_long_back(a: tuple[float, float], b: tuple[float, float]) -> None:
    assert metres(a, b) == pytest.approx(metres(b, a))
    assert 0 <= metres(a, b) <= 20_020_000


# -- what follows -----------------------------------------------------------------------------------------------------


def test_each_outcome_has_its_consequence() -> None:
    assert set(CONSEQUENCES) == set(Outcome)


def test_who_asked_for_something_is_left_alone_and_who_is_burdened_too() -> None:
    for one in (Outcome.INSTALMENTS, Outcome.DISPUTE, Outcome.ALREADY_PAID):
        assert follows(one, made=1, most=3).way is Way.FREEZE
    assert follows(Outcome.HARDSHIP, made=1, most=3).closed is Closed.HARDSHIP


@given(st.sampled_from(Outcome), st.integers(1, 9), st.integers(1, 9))
def test_nobody_is_visited_more_often_than_the_mandate_says(outcome: Outcome, made: int, most: int) -> None:
    found = follows(outcome, made=made, most=most)
    assert found.way is not Way.AGAIN or made < most
    assert (found.way is Way.CLOSE) <= (found.closed is not None)
    assert (found.way is Way.FREEZE) <= (found.work_days is not None or found.asks is not None)


# -- words ------------------------------------------------------------------------------------------------------------


def test_everybody_s_words_may_be_said() -> None:
    assert list(wrong(Words())) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("consequences", "Se non paga, mandiamo i Carabinieri."),
        ("reason", "È un evasore."),
        ("consequences", "Paghi entro oggi."),
        ("reason", "Può darmi i contanti."),
        ("neutral", "Cerco il signore per un debito."),
        ("notice", "La cartella va pagata."),
        ("introduction", "Sono qui per la TARI."),
        ("reason", " "),
    ],
)
def test_what_threatens_offends_or_tells_others_is_not_saved(name: str, text: str) -> None:
    assert [one.field for one in wrong(Words(**{name: text}))] == [name]


def test_each_forbidden_word_says_why() -> None:
    assert all(why.endswith(".") for why in FORBIDDEN.values())


# -- code and picture -------------------------------------------------------------------------------------------------


@given(st.integers(1, 10**11))
def test_a_code_is_found_as_it_is_read_out(practice_id: int) -> None:
    assert codes.parse(codes.code_of(practice_id).lower().replace("-", " ")) == practice_id


@given(st.integers(10, 10**9), st.integers(0, 9))
def test_a_digit_copied_wrong_is_found_out(practice_id: int, digit: int) -> None:
    code = codes.code_of(practice_id)
    if code[1] == str(digit):
        return
    with pytest.raises(InvalidError):
        codes.parse(f"V{digit}{code[2:]}")


def test_a_photograph_says_neither_where_nor_when_it_was_taken() -> None:
    def segment(marker: int, content: bytes) -> bytes:
        return b"\xff" + bytes([marker]) + (len(content) + 2).to_bytes(2, "big") + content

    scan = segment(0xDA, b"..") + b"picture\xff\xd9"
    jfif, table = segment(0xE0, b"JFIF\0"), segment(0xDB, b"table")
    camera = segment(0xE1, b"Exif\0\0GPS 43.71") + segment(0xFE, b"by Fabio")
    assert stripped(b"\xff\xd8" + jfif + camera + table + scan) == b"\xff\xd8" + jfif + table + scan


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\xff\xd8", b"\xff\xd8\xff\xe1\x00\x00"])
def test_what_is_no_photograph_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidError):
        stripped(content)
