"""By which channel, where and when; or not at all. What stands in the law and what he said always holds."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.contacts.models import Channel, LastOutcome, ReachKind, Source, Verification
from crm.contacts.preferences import Wishes
from crm.contacts.queries import ReachView
from crm.core.clock import in_rome
from crm.enti.calendar import Timetable, is_holiday
from crm.messages.lifecycle import follows
from crm.messages.models import MessageChannel, MessageState, Reason
from crm.messages.rules import Address, Facts, Go, Quiet, Wanted, Withheld, decide, fit
from crm.messages.wording import Kind
from crm.messages.words import means

SMS, EMAIL, PEC = MessageChannel
MOBILE, MAIL = Address(SMS, "+393480000001"), Address(EMAIL, "mario@example.it", verified=True)
SATURDAY_NOON = datetime(2026, 11, 21, 11, tzinfo=UTC)
QUIET = Quiet(timetable=Timetable((), patron=(11, 30)))
FACTS = Facts((MOBILE, MAIL), quiet=QUIET, consented=True)
BOTH = (SMS, EMAIL)


def wanted(kind: Kind, **more: object) -> Wanted:
    return Wanted(kind, BOTH, **more)  # type: ignore[arg-type]


def test_what_he_asked_for_comes_at_once_even_at_night() -> None:
    night = datetime(2026, 11, 21, 23, tzinfo=UTC)
    assert decide(wanted(Kind.ASKED), FACTS, now=night) == Go(MOBILE, night)


def test_service_waits_for_the_morning_by_sms_and_not_by_email() -> None:
    night = datetime(2026, 11, 21, 23, tzinfo=UTC)  # midnight in Rome: Sunday has begun
    assert decide(wanted(Kind.SERVICE), FACTS, now=night) == Go(MOBILE, datetime(2026, 11, 22, 7, tzinfo=UTC))
    assert decide(wanted(Kind.SERVICE, channel=EMAIL), FACTS, now=night) == Go(MAIL, night)


def test_what_is_wanted_of_him_waits_for_a_working_day() -> None:
    sunday = datetime(2026, 11, 29, 9, tzinfo=UTC)  # and Monday is the patron saint's
    found = decide(wanted(Kind.SOLICITATION), FACTS, now=sunday)
    assert found == Go(MOBILE, datetime(2026, 12, 1, 7, tzinfo=UTC))


def test_the_hours_he_prefers_are_kept_where_there_are_any() -> None:
    his = replace(FACTS, wishes=Wishes(weekdays=(2,), hours_from=time(18), hours_to=time(19)))
    assert decide(wanted(Kind.SOLICITATION), his, now=SATURDAY_NOON) == Go(
        MOBILE, datetime(2026, 11, 25, 17, tzinfo=UTC)
    )
    sundays = replace(FACTS, wishes=Wishes(weekdays=(6,)))  # at none of which he may be disturbed
    assert decide(wanted(Kind.SOLICITATION), sundays, now=SATURDAY_NOON) == Go(MOBILE, SATURDAY_NOON)


def test_his_channel_comes_first_then_the_templates_order() -> None:
    prefers = replace(FACTS, wishes=Wishes(channel=Channel.EMAIL))
    assert decide(wanted(Kind.SERVICE), prefers, now=SATURDAY_NOON) == Go(MAIL, SATURDAY_NOON)
    assert decide(wanted(Kind.SERVICE, channel=SMS), prefers, now=SATURDAY_NOON) == Go(MOBILE, SATURDAY_NOON)
    letters = replace(FACTS, wishes=Wishes(channel=Channel.LETTER))
    assert decide(wanted(Kind.SERVICE), letters, now=SATURDAY_NOON) == Go(MOBILE, SATURDAY_NOON)


def test_who_said_stop_gets_no_sms_but_may_get_an_email() -> None:
    stopped = replace(FACTS, stopped=frozenset({(SMS, MOBILE.value)}))
    assert decide(wanted(Kind.ASKED), stopped, now=SATURDAY_NOON) == Go(MAIL, SATURDAY_NOON)
    assert decide(wanted(Kind.ASKED, channel=SMS), stopped, now=SATURDAY_NOON) == Withheld(Reason.STOPPED, MOBILE)
    unsubscribed = replace(FACTS, stopped=frozenset({(EMAIL, MAIL.value)}))
    assert decide(wanted(Kind.SERVICE, channel=EMAIL), unsubscribed, now=SATURDAY_NOON) == Withheld(
        Reason.STOPPED, MAIL
    )
    assert isinstance(decide(wanted(Kind.ASKED, channel=EMAIL), unsubscribed, now=SATURDAY_NOON), Go)


@pytest.mark.parametrize(
    ("consented", "kind", "goes"),
    [
        (None, Kind.ASKED, True), (False, Kind.ASKED, True), (None, Kind.SERVICE, True), (False, Kind.SERVICE, False),
        (None, Kind.SOLICITATION, False), (False, Kind.SOLICITATION, False), (True, Kind.SOLICITATION, True),
    ],
)  # fmt: skip
def test_consent_is_needed_for_what_is_wanted_of_him(consented: bool | None, kind: Kind, goes: bool) -> None:
    found = decide(wanted(kind), replace(FACTS, consented=consented), now=SATURDAY_NOON)
    assert isinstance(found, Go) == goes
    assert goes or found == Withheld(Reason.NO_CONSENT, MOBILE)


def test_who_will_not_be_called_is_not_solicited_on_his_telephone() -> None:
    quiet = replace(FACTS, do_not_call=True)
    assert decide(wanted(Kind.SOLICITATION), quiet, now=SATURDAY_NOON) == Go(MAIL, SATURDAY_NOON)
    only = replace(quiet, addresses=(MOBILE,))
    assert decide(wanted(Kind.SOLICITATION), only, now=SATURDAY_NOON) == Withheld(Reason.DO_NOT_CALL, MOBILE)
    assert isinstance(decide(wanted(Kind.SERVICE), only, now=SATURDAY_NOON), Go)


def test_nobody_writes_to_the_dead_nor_where_there_is_no_address() -> None:
    dead = replace(FACTS, deceased=True)
    assert decide(wanted(Kind.SERVICE), dead, now=SATURDAY_NOON) == Withheld(Reason.DECEASED)
    assert isinstance(decide(wanted(Kind.ASKED, address=MOBILE.value), dead, now=SATURDAY_NOON), Go)  # an heir asks
    assert decide(wanted(Kind.ASKED), Facts(()), now=SATURDAY_NOON) == Withheld(Reason.NO_ADDRESS)
    elsewhere = wanted(Kind.ASKED, channel=SMS, address="+393489999999")
    assert decide(elsewhere, FACTS, now=SATURDAY_NOON) == Withheld(Reason.NO_ADDRESS)


def test_what_tells_goes_to_a_verified_address_alone() -> None:
    telling = frozenset({EMAIL})
    unsure = replace(FACTS, addresses=(Address(EMAIL, "x@example.it"),))
    found = decide(wanted(Kind.ASKED, needs_verified=telling), unsure, now=SATURDAY_NOON)
    assert found == Withheld(Reason.NOT_VERIFIED, unsure.addresses[0])
    assert decide(wanted(Kind.ASKED, channel=EMAIL, needs_verified=telling), FACTS, now=SATURDAY_NOON) == Go(
        MAIL, SATURDAY_NOON
    )


def test_addresses_that_were_found_wrong_are_not_tried() -> None:
    def reach(value: str, kind: ReachKind = ReachKind.PHONE, **more: object) -> ReachView:
        return ReachView(kind, value, Source.TAXPAYER, **more)  # type: ignore[arg-type]

    found = fit(
        [
            reach("+390571700123"),  # a landline
            reach("+393480000001", outcome=LastOutcome.UNREACHABLE),
            reach("+393480000002", verification=Verification.WRONG),
            reach("+393480000003"),
            reach("+393480000006", no_sms_since=SATURDAY_NOON),
            reach("+393480000004", outcome=LastOutcome.REACHED),
            reach("+393480000005", verification=Verification.VERIFIED),
            reach("mario@example.it", ReachKind.EMAIL),
        ]
    )
    assert [one.value[-1] for one in found] == ["5", "4", "3", "t"]
    assert [one.verified for one in found] == [True, False, False, False]


ADDRESSES = st.sampled_from([MOBILE, MAIL, Address(SMS, "+393480000002", verified=True), Address(PEC, "a@pec.it")])
STOPS = st.frozensets(ADDRESSES.map(lambda one: (one.channel, one.value)), max_size=4)
HOURS = st.sampled_from([(None, None), (time(7), time(9)), (time(20), time(23)), (time(12), time(13))])


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    starts, ends = draw(HOURS)
    return Facts(
        tuple(draw(st.lists(ADDRESSES, max_size=4, unique=True))), draw(STOPS),
        draw(st.sampled_from([None, True, False])),
        draw(st.booleans()), draw(st.booleans()),
        Wishes(
            channel=draw(st.sampled_from([None, *Channel])), weekdays=tuple(draw(st.sets(st.integers(0, 6)))),
            hours_from=starts, hours_to=ends,
        ),
        Quiet(draw(st.sampled_from([time(18), time(21)])), draw(st.sampled_from([time(6), time(8)])), QUIET.timetable),
    )  # fmt: skip


INSTANTS = st.datetimes(timezones=st.just(UTC), min_value=datetime(2026, 1, 1), max_value=datetime(2027, 12, 1))
WANTED = st.builds(
    Wanted, st.sampled_from(Kind), st.sampled_from([(SMS,), BOTH, (SMS, EMAIL, PEC)]),
    st.sampled_from([None, SMS, EMAIL]),
    st.none(), st.sampled_from([frozenset(), frozenset({EMAIL})]),
)  # fmt: skip


@given(WANTED, facts(), INSTANTS)
def test_whatever_the_facts_nobody_is_disturbed_who_must_not_be(what: Wanted, given_: Facts, now: datetime) -> None:
    found = decide(what, given_, now=now)
    if isinstance(found, Withheld):
        return
    address, local = found.address, in_rome(found.at)
    assert address in given_.addresses
    assert address.channel in what.channels
    assert what.channel in {None, address.channel}
    assert not given_.deceased
    assert address.verified or address.channel not in what.needs_verified
    if address.channel is SMS:
        assert (SMS, address.value) not in given_.stopped
    if what.kind is not Kind.ASKED and address.channel is not PEC:
        assert (address.channel, address.value) not in given_.stopped
        assert given_.consented is not False
    if what.kind is Kind.SOLICITATION:
        assert given_.consented or address.channel is PEC
        assert local.weekday() != 6
        assert not is_holiday(given_.quiet.timetable, local.date())
    if what.kind is Kind.SOLICITATION or (what.kind is Kind.SERVICE and address.channel is SMS):
        assert given_.quiet.ends <= local.time() < given_.quiet.starts
    assert now <= found.at <= now + timedelta(days=22)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("STOP", True), (" stop. ", True), ("Basta!", True), ("CANCELLA", True), ("arrêt", True), ("Aufhören", True),
        ("start", False), ("Riprendi", False), ("Non fermarti, stop scherzi", None), ("", None), ("\x00", None),
        ("STOP" * 1000, None), ("ok grazie", None), ("Fine!", None),
    ],
)  # fmt: skip
def test_only_the_word_itself_is_meant(said: str, meant: bool | None) -> None:
    assert means(said) is meant


def test_late_and_repeated_words_of_the_carrier_change_nothing() -> None:
    sent, delivered, failed = MessageState.SENT, MessageState.DELIVERED, MessageState.FAILED
    assert follows(MessageState.SENDING, None, sent)
    assert follows(MessageState.UNKNOWN, None, delivered)
    assert not follows(sent, None, sent)
    assert not follows(delivered, None, sent)
    assert not follows(delivered, None, failed)
    assert not follows(failed, Reason.NOT_DELIVERED, delivered)
    assert follows(failed, Reason.NOT_FOUND, delivered)  # it had left after all
    assert not follows(MessageState.WITHHELD, Reason.CANCELLED, sent)
