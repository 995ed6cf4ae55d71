"""A segment as one SELECT of contacts: what each condition means, put together from what crm can select by."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, or_

from crm.contacts import selecting as contacts
from crm.contacts.models import ConditionKind, PersonKind
from crm.contacts.selecting import Way
from crm.core.clock import ROME
from crm.positions import selecting as positions
from crm.timeline import selecting as timeline
from outbound.segments.conditions import Condition, Field, Kind, Operator, Segment


@dataclass(frozen=True, slots=True)
class About:
    """Whose contacts, and when: ages are counted from the day in Rome."""

    ente_id: int
    now: datetime

    @property
    def today(self) -> date:
        return self.now.astimezone(ROME).date()


def members(segment: Segment, about: About, *, share: int = 1) -> Select[int]:
    """The contacts whom the segment means, each once, as a column `contact_id`; one in so many of them, for a guess."""
    person = [_any(group, about, _person) for group in segment.of_kind(Kind.PERSON)]
    which = [_any(group, about, _position) for group in segment.of_kind(Kind.POSITION)]
    together = [_any(group, about, _together) for group in segment.of_kind(Kind.TOGETHER)]
    if share > 1:
        person.append(contacts.ID % share == 0)
        which += [positions.CONTACT % share == 0] if which or together else []
    if which or together:
        person.append(contacts.ID.in_(positions.owners(about.ente_id, *which, together=together)))
    return contacts.everybody(about.ente_id, *person)


Meaning = Callable[[Condition, About], ColumnElement[bool]]


def _any(group: tuple[Condition, ...], about: About, meaning: Meaning) -> ColumnElement[bool]:
    return or_(*(meaning(one, about) for one in group))


def _compared(column: ColumnElement[int], one: Condition) -> ColumnElement[bool]:
    return column >= one.value if one.operator is Operator.AT_LEAST else column <= one.value


def _one_of(column: ColumnElement[str], one: Condition) -> ColumnElement[bool]:
    return _stated(column.in_(_texts(one)), one)


def _stated(holds: ColumnElement[bool], one: Condition) -> ColumnElement[bool]:
    return ~holds if one.operator is Operator.IS_NOT or one.value is False else holds


def _texts(one: Condition) -> tuple[str, ...]:
    assert isinstance(one.value, tuple)
    return one.value


_PLAIN = {
    Field.TAX: positions.TAX, Field.ACT_KIND: positions.ACT_KIND, Field.PHASE: positions.STATE,
    Field.NOTIFICATION: positions.NOTIFICATION,
}  # fmt: skip


def _position(one: Condition, about: About) -> ColumnElement[bool]:
    match one.field:
        case Field.STANDING:
            return _one_of(positions.standing(about.today), one)
        case Field.PLAN:
            return _one_of(positions.plan_standing(about.today), one)
        case Field.TO_COLLECT:
            return _stated(positions.to_collect(about.today), one)
        case Field.DUE_DAYS:
            return _days_ago(positions.DUE_ON, one, about)
        case Field.NOTIFIED_DAYS:
            return _days_ago(positions.NOTIFIED_ON, one, about)
        case Field.YEAR:
            return _compared(positions.YEAR, one)
        case Field.RESIDUAL:
            return _compared(positions.OWED, one)
        case _:
            return _one_of(_PLAIN[one.field], one)


def _days_ago(day: ColumnElement[date | None], one: Condition, about: About) -> ColumnElement[bool]:
    """Of a day that is not known it does not hold, whichever way it is asked."""
    assert isinstance(one.value, int)
    then = about.today - timedelta(days=one.value)
    return day <= then if one.operator is Operator.AT_LEAST else day >= then


def _together(one: Condition, about: About) -> ColumnElement[bool]:  # noqa: ARG001  # as the others
    return _compared(positions.owed_in_all() if one.field is Field.OWED else positions.how_many(), one)


def _person(one: Condition, about: About) -> ColumnElement[bool]:
    match one.field:
        case Field.NO_CALLS:
            return _stated(contacts.wants_no_calls(), one)
        case Field.CONTACT_DAYS:
            assert isinstance(one.value, int)
            since = about.now - timedelta(days=one.value)
            lately = contacts.ID.in_(timeline.in_touch_since(about.ente_id, since))
            return ~lately if one.operator is Operator.AT_LEAST else lately
        case _:
            return _stated(_told(one, about), one)


def _told(one: Condition, about: About) -> ColumnElement[bool]:
    texts = _texts(one)
    match one.field:
        case Field.PERSON_KIND:
            return contacts.is_kind([PersonKind(text) for text in texts])
        case Field.REACHED_BY:
            return contacts.reached_by([Way(text) for text in texts])
        case Field.CONDITION:
            return contacts.in_condition([ConditionKind(text) for text in texts])
        case Field.LAST_OUTCOME:
            return contacts.ID.in_(timeline.last_conversation_ended(about.ente_id, texts))
        case Field.TOWN:
            return contacts.lives_in(texts)
        case Field.POSTCODE:
            return contacts.has_postcode(texts)
        case _:
            return contacts.in_street(texts)
