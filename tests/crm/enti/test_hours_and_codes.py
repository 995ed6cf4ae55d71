"""What administrators type: hours, codes, pictures. Decided purely."""

import struct
import zlib
from contextlib import suppress
from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.clock import ROME
from crm.core.errors import InvalidError
from crm.enti import logo
from crm.enti.calendar import Hours, Special, Timetable, opening
from crm.enti.hours import parse_day, parse_week, written
from crm.enti.identity import parse

EMPOLI = {
    "name": "Comune di Empoli", "short_name": "Empoli", "istat_code": "048014", "cadastral_code": "d403",
    "codice_fiscale": "01329160483", "province": "fi", "band": "2", "patron_name": "Sant'Andrea",
    "patron_month": "11", "patron_day": "30", "observes_holidays": "1",
}  # fmt: skip


def wrong(fields: dict[str, str]) -> set[str]:
    with pytest.raises(InvalidError) as refusal:
        parse(EMPOLI | fields)
    return {part.field for part in refusal.value.parts}


def test_hours_are_read_however_they_are_written() -> None:
    expected = [Hours(0, time(8, 30), time(13)), Hours(0, time(15), time(0))]
    assert parse_day(0, "15.00 – 24, 8:30-13", field="day-0") == expected
    assert written(expected, 0) == "08:30-13:00, 15:00-24:00"


@pytest.mark.parametrize("text", ["9-25", "13-9", "9:60-10", "9-13, 12-14", "mattina", "9", "24-24"])
def test_hours_that_make_no_sense_are_said_at_their_day(text: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        parse_week({2: text})
    assert [part.field for part in refusal.value.parts] == ["day-2"]


@given(st.lists(st.integers(0, 1440), min_size=2, max_size=8, unique=True).map(sorted))
def test_hours_written_are_read_again(bounds: list[int]) -> None:
    pairs = [(a, b) for a, b in zip(bounds[::2], bounds[1::2], strict=False)]
    text = ", ".join(f"{a // 60}:{a % 60:02d}-{b // 60}:{b % 60:02d}" for a, b in pairs)
    hours = parse_day(3, text, field="day-3")
    assert parse_day(3, written(hours, 3), field="day-3") == hours


@given(st.text(max_size=40))
def test_whatever_is_typed_as_hours_is_hours_or_a_sentence(text: str) -> None:
    try:
        hours = parse_day(1, text, field="day-1")
    except InvalidError:
        return
    assert parse_day(1, written(hours, 1), field="day-1") == hours


def test_a_special_day_has_its_own_hours_whatever_weekday_or_holiday_it_is() -> None:
    week = tuple(Hours(day, time(8), time(18)) for day in range(5))
    special = (Special(date(2026, 12, 25), time(9), time(12)), Special(date(2026, 12, 23)))
    table = Timetable(week, special=special)

    def is_open(day: int, hour: int) -> bool:
        return opening(table, datetime(2026, 12, day, hour, tzinfo=ROME)).is_open

    assert (is_open(25, 10), is_open(25, 13), is_open(23, 10), is_open(22, 10)) == (True, False, False, True)


def test_codes_are_checked_and_put_right() -> None:
    found = parse(EMPOLI)
    assert (found.cadastral_code, found.province, found.observes_holidays) == ("D403", "FI", True)
    assert wrong({"istat_code": "48014", "cadastral_code": "4D03", "codice_fiscale": "01329160484"}) == {
        "istat_code", "cadastral_code", "codice_fiscale",
    }  # fmt: skip
    assert wrong({"band": "7", "patron_day": "31", "name": ""}) == {"band", "patron_day", "name"}


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08\x00\x40\x00\x30\x01\x01\x11\x00\xff\xd9"


def test_a_picture_is_what_its_bytes_say() -> None:
    assert logo.check(png(64, 64)) == "image/png"
    assert logo.check(JPEG) == "image/jpeg"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", b"GIF89a", png(64, 64)[:40], png(4000, 10),
        png(0, 5), b"\xff\xd8\xff", JPEG[:12], b"\x89PNG\r\n\x1a\n" + b"<script>" * 9, b"x" * 300_001,
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidError) as refusal:
        logo.check(content)
    assert [part.field for part in refusal.value.parts] == ["logo"]


@given(st.binary(max_size=60).map(lambda tail: b"\xff\xd8\xff" + tail))
def test_no_bytes_break_the_check(content: bytes) -> None:
    with suppress(InvalidError):
        logo.check(content)
