"""What stands in an office's calendar elsewhere blocks its times here: asked of a real CalDAV server."""

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import Role, RoleGrant
from crm.agendas import booking, finding, preparing
from crm.agendas.errors import SlotGoneError
from crm.agendas.external import reading, service
from crm.agendas.external.fetching import Account, Servers, fetch, public
from crm.agendas.external.models import BusyTime, ExternalCalendar, Trouble
from crm.agendas.external.queries import Busy, left_open
from crm.agendas.external.reading import UnreadableError, busy, entries, joined
from crm.agendas.external.service import CalendarView, Told
from crm.agendas.plan import EVERYTHING, Open
from crm.agendas.rules import Channel
from crm.agendas.times import Stretch
from crm.core.db import Scope
from crm.core.errors import FieldError, ForbiddenError, NotFoundError
from tests.cast import principal_of
from tests.crm.agendas.conftest import MONDAY, TUESDAY, Desks, at
from tests.servers import open_loopback

integration = pytest.mark.integration
SINCE, UNTIL = datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC)
ROMAN = "DTSTART;TZID=Europe/Rome:{}\r\nDTEND;TZID=Europe/Rome:{}"


def entry(uid: str, *lines: str) -> str:
    told = "\r\n".join(("UID:" + uid, "DTSTAMP:20261101T080000Z", "SUMMARY:Segreto", *lines))
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//IT\r\nBEGIN:VEVENT\r\n{told}\r\nEND:VEVENT\r\n"
        "END:VCALENDAR\r\n"
    )


def roman(start: str, end: str) -> str:
    return ROMAN.format(start, end)


# -- what an answer says --------------------------------------------------------------------------------------------


def test_repeated_entries_keep_roman_time_when_the_clocks_change() -> None:
    weekly = entry("w", roman("20261019T090000", "20261019T100000"), "RRULE:FREQ=WEEKLY;COUNT=2")
    found = busy([weekly], SINCE, UNTIL)
    assert [one.start.hour for one in found] == [7, 8]  # 25 October lies between them
    assert all(one.minutes == 60 for one in found)


def test_one_of_a_series_is_moved_and_one_left_out() -> None:
    text = entry("w", roman("20261123T090000", "20261123T100000"), "RRULE:FREQ=DAILY;COUNT=3",
                 "EXDATE;TZID=Europe/Rome:20261124T090000")  # fmt: skip
    moved = entry("w", "RECURRENCE-ID;TZID=Europe/Rome:20261125T090000", roman("20261125T150000", "20261125T160000"))
    inner = moved[moved.index("BEGIN:VEVENT") : moved.index("END:VCALENDAR")]
    found = busy([text.replace("END:VCALENDAR", inner + "END:VCALENDAR")], SINCE, UNTIL)
    assert [one.start for one in found] == [at(MONDAY, 9), at(date(2026, 11, 25), 15)]


def test_an_all_day_entry_is_the_whole_roman_day_also_when_it_has_25_hours() -> None:
    long = entry("a", "DTSTART;VALUE=DATE:20261025", "DTEND;VALUE=DATE:20261026")
    (one,) = busy([long], SINCE, UNTIL)
    assert (one.start, one.minutes) == (datetime(2026, 10, 24, 22, tzinfo=UTC), 25 * 60)


def test_times_of_other_zones_of_none_and_by_length() -> None:
    tokyo = entry("t", "DTSTART;TZID=Asia/Tokyo:20261123T170000", "DURATION:PT30M")
    floating = entry("f", "DTSTART:20261123T120000", "DTEND:20261123T130000")
    utc = entry("u", "DTSTART:20261123T160000Z", "DTEND:20261123T170000Z")
    found = busy([tokyo, floating, utc], SINCE, UNTIL)
    assert found == [
        Stretch(at(MONDAY, 9), at(MONDAY, 9, 30)), Stretch(at(MONDAY, 12), at(MONDAY, 13)),
        Stretch(at(MONDAY, 17), at(MONDAY, 18)),
    ]  # fmt: skip


def test_what_is_free_or_cancelled_or_takes_no_time_blocks_nothing() -> None:
    when = roman("20261123T090000", "20261123T100000")
    free, gone = entry("f", when, "TRANSP:TRANSPARENT"), entry("c", when, "STATUS:CANCELLED")
    point = entry("p", "DTSTART:20261123T090000Z")
    assert busy([free, gone, point], SINCE, UNTIL) == []


@pytest.mark.parametrize(
    "rule",
    ["FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=HOURLY", "FREQ=DAILY;BYMINUTE=0,1,2,3", "FREQ=DAILY;BYSECOND=1,2"],
)
def test_what_repeats_without_measure_is_refused_before_it_is_counted(rule: str) -> None:
    endless = entry("e", roman("20261123T090000", "20261123T090001"), f"RRULE:{rule}")
    with pytest.raises(UnreadableError) as refused:
        busy([endless], SINCE, UNTIL)
    assert refused.value.trouble is Trouble.TOO_MUCH


def test_what_began_long_ago_is_read_and_what_takes_for_ever_is_not_begun() -> None:
    daily = entry("d", roman("19990101T090000", "19990101T091000"), "RRULE:FREQ=DAILY")
    assert len(busy([daily], SINCE, UNTIL)) == (UNTIL - SINCE).days
    ancient = entry("a", roman("00010101T090000", "00010101T091000"), "RRULE:FREQ=DAILY;BYHOUR=9,10,11")
    with pytest.raises(UnreadableError) as refused:
        busy([ancient], SINCE, UNTIL)
    assert refused.value.trouble is Trouble.TOO_MUCH


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"<html></html>", b"<D:multistatus xmlns:D='DAV:'", b"\xff\xfe",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><D:multistatus xmlns:D='DAV:'>&a;</D:multistatus>",
        b"<?xml version='1.0' encoding='nonsense'?><D:multistatus xmlns:D='DAV:'/>",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_told_apart(answer: bytes) -> None:
    with pytest.raises(UnreadableError):
        entries(answer)


@given(st.text(max_size=300))
def test_no_text_does_more_than_be_unreadable(text: str) -> None:
    with contextlib.suppress(UnreadableError):
        assert busy([text], SINCE, UNTIL) == []


MINUTES = st.integers(0, 500).map(lambda n: SINCE + timedelta(minutes=n))


@given(st.lists(st.tuples(MINUTES, MINUTES).map(lambda pair: Stretch(min(pair), max(pair))), max_size=12))
def test_joined_stretches_hold_the_same_minutes_and_never_touch(some: list[Stretch]) -> None:
    found = joined(some)
    minutes = {one.start + timedelta(minutes=n) for one in some for n in range(one.minutes)}
    assert {one.start + timedelta(minutes=n) for one in found for n in range(one.minutes)} == minutes
    assert all(one.end < other.start for one, other in itertools.pairwise(found))


@given(
    st.lists(st.tuples(MINUTES, MINUTES).map(lambda pair: Stretch(min(pair), max(pair))), max_size=6),
    st.lists(st.tuples(st.sampled_from([None, 1, 2]), MINUTES, MINUTES), max_size=6),
)
def test_what_is_left_open_is_open_and_nowhere_busy(
    opened: list[Stretch], busy: list[tuple[int | None, datetime, datetime]]
) -> None:
    desks = [Open(1, 1, EVERYTHING, one) for one in opened if one.start < one.end]
    away = [Busy(1, desk, Stretch(min(pair), max(pair))) for desk, *pair in busy]
    left = left_open(desks, away)

    def minutes(stretches: list[Stretch]) -> set[datetime]:
        return {one.start + timedelta(minutes=n) for one in stretches for n in range(one.minutes)}

    mine = minutes([one.when for one in away if one.desk_id in {None, 1}])
    assert minutes([one.when for one in left]) == minutes([one.when for one in desks]) - mine


# -- where it may be asked ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.5", "192.168.1.1", "169.254.169.254", "172.16.0.1", "0.0.0.0", "100.64.0.1", "224.0.0.1",
     "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::", "x"],
)  # fmt: skip
def test_no_address_within_is_public(address: str) -> None:
    assert not public(address)


def test_addresses_of_the_internet_are_public() -> None:
    assert public("93.184.215.14")
    assert public("2606:2800:21f:cb07:6820:80da:af6b:8b2c")


@pytest.mark.parametrize(
    "url",
    ["http://c.example/", "file:///etc/passwd", "https://u:p@c.example/", "https:///x", "https://c.example:x/", ""],
)
def test_only_https_addresses_without_credentials_are_taken(url: str) -> None:
    assert not Servers("").takes(url)
    with pytest.raises(UnreadableError):
        fetch(Account(url, "u", "p"), Servers(""), SINCE, UNTIL, resolve=lambda _host, _port: ["93.184.215.14"])


def test_a_name_that_leads_within_is_not_asked_though_one_of_its_addresses_is_public() -> None:
    with pytest.raises(UnreadableError) as refused:
        fetch(
            Account("https://c.example/cal/", "u", "p"), Servers(""), SINCE, UNTIL,
            resolve=lambda _host, _port: ["93.184.215.14", "169.254.169.254"],
        )  # fmt: skip
    assert refused.value.trouble is Trouble.FORBIDDEN_ADDRESS


# -- a real server --------------------------------------------------------------------------------------------------


@dataclass
class Radicale:
    """A calendar on a server of its own."""

    origin: str
    url: str
    process: "subprocess.Popen[bytes]"

    def put(self, uid: str, *lines: str) -> None:
        done = httpx.put(f"{self.url}{uid}.ics", content=entry(uid, *lines), auth=("ufficio", "segreta"))
        assert done.status_code in {200, 201, 204}, done.text

    def drop(self, uid: str) -> None:
        assert httpx.delete(f"{self.url}{uid}.ics", auth=("ufficio", "segreta")).status_code == 200


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    """Started once."""
    open_loopback()
    folder = tmp_path_factory.mktemp("radicale")
    (folder / "users").write_text("ufficio:segreta\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    options = [
        f"--server-hosts=127.0.0.1:{port}", "--auth-type=htpasswd", f"--auth-htpasswd-filename={folder / 'users'}",
        "--auth-htpasswd-encryption=plain", "--auth-delay=0", f"--storage-filesystem-folder={folder / 'data'}",
        "--logging-level=critical",
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "radicale", "--config=", *options], env={**os.environ, "PYTHONWARNINGS": "ignore"}
    )
    served = Radicale(origin, f"{origin}/ufficio/sala/", process)
    body = (
        '<mkcalendar xmlns="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:set><D:prop>'
        "<D:displayname>Sala</D:displayname></D:prop></D:set></mkcalendar>"
    )
    try:
        _until(lambda: httpx.get(origin).status_code < 500)
        made = httpx.request("MKCALENDAR", served.url, content=body, auth=("ufficio", "segreta"))
        assert made.status_code == 201, made.text
        yield served
    finally:
        process.terminate()
        process.wait(10)


def _until(answers: Callable[[], bool]) -> None:
    for _ in range(200):
        try:
            if answers():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)  # a server that starts has no other way to say so
    raise AssertionError("it does not start")


@pytest.fixture
def blocked(desks: Desks, radicale: Radicale) -> Iterator[Callable[..., CalendarView]]:
    """Read the office's calendar, named at first use, and say how it stands."""
    servers = Servers(radicale.origin)
    known: list[int] = []

    def read(url: str = radicale.url, password: str = "segreta", desk: int | None = None) -> CalendarView:
        if not known:
            told = Told("Sala", url, "ufficio", password, desk)
            known.append(
                desks.work(
                    lambda s: service.add(
                        s, desks.sara(s), servers, ente_id=desks.cast.empoli, office_id=desks.office, told=told
                    )
                )
            )
        else:
            of = {"ente_id": desks.cast.empoli, "calendar_id": known[0]}
            desks.work(lambda s: service.read_soon(s, desks.sara(s), **of))
        service.read_due(desks.database, servers)
        (found,) = desks.work(lambda s: service.of_office(s, desks.office))
        return found

    yield read
    for one in httpx.request("PROPFIND", radicale.url, headers={"Depth": "1"}, auth=("ufficio", "segreta")).text.split(
        "<href>"
    ):
        if (path := one.split("</href>")[0]).endswith(".ics"):
            httpx.delete(radicale.origin + path, auth=("ufficio", "segreta"))


def starts(desks: Desks, day: date = MONDAY) -> set[datetime]:
    return {one.starts_at for one in desks.free(day)}


@integration
def test_a_meeting_blocks_the_office_until_it_is_taken_away(
    desks: Desks, radicale: Radicale, blocked: Callable[..., CalendarView], loopback: None
) -> None:
    before = starts(desks)
    radicale.put("riunione", roman("20261123T100000", "20261123T110000"))
    found = blocked()
    assert (found.trouble, found.stretches) == (None, 1)
    assert before - starts(desks) == {at(MONDAY, 10), at(MONDAY, 10, 20), at(MONDAY, 10, 40)}
    with pytest.raises(SlotGoneError):
        desks.hold(at(MONDAY, 10, 20))
    with desks.database.begin(desks.scope) as session:
        kept = session.scalars(select(ExternalCalendar)).one()
        assert b"segreta" not in kept.password
        told = set(BusyTime.__table__.columns.keys())
        assert told == {"calendar_id", "starts_at", "ends_at", "ente_id", "office_id", "desk_id"}  # no titles
    radicale.drop("riunione")
    blocked()
    assert starts(desks) == before


@integration
def test_a_desks_calendar_blocks_that_desk_alone_and_series_far_ahead(
    desks: Desks, radicale: Radicale, blocked: Callable[..., CalendarView], loopback: None
) -> None:
    radicale.put("serie", roman("20261124T090000", "20261124T130000"), "RRULE:FREQ=WEEKLY")
    found = blocked(desk=desks.one)
    assert found.stretches > 50
    for day in (TUESDAY, TUESDAY + timedelta(days=21)):
        assert {seat.desk_id for one in desks.free(day) for seat in one.seats} == {desks.two}
    assert {seat.desk_id for one in desks.free(MONDAY) for seat in one.seats} == {desks.one, desks.two}


@integration
def test_who_is_booked_stays_and_is_shown_to_the_staff(
    desks: Desks, radicale: Radicale, blocked: Callable[..., CalendarView], loopback: None
) -> None:
    paola = desks.book(at(TUESDAY, 10))
    radicale.put("tardi", roman("20261124T095000", "20261124T103000"))
    blocked()
    (conflict,) = desks.work(lambda s: preparing.outside(s, desks.office))
    assert (conflict.id, conflict.starts_at) == (paola.appointment_id, at(TUESDAY, 10))
    day = desks.work(lambda s: next(finding.days_at(s, [desks.office], TUESDAY, TUESDAY, channel=Channel.DESK)))
    assert [one.when for one in day.busy] == [Stretch(at(TUESDAY, 9, 50), at(TUESDAY, 10, 30))]
    desks.work(
        lambda s: booking.move_to(
            s, desks.sara(s), ente_id=desks.cast.empoli, appointment_id=paola.appointment_id, office_id=desks.office,
            starts_at=at(TUESDAY, 11, 10), channel=Channel.DESK, manage_at="https://x.example/a",
        )
    )  # fmt: skip
    assert desks.work(lambda s: preparing.outside(s, desks.office)) == []


@integration
def test_a_server_that_fails_changes_nothing_and_is_seen_to_fail_since_when(
    desks: Desks, radicale: Radicale, blocked: Callable[..., CalendarView], clock: list[datetime], loopback: None
) -> None:
    radicale.put("riunione", roman("20261124T100000", "20261124T110000"))
    good = blocked()
    free = starts(desks, TUESDAY)
    clock[0] += timedelta(minutes=10)
    with desks.database.begin(desks.scope) as session:
        session.scalars(select(ExternalCalendar)).one().url = radicale.origin + "/ufficio/altrove/"
    first = blocked()
    clock[0] += timedelta(minutes=10)
    second = blocked()
    assert (first.trouble, second.failing_since) == (Trouble.NOT_THERE, clock[0] - timedelta(minutes=10))
    assert (second.good_at, second.stretches) == (good.good_at, 1)
    assert starts(desks, TUESDAY) == free
    with desks.database.begin(desks.scope) as session:
        session.scalars(select(ExternalCalendar)).one().url = radicale.url
    clock[0] += timedelta(minutes=10)
    assert blocked().failing_since is None


@integration
def test_a_wrong_password_and_a_server_nobody_named_are_told_apart(
    desks: Desks, radicale: Radicale, blocked: Callable[..., CalendarView], loopback: None
) -> None:
    assert blocked(password="sbagliata").trouble is Trouble.CREDENTIALS
    service.read_due(desks.database, Servers(""))
    with desks.database.begin(desks.scope) as session:
        session.scalars(select(ExternalCalendar)).one().due_at = datetime(2026, 1, 1, tzinfo=UTC)
    service.read_due(desks.database, Servers(""))
    (found,) = desks.work(lambda s: service.of_office(s, desks.office))
    assert found.trouble is Trouble.FORBIDDEN_ADDRESS


@integration
def test_only_who_prepares_the_office_names_its_calendars_and_never_a_server_within(desks: Desks) -> None:
    told = Told("Sala", "https://c.example/cal/", "u", "p")
    of = {"ente_id": desks.cast.empoli, "office_id": desks.office}
    with pytest.raises(ForbiddenError):
        desks.work(
            lambda s: service.add(s, principal_of(s, desks.cast.anna), Servers(""), **of, told=told)  # type: ignore[arg-type]
        )
    for url in ("http://169.254.169.254/latest", "https://u:p@c.example/", "https://c.example/ x", "x" * 600):
        with pytest.raises(FieldError):
            desks.work(
                lambda s, url=url: service.add(s, desks.sara(s), Servers(""), **of, told=Told("S", url, "u", "p"))  # type: ignore[misc]
            )
    made = desks.work(lambda s: service.add(s, desks.sara(s), Servers(""), **of, told=told))  # type: ignore[arg-type]

    def of_siena(session: Session) -> None:
        session.add(
            RoleGrant(user_id=desks.cast.luca, role=Role.SUPERVISOR, ente_id=desks.cast.siena, valid_from=desks.now[0])
        )
        session.flush()
        luca = principal_of(session, desks.cast.luca)
        service.remove(session, luca, ente_id=desks.cast.siena, calendar_id=made)
        with pytest.raises(NotFoundError):
            service.read_soon(session, luca, ente_id=desks.cast.siena, calendar_id=made)

    desks.database.transact(Scope.of_enti([desks.cast.empoli, desks.cast.siena], [desks.cast.contract]), of_siena)
    assert len(desks.work(lambda s: service.of_office(s, desks.office))) == 1
    desks.work(lambda s: service.remove(s, desks.sara(s), ente_id=desks.cast.empoli, calendar_id=made))
    assert desks.work(lambda s: service.of_office(s, desks.office)) == []
    assert reading.MOST_STRETCHES
