"""An interview: what is asked next, what an answer changes, and what is told of it in the end. Pure.

An answer is *kept* by the path of its question: `age`, or `age[2]` in the second instance of a repeat. It *counts*
while its question is relevant, its choices are offered and its condition holds; else it is set aside, and counts again
when they do. What is asked next is the first question, in the order of the form, that has no answer that counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from outbound.cati.questionnaire.definition import Kind, Question, Questionnaire
from outbound.cati.questionnaire.entries import NO, YES, EntryError, Refused, kept
from outbound.cati.questionnaire.look import Look, Place, Setting
from outbound.cati.questionnaire.xpath import filled, references_in


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered, by path. `at`: the path that was gone back to; empty: the first that is open."""

    values: Mapping[str, str] = field(default_factory=dict)
    at: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A choice on the screen."""

    name: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Screen:
    """One question as the interviewer sees it. `kind` is none where the question is whether there is another instance.

    `value` is the answer there is, else the default. `done` of `whole` questions have an answer; `whole` may grow.
    """

    path: str
    question: Question | None
    headings: tuple[str, ...]
    label: str
    hint: str
    guidance: str
    options: tuple[Option, ...]
    value: str
    is_required: bool
    was_answered: bool
    is_first: bool
    done: int
    whole: int

    @property
    def kind(self) -> Kind | None:
        return self.question.kind if self.question else None


class RefusedError(Exception):
    """An answer was not taken; `message` is the form's own sentence, if it has one."""

    def __init__(self, reason: Refused, message: str = "") -> None:
        super().__init__(reason, message)
        self.reason, self.message = reason, message


def start() -> Answers:
    """Nothing answered yet."""
    return Answers()


def step(form: Questionnaire, answers: Answers, setting: Setting) -> Screen | None:
    """What is asked now; none once everything is answered."""
    look = Look(form, answers.values, setting)
    places = list(look.places())
    here = _here(look, places, answers)
    return _screen(look, places, here) if here is not None else None


def answer(form: Questionnaire, answers: Answers, setting: Setting, said: Sequence[str]) -> Answers:
    """Answer what `step` asks. Raises `RefusedError`, and `LookupError` where nothing is asked."""
    look = Look(form, answers.values, setting)
    places = list(look.places())
    here = _here(look, places, answers)
    if here is None:
        raise LookupError("Nothing is asked.")
    question = look.question_at(here)
    if question is None:
        value = " ".join(said).strip()
        if value not in {YES, NO}:
            raise RefusedError(Refused.REQUIRED)
        return Answers({**answers.values, here.path: value})
    try:
        value = kept(question, said)
    except EntryError as error:
        raise RefusedError(error.reason) from None
    if question.kind in {Kind.MANY, Kind.RANK}:
        value = _ordered(look, question, value)
    changed = {**answers.values, here.path: value}
    after = Look(form, changed, setting)
    if reason := after.refused(question, here, value):
        raise RefusedError(reason, _own_words(after, question, here, reason))
    return Answers(changed)


def back(form: Questionnaire, answers: Answers, setting: Setting) -> Answers:
    """To the question before; the first stays."""
    return _moved(form, answers, setting, -1)


def forward(form: Questionnaire, answers: Answers, setting: Setting) -> Answers:
    """To the question after, if this one has an answer that counts."""
    return _moved(form, answers, setting, +1)


def given(form: Questionnaire, answers: Answers, setting: Setting) -> dict[str, str]:
    """Every answer that counts, and what was calculated, by path; nothing of what is empty."""
    look = Look(form, answers.values, setting)
    return {place.path: value for place, value in look.told() if value}


def sections(form: Questionnaire, answers: Answers, setting: Setting) -> tuple[Place, ...]:
    """The places that are asked, in order; for paradata and previews."""
    return tuple(Look(form, answers.values, setting).places())


# -- parts -------------------------------------------------------------------------------------------------------------


def _here(look: Look, places: list[Place], answers: Answers) -> Place | None:
    return next(
        (place for place in places if place.path == answers.at),
        next((place for place in places if look.is_open(place)), None),
    )


def _moved(form: Questionnaire, answers: Answers, setting: Setting, by: int) -> Answers:
    look = Look(form, answers.values, setting)
    places = list(look.places())
    here = _here(look, places, answers)
    index = places.index(here) if here is not None else len(places)
    if by > 0 and (here is None or look.is_open(here)):
        return answers
    target = index + by
    if target < 0 or not places:
        return answers
    return replace(answers, at=places[target].path if target < len(places) else "")


def _screen(look: Look, places: list[Place], here: Place) -> Screen:
    form, language = look.form, look.setting.language
    question = look.question_at(here)
    before = answered = here.path in look.values
    value = look.values.get(here.path, "")
    headings = tuple(
        said for one in form.above[here.name] if (said := _piped(look, here, form.said(one.label, language)))
    )
    common = {
        "path": here.path, "question": question, "headings": headings, "was_answered": before,
        "is_first": places[0] == here, "whole": len(places), "done": sum(not look.is_open(place) for place in places),
    }  # fmt: skip
    if question is None:
        section = form.by_name[here.name]
        label = _piped(look, here, form.said(section.label, language))
        options = tuple(Option(one, "", one == value) for one in (YES, NO))
        return Screen(**common, label=label, hint="", guidance="", options=options, value=value, is_required=True)  # type: ignore[arg-type]
    if not answered:
        value = look.proposed(question, here)
    chosen = value.split() if question.kind.has_choices else []
    offered = [
        Option(one.name, _piped(look, here, form.said(one.label, language)), one.name in chosen)
        for one in look.offered(question, here)
    ]
    if question.kind is Kind.RANK and chosen:
        offered.sort(key=lambda one: chosen.index(one.name) if one.name in chosen else len(chosen))
    return Screen(
        **common, label=_piped(look, here, form.said(question.label, language)),  # type: ignore[arg-type]
        hint=_piped(look, here, form.said(question.hint, language)),
        guidance=_piped(look, here, form.said(question.guidance, language)),
        options=tuple(offered), value=value, is_required=look.is_required(question, here),
    )  # fmt: skip


def _piped(look: Look, here: Place, text: str) -> str:
    names = references_in(text)
    return filled(text, {name: look.worded(here, name) for name in names}) if names else text


def _ordered(look: Look, question: Question, value: str) -> str:
    """Of several, in the order of the list, so that the same choices are the same answer; a rank stays as it is."""
    if question.kind is Kind.RANK:
        return value
    order = [one.name for one in look.form.lists.get(question.choices, ())]
    return " ".join(sorted(value.split(), key=lambda one: order.index(one) if one in order else len(order)))


def _own_words(look: Look, question: Question, here: Place, reason: Refused) -> str:
    own = {Refused.CONSTRAINT: question.constraint_message, Refused.REQUIRED: question.required_message}
    return _piped(look, here, look.form.said(own.get(reason, {}), look.setting.language))


def straight(form: Questionnaire, answers: Answers, setting: Setting) -> Iterator[tuple[str, str]]:
    """The paths that are asked and what counts there, in order: a walk from the first question to the last."""
    look = Look(form, answers.values, setting)
    for place in look.places():
        if not look.is_open(place):
            yield place.path, answers.values[place.path]


def asked_at(form: Questionnaire, path: str) -> Question | None:
    """The question of a path; none where there is none."""
    item = form.by_name.get(path.partition("[")[0])
    return item if isinstance(item, Question) else None
