"""Practice calls, pure: whoever follows the advice does everything right, and whoever does not is told what to see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.core.errors import ConflictError, InvalidError
from crm.files.gate import GateOutcome
from crm.positions.history import history
from crm.positions.summary import late_instalments, owed_cents
from telephony.calls.choices import Disposition, Topic
from telephony.calls.models import Phase
from telephony.practice.course import Course, Step, advice, after, choices, course_of
from telephony.practice.debrief import Written, debrief
from telephony.practice.people import DARIO, EVERYBODY, GINO, UGO, found, owed_by
from telephony.practice.stories import CARD, ELSEWHERE, INSTALMENTS, QUESTION, RELATIVE, STORIES
from telephony.practice.story import Advice, Check, Deed, Fact, Story, StoryKey

NINE = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
WRONG = {"curt", "early", "too_much", "harsh", "invent", "dictate", "mandate"}
every_story = pytest.mark.parametrize("story", STORIES.values(), ids=lambda story: story.key)


@dataclass
class Trainee:
    """Somebody at practice, who takes a second for each thing."""

    story: Story
    steps: list[Step] = field(default_factory=list)
    written: Written = field(default_factory=Written)

    @property
    def now(self) -> Course:
        return course_of(self.story, NINE, self.steps)

    def do(self, deed: Deed, what: str = "", *, s: int = 1) -> Course:
        at = (self.steps[-1].at if self.steps else NINE) + timedelta(seconds=s)
        now = after(self.now, Step(at, deed, what))
        self.steps.append(Step(at, deed, what))
        return now

    def talks(self) -> "Trainee":
        self.do(Deed.ANSWER)
        self.do(Deed.SAY, "hello")
        return self

    def finishes(self, topic: Topic | None = None, disposition: Disposition | None = None) -> Mapping[Check, bool]:
        self.do(Deed.HANG_UP)
        self.do(Deed.SAVE)
        return debrief(self.now, Written(topic, disposition, "Nota")).findings


def follow(trainee: Trainee, advised: Advice) -> None:
    """Do what is advised."""
    now = trainee.now
    does: dict[Advice, Callable[[], object]] = {
        Advice.ANSWER_IT: lambda: trainee.do(Deed.ANSWER),
        Advice.GREET: lambda: trainee.do(Deed.SAY, "hello"),
        Advice.REPLY: lambda: trainee.do(Deed.SAY, sensible(now)),
        Advice.FIND: lambda: trainee.do(Deed.PROPOSE, str(now.story.person.id)),
        Advice.ASK: lambda: trainee.do(Deed.ASK, next(one.key for one in choices(now) if one.asks).split(":")[1]),
        Advice.IDENTIFY: lambda: trainee.do(Deed.IDENTIFY, ",".join(now.proven)),
        Advice.KEEP_CLOSED: lambda: trainee.do(Deed.TURN_AWAY, GateOutcome.WRONG_PERSON),
        Advice.TELL_TO_WAIT: lambda: trainee.do(Deed.SAY, "wait"),
        Advice.PASS_ON: lambda: trainee.do(Deed.PASS if now.consults else Deed.CONSULT),
        Advice.STOP_RECORDING: lambda: trainee.do(Deed.LEAVE_OUT),
        Advice.NOTE_PROMISE: lambda: trainee.do(Deed.PROMISE),
        Advice.HANG_UP: lambda: trainee.do(Deed.HANG_UP),
        Advice.SAVE: lambda: trainee.do(Deed.SAVE),
    }
    does[advised]()


def sensible(now: Course) -> str:
    return next(one.key for one in choices(now) if not one.asks and one.key not in WRONG)


@every_story
def test_whoever_follows_the_advice_does_everything_right(story: Story) -> None:
    trainee = Trainee(story)
    topic, disposition = min(story.topics), min(story.dispositions)
    for _ in range(30):
        advised = advice(trainee.now, topic=topic, disposition=disposition)
        if advised is None:
            break
        follow(trainee, advised)
    told = debrief(trainee.now, Written(topic, disposition, "Spiegato"))
    assert list(told.findings) == list(story.checks)
    assert [check for check, well in told.findings.items() if not well] == []
    assert told.talked > timedelta()


@every_story
def test_whoever_picks_up_and_hangs_up_is_told_what_was_missing(story: Story) -> None:
    trainee = Trainee(story)
    trainee.do(Deed.ANSWER)
    findings = trainee.finishes()
    missing = {check for check, well in findings.items() if not well}
    assert {Check.GREETED, Check.TOPIC, Check.DISPOSITION} <= missing
    assert missing & {Check.SERVED, Check.PASSED_ON}


def test_what_is_told_before_who_it_is_is_known_is_a_slip_and_afterwards_it_is_none() -> None:
    early = Trainee(INSTALMENTS).talks()
    assert Fact.TOLD_TOO_EARLY in early.do(Deed.SAY, "early").facts
    assert early.finishes()[Check.TOLD_NOTHING_BEFORE] is False
    late = Trainee(INSTALMENTS).talks()
    for key in ("name", "born"):
        late.do(Deed.ASK, key)
    late.do(Deed.IDENTIFY, "name,born")
    assert "early" not in {one.key for one in choices(late.now)}
    late.do(Deed.SAY, "late")
    assert late.finishes()[Check.TOLD_NOTHING_BEFORE] is True


def test_the_file_opens_for_two_ticks_but_a_tick_for_what_was_never_asked_is_seen() -> None:
    trainee = Trainee(INSTALMENTS).talks()
    trainee.do(Deed.ASK, "name")
    with pytest.raises(InvalidError, match="accerta"):
        trainee.do(Deed.IDENTIFY, "name")
    trainee.do(Deed.IDENTIFY, "name,born")
    findings = trainee.finishes()
    assert (findings[Check.IDENTIFIED], findings[Check.TICKED_HONESTLY]) == (True, False)


def test_a_wife_who_knows_the_answers_is_still_not_her_husband() -> None:
    trainee = Trainee(RELATIVE).talks()
    trainee.do(Deed.ASK, "name")
    trainee.do(Deed.ASK, "born")
    trainee.do(Deed.IDENTIFY, "born,name")
    assert trainee.finishes(Topic.PAYMENT, Disposition.WRONG_PERSON)[Check.KEPT_CLOSED] is False


def test_no_identity_is_asked_for_where_none_is_needed() -> None:
    trainee = Trainee(QUESTION).talks()
    trainee.do(Deed.PROPOSE, str(QUESTION.person.id))
    trainee.do(Deed.ASK, "born")
    assert trainee.now.speech[-1].words.startswith("Perché me lo chiede?")
    assert trainee.finishes()[Check.ASKED_NOTHING] is False


@pytest.mark.parametrize(("told", "held_s", "well"), [(True, 30, True), (False, 30, False), (True, 300, False)])
def test_a_hold_is_announced_and_short(told: bool, held_s: int, well: bool) -> None:
    trainee = Trainee(ELSEWHERE).talks()
    if told:
        trainee.do(Deed.SAY, "wait")
    trainee.do(Deed.CONSULT)
    assert choices(trainee.now) == ()
    trainee.do(Deed.PASS, s=held_s)
    trainee.do(Deed.SAVE)
    findings = debrief(trainee.now, Written(Topic.LITIGATION, Disposition.REDIRECTED, "x")).findings
    assert (findings[Check.HELD_POLITELY], findings[Check.PASSED_ON]) == (well, True)


@pytest.mark.parametrize(("waits_s", "recorded"), [(1, False), (200, True)])
def test_a_recording_that_was_stopped_goes_on_by_itself(waits_s: int, recorded: bool) -> None:
    trainee = Trainee(CARD).talks()
    trainee.do(Deed.LEAVE_OUT)
    now = trainee.do(Deed.SAY, "no_cards", s=waits_s)
    assert (Fact.NUMBER_RECORDED in now.facts) is recorded
    assert now.is_recorded(now.speech[-1].at) is recorded


def test_another_version_of_a_story_does_not_break_a_call_that_was_begun() -> None:
    steps = [Step(NINE, Deed.ANSWER), Step(NINE, Deed.SAY, "gone"), Step(NINE, Deed.SAY, "hello")]
    assert course_of(INSTALMENTS, NINE, steps).said == {"hello"}


DEEDS = st.one_of(
    st.tuples(st.just(Deed.SAY), st.integers(0, 4).map(str)),
    st.tuples(st.just(Deed.ASK), st.sampled_from(["name", "born", "act", "?"])),
    st.tuples(st.just(Deed.PROPOSE), st.sampled_from(["1", "3", "99", "x", ""])),
    st.tuples(st.just(Deed.IDENTIFY), st.sampled_from(["", "name", "name,born", "born,act"])),
    st.tuples(st.just(Deed.TURN_AWAY), st.sampled_from([*GateOutcome])),
    st.tuples(st.sampled_from([*Deed]).filter(lambda one: one is not Deed.TURN_AWAY), st.just("")),
)


@settings(max_examples=150)
@given(st.sampled_from([*STORIES.values()]), st.lists(DEEDS, max_size=25))
def test_whatever_is_done_a_call_stays_one(story: Story, deeds: list[tuple[Deed, str]]) -> None:
    """Nobody is heard on hold, what was said stays, and what is over is over; nothing is ever both open and closed."""
    trainee = Trainee(story)
    trainee.do(Deed.ANSWER)
    for deed, what in deeds:
        before = trainee.now
        offered = [one.key for one in choices(before) if not one.asks]
        key = offered[int(what) % len(offered)] if deed is Deed.SAY and what and offered else what
        try:
            now = trainee.do(deed, key)
        except (ConflictError, InvalidError):
            assert trainee.now == before
            continue
        assert now == trainee.now
        assert now.speech[: len(before.speech)] == before.speech
        assert not before.over or now.phase is before.phase
        assert before.saved_at is None
        assert not (now.identified_at and now.proposed is None)
        assert not (now.held_since and (choices(now) or now.together or now.over))
        assert now.phase in {Phase.TALKING, Phase.OUTSIDE, Phase.ENDED}
        assert (advice(now, topic=None, disposition=None) is None) is (now.saved_at is not None)


def test_each_story_can_be_told_apart_and_its_words_stand_once() -> None:
    assert set(STORIES) == set(StoryKey)
    for story in STORIES.values():
        keys = [one.key for one in story.replies]
        assert len(keys) == len(set(keys))
        assert story.topics
        assert story.dispositions


def test_what_invented_people_owe_reads_as_any_file_does() -> None:
    today = date(2026, 11, 20)
    (rates,), (assessed,), (fined,) = (owed_by(one, today, NINE) for one in (GINO, UGO, DARIO))
    assert owed_cents(rates) == 35_550
    assert [one.number for one in late_instalments(rates, today)] == [3]
    assert owed_cents(assessed) == 81_240
    assert any("preavviso di fermo" in one.sentence.lower() for one in history(fined, today))
    assert not {one.codice_fiscale for one in EVERYBODY if "X999" not in one.codice_fiscale}


@pytest.mark.parametrize(("text", "ids"), [
    ("finti", [2]), ("Bruno inventati", [3]), ("3000000004", [4]), ("7/PROVA", [7]), ("zz", []), ("bianchi", []),
])  # fmt: skip
def test_only_invented_people_are_found(text: str, ids: list[int]) -> None:
    assert [one.id for one in found(text)] == ids
