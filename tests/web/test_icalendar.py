"""The calendar of closures, as RFC 5545 wants it."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from web.closures.icalendar import LONGEST_LINE, Event, calendar, folded

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


@given(st.text())
def test_whatever_is_written_stays_one_value_in_lines_of_75_octets(text: str) -> None:
    feed = calendar("Chiusure", [Event("1", NOW, None, text, text)], NOW)
    lines = feed.removesuffix("\r\n").split("\r\n")
    assert all(len(line.encode(errors="surrogatepass")) <= LONGEST_LINE for line in lines)
    unfolded = feed.replace("\r\n ", "").split("\r\n")
    assert sum(line.startswith(("SUMMARY:", "DESCRIPTION:")) for line in unfolded) == 2
    assert unfolded.count("BEGIN:VEVENT") == 1


@given(st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])))
def test_folding_loses_nothing(line: str) -> None:
    assert folded(line).replace("\r\n ", "") == line


def test_one_that_nobody_knows_the_end_of_lasts_a_day_from_now() -> None:
    feed = calendar("Chiusure", [Event("1", NOW, None, "Chiuso; oggi", "Guasto, in corso")], NOW)
    assert "DTEND:20261122T090000Z" in feed
    assert "SUMMARY:Chiuso\\; oggi" in feed
    assert "DESCRIPTION:Guasto\\, in corso" in feed
