"""Which message goes out, by which channel, to which address and when; or that it does not, and why. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from crm.contacts.models import Channel, LastOutcome, ReachKind, Verification
from crm.contacts.phone import takes_sms
from crm.contacts.preferences import NOTHING_ASKED, Wishes
from crm.contacts.queries import ReachView
from crm.core.clock import ROME, in_rome
from crm.enti.calendar import Timetable, is_holiday
from crm.messages.models import MessageChannel, Reason
from crm.messages.wording import Kind

_ANY_DAY = Timetable(())
HORIZON_DAYS = 21  # how far ahead an hour is looked for at which he may be disturbed
SUNDAY = 6
_UNFIT = frozenset({LastOutcome.WRONG_PERSON, LastOutcome.UNREACHABLE})
_REACHES = {
    MessageChannel.SMS: frozenset({ReachKind.PHONE}), MessageChannel.EMAIL: frozenset({ReachKind.EMAIL}),
    MessageChannel.PEC: frozenset({ReachKind.DIGITAL_DOMICILE, ReachKind.PEC}),
}  # fmt: skip
_PREFERRED = {
    Channel.SMS: MessageChannel.SMS, Channel.EMAIL: MessageChannel.EMAIL, Channel.PEC: MessageChannel.PEC,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quiet:
    """From when until when nobody is disturbed, over midnight, in Roman time; and which days are holidays."""

    starts: time = time(21)
    ends: time = time(8)
    timetable: Timetable = _ANY_DAY


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody can be written to. `verified`: somebody made sure that it is his."""

    channel: MessageChannel
    value: str
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides. `consented`: he gave the consent to messages (true), withdrew it (false), or said nothing."""

    addresses: tuple[Address, ...]  # those that may be good, the best first
    stopped: frozenset[tuple[MessageChannel, str]] = frozenset()
    consented: bool | None = None
    do_not_call: bool = False
    deceased: bool = False
    wishes: Wishes = NOTHING_ASKED
    quiet: Quiet = field(default_factory=Quiet)


@dataclass(frozen=True, slots=True)
class Go:
    """It goes to this address, not before `at`."""

    address: Address
    at: datetime


@dataclass(frozen=True, slots=True)
class Withheld:
    """It does not go out."""

    reason: Reason
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be sent: by which channels there are words, the one that was chosen, the address that was chosen."""

    kind: Kind
    channels: tuple[MessageChannel, ...]
    channel: MessageChannel | None = None
    address: str | None = None
    needs_verified: frozenset[MessageChannel] = frozenset()  # by these it discloses, whatever the address


def decide(wanted: Wanted, facts: Facts, *, now: datetime) -> Go | Withheld:
    """Where a message goes and when; or why it does not: the reason against the address that came nearest."""
    if facts.deceased and wanted.address is None:
        return Withheld(Reason.DECEASED)
    candidates = _candidates(wanted, facts)
    against = [(one, _against(wanted, facts, one)) for one in candidates]
    good = next((one for one, reason in against if reason is None), None)
    if good is not None:
        return Go(good, allowed_from(wanted.kind, good.channel, facts, now=now))
    if not against:
        return Withheld(Reason.NO_ADDRESS)
    nearest, reason = against[0]
    assert reason is not None
    return Withheld(reason, nearest)


def allowed_from(kind: Kind, channel: MessageChannel, facts: Facts, *, now: datetime) -> datetime:
    """The first instant from now on at which he may be disturbed.

    What he asked for comes at once. An SMS of service comes outside quiet hours; what is wanted of him comes, besides,
    on no Sunday or holiday and at the hours he prefers, where there are such within three weeks.
    """
    if kind is Kind.ASKED or (kind is Kind.SERVICE and channel is not MessageChannel.SMS):
        return now
    wishes = facts.wishes if kind is Kind.SOLICITATION else NOTHING_ASKED
    found = _first(kind, facts.quiet, wishes, now)
    return found or _first(kind, facts.quiet, NOTHING_ASKED, now) or now


def fit(reaches: Sequence[ReachView]) -> tuple[Address, ...]:
    """The addresses among these that may be good: verified ones first, then those at which he was reached."""
    right = [
        one for one in reaches if one.verification is not Verification.WRONG and one.outcome not in _UNFIT
    ]  # fmt: skip
    right.sort(key=lambda one: (one.verification is not Verification.VERIFIED, one.outcome is not LastOutcome.REACHED))
    return tuple(
        dict.fromkeys(
            Address(channel, one.value, one.verification is Verification.VERIFIED)
            for one in right
            for channel, kinds in _REACHES.items()
            if one.kind in kinds and (channel is not MessageChannel.SMS or _takes_sms(one))
        )
    )


def _takes_sms(one: ReachView) -> bool:
    return one.no_sms_since is None and takes_sms(one.value)


def _candidates(wanted: Wanted, facts: Facts) -> list[Address]:
    """In the order in which they are tried: the channel that was chosen, or the one he prefers, before others."""
    channels = list(wanted.channels)
    if wanted.channel is not None:
        channels = [one for one in channels if one is wanted.channel]
    preferred = _PREFERRED.get(facts.wishes.channel) if facts.wishes.channel else None
    channels.sort(key=lambda one: one is not preferred)
    return [
        one
        for channel in channels
        for one in facts.addresses
        if one.channel is channel and wanted.address in {None, one.value}
    ]


def _against(wanted: Wanted, facts: Facts, address: Address) -> Reason | None:
    """What stands against this address; the law writes at a certified one, whatever he consented to."""
    by_law = address.channel is MessageChannel.PEC
    stopped = (address.channel, address.value) in facts.stopped
    if stopped and not (wanted.kind is Kind.ASKED and address.channel is MessageChannel.EMAIL) and not by_law:
        return Reason.STOPPED
    if wanted.kind is not Kind.ASKED and facts.consented is False and not by_law:
        return Reason.NO_CONSENT
    if wanted.kind is Kind.SOLICITATION and not by_law:
        if not facts.consented:
            return Reason.NO_CONSENT
        if facts.do_not_call and address.channel is MessageChannel.SMS:
            return Reason.DO_NOT_CALL
    if address.channel in wanted.needs_verified and not address.verified:
        return Reason.NOT_VERIFIED
    return None


def _first(kind: Kind, quiet: Quiet, wishes: Wishes, now: datetime) -> datetime | None:
    today = in_rome(now).date()
    for offset in range(HORIZON_DAYS):
        day = today + timedelta(days=offset)
        if kind is Kind.SOLICITATION and (day.weekday() == SUNDAY or is_holiday(quiet.timetable, day)):
            continue
        if wishes.weekdays and day.weekday() not in wishes.weekdays:
            continue
        opens, closes = max(quiet.ends, wishes.hours_from or time(0)), min(quiet.starts, wishes.hours_to or time.max)
        start, end = (datetime.combine(day, one, tzinfo=ROME).astimezone(UTC) for one in (opens, closes))
        if max(start, now) < end:
            return max(start, now)
    return None
