"""What a campaign does, as one frozen value that the ente approves and a version keeps. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from crm.core.clock import ROME
from crm.core.errors import InvalidError
from crm.enti.calendar import Timetable
from crm.enti.hours import parse_week
from outbound.compliance.rules import AGAIN, Again, Ended, Rules, Written
from outbound.compliance.windows import own_hours
from outbound.letters import wording
from outbound.letters.wording import LetterText
from outbound.messages import text
from outbound.messages.text import Words
from outbound.outcomes.catalogue import OutcomeRules


class Purpose(StrEnum):
    PAYMENT = "payment"  # of what is owed: in two phases
    INFORMATION = "information"
    SURVEY = "survey"


class Phase(StrEnum):
    """Requirement O1: until a date reminders for payment by free will, after it personal solicitation."""

    VOLUNTARY = "voluntary"
    PERSONAL = "personal"


class Channel(StrEnum):
    SMS = "sms"
    EMAIL = "email"
    LETTER = "letter"
    CALL = "call"
    VISIT = "visit"


class Mode(StrEnum):
    """How calls are placed: the agent looks first, one for each agent who is free, or ahead of them."""

    PREVIEW = "preview"
    PROGRESSIVE = "progressive"
    PREDICTIVE = "predictive"


class Order(StrEnum):
    """Who comes first."""

    AMOUNT = "amount"  # whoever owes most
    OLDEST = "oldest"  # whose debt has been due for longest
    CHANCE = "chance"


@dataclass(frozen=True, slots=True)
class Step:
    """A means, and how many days after the one before it is used, where that did not end the matter."""

    channel: Channel
    after_days: int = 0


@dataclass(frozen=True, slots=True)
class Retry:
    """After an attempt that ended so: how long nothing is tried at that number, and how many such are enough."""

    after_minutes: int
    most: int


EVERY_DAY = ("9:00-13:00, 15:00-19:00",) * 5
USUAL_RETRIES: Mapping[Ended, Retry] = {
    ended: Retry(int(one.after / timedelta(minutes=1)), one.most) for ended, one in AGAIN.items()
}


@dataclass(frozen=True, slots=True)
class Plan:
    """`hours`: Monday first, as people write them, in which calls are preferred: what law and code allow bounds them.
    `business_hours`: those for businesses, if they have any of their own (requirement O3).
    `fresh_hours`: how old what is known of a debt may be when its debtor is dialed. Amounts are whole euro cents.
    """

    purpose: Purpose = Purpose.PAYMENT
    voluntary_until: date | None = None
    steps: tuple[Step, ...] = (Step(Channel.CALL),)
    order: Order = Order.AMOUNT
    mode: Mode = Mode.PREVIEW
    queue_id: int | None = None  # whose operators call
    line: str = ""  # the number that is shown, E.164
    hours: tuple[str, ...] = (*EVERY_DAY, "", "")
    business_hours: tuple[str, ...] = ("",) * 7
    attempts: int = 12
    attempts_a_day: int = 3
    retries: Mapping[Ended, Retry] = field(default_factory=lambda: USUAL_RETRIES)
    fresh_hours: int = 24
    scripts: Mapping[Phase, str] = field(default_factory=dict)
    letters: Mapping[Phase, LetterText] = field(default_factory=dict)
    calls_an_hour: int | None = None  # a goal (requirement O4)
    budget_cents: int | None = None
    messages: Mapping[Written, Mapping[Phase, Words]] = field(default_factory=dict)
    prices: Mapping[Written, int] = field(default_factory=dict)  # ten-thousandths of a euro, for a part of a message
    written_a_week: int = 2
    consent_to_messages: bool = True
    outcomes: OutcomeRules = field(default_factory=OutcomeRules)
    form_id: int | None = None  # of a survey: its questionnaire
    by_web: bool = False  # of a survey: people may answer by a link of their own, too
    by_ivr: bool = False  # of a survey: people may answer it by the keys of their telephone, too
    vary_hours: bool = True  # of a survey: whoever was not found in the morning is tried in the afternoon
    languages: tuple[str, ...] = ()  # besides Italian, that its operators speak: ISO 639-1
    level: int | None = None  # at which its operators answer the queue, at the worst; 1 is the best
    conversion_days: int = 7  # of a survey: after which a refusal that was not for good may be tried once more

    @property
    def about_debt(self) -> bool:
        """Whether a debt is spoken of: then nobody is called who owes nothing."""
        return self.purpose is Purpose.PAYMENT

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Those there are: without a date everything is personal."""
        return tuple(Phase) if self.about_debt and self.voluntary_until else (Phase.PERSONAL,)

    @property
    def written(self) -> tuple[Written, ...]:
        """By which messages it writes."""
        return tuple(one for one in DIGITAL if self.steps_of(Channel(one.value)))

    def words(self, channel: Written, phase: Phase) -> Words:
        """What it writes by a channel in a phase; empty while nobody has written it."""
        return self.messages.get(channel, {}).get(phase, Words())

    def steps_of(self, channel: Channel) -> list[int]:
        """At which steps this channel is used, from 0."""
        return [n for n, one in enumerate(self.steps) if one.channel is channel]

    def step_after(self, step: int, *, over: Collection[Channel] = ()) -> int | None:
        """Which step follows, leaving out those by these channels; none: none does."""
        later = range(step + 1, len(self.steps))
        return next((n for n in later if self.steps[n].channel not in over), None)

    def due_after(self, step: int, at: datetime) -> datetime:
        """When the step after one begins whose days are counted from an instant."""
        return days_after(at, self.steps[step + 1].after_days)

    def phase(self, day: date) -> Phase:
        """In which phase a day falls."""
        voluntary = self.voluntary_until is not None and day <= self.voluntary_until
        return Phase.VOLUNTARY if voluntary else Phase.PERSONAL

    def rules(self, line: Timetable) -> Rules:
        """By which an attempt is judged; `line`: the hours of the ente, whose holidays and patron are kept."""
        hours, businesses = (tuple(parse_week(dict(enumerate(one)))) for one in (self.hours, self.business_hours))
        own = own_hours(line, hours)
        again = {
            ended: Again(timedelta(minutes=one.after_minutes), one.most)
            for ended, one in self.retries.items()
            if ended in CHANGEABLE
        }
        return Rules(
            (own,), (replace(own, hours=businesses),) if businesses else (), {**AGAIN, **again},
            attempts_a_day=self.attempts_a_day, attempts=self.attempts,
            fresh=timedelta(hours=self.fresh_hours) if self.about_debt else None, about_debt=self.about_debt,
            written_a_week=self.written_a_week, consent_to_messages=self.consent_to_messages,
            vary_hours=self.purpose is Purpose.SURVEY and self.vary_hours,
        )  # fmt: skip


def days_after(at: datetime, days: int) -> datetime:
    """So many days on, at the same time by the clock on the wall of Rome, whatever the clocks did meanwhile.

    A time that the change of clocks leaves out is the one an hour later.
    """
    wall = at.astimezone(ROME)
    then = datetime.combine(wall.date() + timedelta(days=days), wall.time(), ROME)
    return then.replace(fold=wall.fold).astimezone(UTC)


_PLAN = TypeAdapter(Plan)
LEVELS = (1, 5)
SPOKEN = ("en", "de")  # languages that operators may be asked for
# What a number may be set to.
RANGES = {
    "attempts": (1, 30), "attempts_a_day": (1, 5), "fresh_hours": (1, 720), "calls_an_hour": (1, 1000),
    "budget_cents": (0, 100_000_000), "written_a_week": (1, 7), "conversion_days": (1, 60), "level": LEVELS,
}  # fmt: skip
PAUSES, TIMES = (5, 60 * 24 * 60), (1, 30)  # minutes after an attempt, and how many of them
CHANGEABLE = (Ended.BUSY, Ended.NO_ANSWER, Ended.MACHINE, Ended.ANSWERED, Ended.SPOKEN, Ended.FAILED)
MOST_STEPS, MOST_DAYS, LONGEST_SCRIPT = 8, 180, 4000
MOST_PRICE = 10_000  # a euro
DIGITAL = (Written.SMS, Written.EMAIL)


def parsed(kept: Any) -> Plan:
    """A plan from JSON, as it was kept."""
    return _PLAN.validate_python(kept, strict=False)


def kept(plan: Plan) -> dict[str, Any]:
    """A plan as JSON."""
    done: dict[str, Any] = _PLAN.dump_python(plan, mode="json")
    return done


def check(plan: Plan) -> None:
    """Raises `InvalidError` with every part of a plan that is wrong, by its field."""
    wrong = [*_numbers(plan), *_steps(plan.steps), *_retries(plan.retries), *plan.outcomes.wrong()]
    try:
        if not parse_week(dict(enumerate(plan.hours))) and Channel.CALL in {one.channel for one in plan.steps}:
            wrong.append(InvalidError("Scrivi in quali orari si chiama, almeno un giorno.", field="day-0"))
        parse_week(dict(enumerate(plan.business_hours)), field="business-day")
    except InvalidError as error:
        wrong += error.parts
    wrong += _prices(plan.prices)
    for phase, script in plan.scripts.items():
        if len(script) > LONGEST_SCRIPT:
            wrong.append(InvalidError(f"Al massimo {LONGEST_SCRIPT} caratteri.", field=f"script-{phase}"))
    for phase, letter in plan.letters.items():
        wrong += wording.check(letter, wording.FIELDS[phase], at=phase)
    if wrong:
        raise InvalidError("La campagna non è ancora completa.", parts=wrong)


def missing(plan: Plan) -> list[InvalidError]:
    """What it still lacks before an ente can be asked to approve it."""
    lacks = []
    if plan.purpose is Purpose.SURVEY and plan.form_id is None:
        lacks.append(InvalidError("Scegli il questionario dell'indagine.", field="form_id"))
    if any(one.channel is Channel.CALL for one in plan.steps):
        if plan.queue_id is None:
            lacks.append(InvalidError("Scegli chi chiama: la coda degli operatori.", field="queue_id"))
        if not plan.line:
            lacks.append(InvalidError("Scegli il numero che vede chi è chiamato.", field="line"))
        lacks += [
            InvalidError("Scrivi che cosa dice l'operatore.", field=f"script-{one}")
            for one in (plan.phases if plan.about_debt else ())
            if not plan.scripts.get(one, "").strip()
        ]
    lacks += faults(plan)
    for channel in plan.written:
        for phase in plan.phases:
            lacks += text.lacks(plan.words(channel, phase), channel, place=f"{channel}-{phase}")
    if plan.steps_of(Channel.VISIT) and not plan.about_debt:
        lacks.append(InvalidError("Le visite sono per le campagne di pagamento.", field="purpose"))
    if plan.steps_of(Channel.LETTER):
        if not (plan.line or plan.steps_of(Channel.CALL)):
            lacks.append(InvalidError("Scegli il numero che chiama chi legge la lettera.", field="line"))
        if not plan.about_debt:
            lacks.append(InvalidError("Le lettere sono per le campagne di pagamento.", field="purpose"))
        lacks += [
            InvalidError("Scrivi che cosa dice la lettera.", field=f"body-{one}")
            for one in plan.phases
            if not (plan.letters.get(one, LetterText()).subject.strip() and plan.letters[one].body.strip())
        ]
    return lacks


def _numbers(plan: Plan) -> list[InvalidError]:
    return [
        InvalidError(f"Un numero da {least} a {most}.", field=name)
        for name, (least, most) in RANGES.items()
        if (value := getattr(plan, name)) is not None and not least <= value <= most
    ]


def faults(plan: Plan) -> list[InvalidError]:
    """What is wrong with its messages, by their fields. What it is about decides which words they may have."""
    return [
        one
        for channel in plan.written
        for phase in plan.phases
        for one in text.faults(
            plan.words(channel, phase), channel, about_debt=plan.about_debt, place=f"{channel}-{phase}"
        )
    ]


def _prices(prices: Mapping[Written, int]) -> Iterator[InvalidError]:
    for channel, price in prices.items():
        if not 0 <= price <= MOST_PRICE:
            yield InvalidError("Un prezzo da 0 a 1 euro.", field=f"price-{channel}")


def _retries(retries: Mapping[Ended, Retry]) -> Iterator[InvalidError]:
    """A silent call's lock is law, and nobody shortens it."""
    for ended, one in retries.items():
        for name, value, (least, most) in (("after", one.after_minutes, PAUSES), ("most", one.most, TIMES)):
            if not least <= value <= most:
                yield InvalidError(f"Un numero da {least} a {most}.", field=f"{name}-{ended}")


def _steps(steps: Sequence[Step]) -> list[InvalidError]:
    if not 1 <= len(steps) <= MOST_STEPS:
        return [InvalidError(f"Da uno a {MOST_STEPS} passi.", field="steps")]
    return [
        InvalidError(f"Da 0 a {MOST_DAYS} giorni dopo il passo prima.", field=f"step-{n}")
        for n, one in enumerate(steps)
        if not 0 <= one.after_days <= MOST_DAYS
    ]
