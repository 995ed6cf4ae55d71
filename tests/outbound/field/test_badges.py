"""What a badge says, its photo, what runs out and how long is left: the pure parts."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from crm.core.errors import FieldError
from crm.enti.days import is_working_day
from outbound.field.agents import badges, photos
from outbound.field.agents.deadlines import Left, countdown, endings, left
from outbound.field.agents.questure import CITIES, of_province
from outbound.field.agents.standing import Paper, terms

TODAY = date(2026, 11, 23)  # a Monday
EMPOLI = (11, 30)


def picture(width: int, height: int, kind: str = "JPEG", **more: object) -> bytes:
    written = BytesIO()
    Image.new("RGB", (width, height), "#8899aa").save(written, kind, **more)
    return written.getvalue()


@pytest.mark.parametrize("typed", ["12345678", "1234 5678", " 1234-5678 ", "1234.5678#"])
def test_a_code_is_read_however_it_is_typed(typed: str) -> None:
    assert badges.parse(typed) == "12345678"


@pytest.mark.parametrize("typed", ["", "1234567", "123456789", "1234567a", "٣٣٣٣٣٣٣٣", "1" * 10_000])
def test_what_can_be_no_code_is_none(typed: str) -> None:
    assert badges.parse(typed) is None


@given(st.integers(0, 10**8 - 1))
def test_every_code_that_is_drawn_is_read_back_as_it_is_printed(n: int) -> None:
    code = badges.drawn(lambda _: n)
    assert badges.parse(badges.grouped(code)) == code


def test_a_badge_lasts_a_year_or_to_what_ends_first() -> None:
    assert badges.until(TODAY, None, (None, None)) == TODAY + timedelta(days=365)
    assert badges.until(TODAY, None, (date(2026, 12, 31), None)) == date(2026, 12, 31)
    assert badges.until(TODAY, date(2026, 12, 1), (date(2026, 12, 31),)) == date(2026, 12, 1)
    assert badges.until(TODAY, date(2027, 1, 1), (date(2026, 12, 31),)) is None
    assert badges.until(TODAY, date(2026, 11, 22), ()) is None
    assert badges.until(TODAY, None, (date(2026, 11, 22),)) is None


def test_a_photo_is_cut_to_its_shape_and_keeps_nothing_of_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0110] = "A telephone"  # its model
    exif[0x0112] = 6  # turned by a quarter
    made = photos.made(picture(4000, 3000, exif=exif))
    with Image.open(BytesIO(made)) as found:
        assert (found.format, found.size) == ("JPEG", (photos.WIDTH, photos.HEIGHT))
        assert not found.getexif()
    assert b"A telephone" not in made
    assert photos.made(picture(400, 400, "PNG"))[:3] == b"\xff\xd8\xff"


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg/>", b"GIF89a", picture(100, 400), picture(400, 400)[:300], picture(9000, 9000, "PNG")],
    ids=["nothing", "svg", "gif", "small", "cut", "too many points"],
)
def test_what_is_no_usable_picture_is_refused(content: bytes) -> None:
    with pytest.raises(FieldError):
        photos.made(content)


@pytest.mark.parametrize(
    ("days", "is_"),
    [(-1, Left.OVER), (0, Left.TODAY), (7, Left.AT_ONCE), (8, Left.SOON), (30, Left.SOON), (31, Left.FAR)],
)
def test_how_much_time_is_left(days: int, is_: Left) -> None:
    assert left(TODAY + timedelta(days=days), TODAY) is is_


def test_what_runs_out_is_told_the_first_to_end_first() -> None:
    papers = {Paper.LICENCE: TODAY + timedelta(days=20), Paper.IDENTITY: None, Paper.RECORD: TODAY - timedelta(days=1)}
    found = endings(papers, TODAY + timedelta(days=400), TODAY)
    assert [(one.paper, one.left) for one in found] == [(Paper.RECORD, Left.OVER), (Paper.LICENCE, Left.SOON)]
    assert [one.paper for one in endings({}, TODAY, TODAY)] == [None]


def test_a_term_counts_down_in_working_days() -> None:
    due = date(2026, 12, 1)  # found on the Friday before; Monday is the patron's
    assert countdown(due, None, date(2026, 11, 27), EMPOLI).days == 1
    assert countdown(due, None, date(2026, 12, 1), EMPOLI).urgent
    late = countdown(due, None, date(2026, 12, 3), EMPOLI)
    assert (late.days, late.overdue, late.urgent) == (-2, True, True)
    kept = countdown(due, date(2026, 12, 1), date(2026, 12, 3), EMPOLI)
    assert (kept.overdue, kept.urgent) == (False, False)
    assert countdown(due, date(2026, 12, 2), date(2026, 12, 3), EMPOLI).overdue


@given(st.dates(date(2024, 1, 1), date(2028, 12, 31)), st.integers(0, 40))
def test_a_term_is_overdue_from_the_day_after_its_last_and_never_before(found: date, later: int) -> None:
    owed, today = terms(found, EMPOLI), found + timedelta(days=later)
    count = countdown(owed.removal, None, today, EMPOLI)
    assert count.overdue == (today > owed.removal)
    assert (count.days == 0) == (today == owed.removal)
    assert is_working_day(owed.removal, EMPOLI)


def test_every_province_has_its_questura() -> None:
    assert of_province("fi") == "Questura di Firenze"
    assert of_province("ZZ") == ""
    assert len(CITIES) == 107
