"""How a colleague behaves: a pure model, drawn from a seed. All times are seconds at the world's natural pace."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from telephony.carriers.simulator.colleagues.accounts import ANSWERED, SUBJECTS, SURNAMES

MINUTE = 60.0
NOT_BEFORE_S = 5 * MINUTE
"""Nobody has just sat down to take a break."""
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Habits:
    """Spans are drawn from uniformly; talk is log-normal with the given mean."""

    settle_s: Span = (0.5, 4.0)
    answer_s: Span = (1.0, 6.0)
    misses: float = 0.02
    back_s: Span = (20.0, 40.0)
    identify_s: Span = (5.0, 15.0)
    searches: float = 0.6
    pick_s: Span = (3.0, 8.0)
    talk_s: float = 100.0
    talk_spread: float = 0.6
    note_share: Span = (0.4, 0.8)
    """When, in the conversation, the note is begun."""
    holds: float = 0.15
    hold_s: Span = (10.0, 40.0)
    wrap_up_s: Span = (5.0, 25.0)
    break_every_s: Span = (30 * MINUTE, 60 * MINUTE)
    break_s: Span = (1 * MINUTE, 3 * MINUTE)


@dataclass(frozen=True, slots=True)
class Account:
    """What is written about a call."""

    topic: str
    disposition: str
    note: str


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What a colleague will do with one call. `answer_after_s` is none for a call he lets ring; `search` is what he
    types when nobody is proposed, none when he leaves it; `hold_s` is for how long he puts the caller on hold, none
    when he does not. Moments of the talk count from its beginning."""

    answer_after_s: float | None
    identify_at_s: float
    search: str | None
    pick_after_s: float
    note_at_s: float
    talk_s: float
    wrap_up_s: float
    hold_s: float | None = None


class Colleague:
    """One person's decisions. The same seed decides the same things in the same order."""

    def __init__(self, seed: str, habits: Habits = Habits()) -> None:
        self.habits = habits
        self._dice = random.Random(seed)  # noqa: S311 - not a secret

    def settles_in_s(self) -> float:
        """Between sitting down and being ready."""
        return self._dice.uniform(*self.habits.settle_s)

    def takes_call(self) -> CallPlan:
        """A call rings."""
        dice, habits = self._dice, self.habits
        answer_after_s, missed = dice.uniform(*habits.answer_s), dice.random() < habits.misses
        talk_s = self._talk_s()
        return CallPlan(
            answer_after_s=None if missed else answer_after_s,
            identify_at_s=dice.uniform(*habits.identify_s),
            search=dice.choice(SURNAMES) if dice.random() < habits.searches else None,
            pick_after_s=dice.uniform(*habits.pick_s),
            note_at_s=talk_s * dice.uniform(*habits.note_share),
            talk_s=talk_s,
            wrap_up_s=dice.uniform(*habits.wrap_up_s),
            hold_s=dice.uniform(*habits.hold_s) if dice.random() < habits.holds else None,
        )

    def picks(self, people: Sequence[str]) -> str:
        """One of those that a search found."""
        return self._dice.choice(people)

    def writes(self, topics: Sequence[str] = (), dispositions: Sequence[str] = ()) -> Account:
        """An account in the form's own choices; without any, in those he remembers."""
        subjects = [subject for subject in SUBJECTS if subject.topic in topics] if topics else SUBJECTS
        if not subjects:  # the form has changed: what he knows fits nowhere
            return Account(self._dice.choice(topics), self._one_of(dispositions, (ANSWERED,)), SUBJECTS[-1].notes[0])
        subject = self._dice.choices(subjects, [subject.weight for subject in subjects])[0]
        disposition = self._one_of(dispositions, subject.dispositions)
        return Account(subject.topic, disposition, self._dice.choice(subject.notes))

    def goes_back_in_s(self) -> float:
        """After a call he did not answer."""
        return self._dice.uniform(*self.habits.back_s)

    def first_break_in_s(self, place: int, of: int) -> float:
        """Breaks of a team of `of` people are staggered: each begins in a part of the interval of his own."""
        latest = self.habits.break_every_s[1]
        return NOT_BEFORE_S + (place + self._dice.random()) / of * (latest - NOT_BEFORE_S)

    def next_break_in_s(self) -> float:
        """From the end of one break to the next."""
        return self._dice.uniform(*self.habits.break_every_s)

    def rests_s(self) -> float:
        """How long a break lasts."""
        return self._dice.uniform(*self.habits.break_s)

    def _talk_s(self) -> float:
        mean, spread = self.habits.talk_s, self.habits.talk_spread
        drawn = self._dice.lognormvariate(math.log(mean) - spread**2 / 2, spread) if mean > 0 else 0.0
        return min(max(drawn, 0.2 * mean), 8 * mean)

    def _one_of(self, offered: Sequence[str], preferred: Sequence[str]) -> str:
        wanted = [one for one in preferred if one in offered] if offered else preferred
        return self._dice.choice(wanted or offered)
