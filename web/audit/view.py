"""What the access log's page shows: the choice made, the entries, the alerts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.audit import queries, watch
from crm.audit.queries import Cursor, Noted, Wanted
from crm.contacts import queries as contacts
from crm.core import clock, topics
from crm.core.clock import business_day, start_of_day
from crm.core.db import Scope
from crm.enti import queries as enti
from web.audit.sentences import SENTENCES
from web.audit.stored import flat, name_of, said
from web.edge.fields import id_of, period_of
from web.edge.i18n import translations
from web.edge.templating import fragment
from web.edge.visits import Visit
from web.live.hub import Render, Rendered
from web.wiring import Runtime

DAYS = 30  # shown until somebody chooses otherwise
Say = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody wants to see, as the page's address says it: ids and days, never a name."""

    ente: int | None
    since: date
    until: date
    user: int | None
    kind: str
    contact: int | None
    uncalled: bool = False  # files opened without a call, as alerts count them

    @property
    def query(self) -> str:
        """The choice, to be put behind a `?`."""
        given = {name: getattr(self, name) for name in ("ente", "since", "until", "user", "kind", "contact")}
        given["uncalled"] = "1" if self.uncalled else ""
        return urlencode({name: value for name, value in given.items() if value})


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as it is shown."""

    noted: Noted
    what: str
    whom: str | None
    ente: str | None
    changes: tuple[tuple[str, str, str], ...]  # field, before, after

    @property
    def call_id(self) -> UUID | None:
        """The call in which it was done. Of a correspondence it is that one's own, which is none."""
        return None if self.noted.kind == "mail.read" else self.noted.call_id


def choice_of(
    session: Session, *, ente: str, since: str, until: str, user: str, kind: str, contact: str, uncalled: str
) -> Choice:  # fmt: skip
    """What the address says. Raises `InvalidError`, field by field."""
    first, last = period_of(since, until, today=business_day(clock.now(session)), days=DAYS)
    return Choice(
        id_of(ente), first, last, id_of(user), kind if kind in SENTENCES else "", id_of(contact), bool(uncalled)
    )


def wanted(session: Session, by: Principal, choice: Choice) -> Wanted:
    """The choice as a question, within what `by` may read. Another's ente is as if it did not exist."""
    may = queries.readable(session, by)
    found = replace(
        may, since=start_of_day(choice.since), until=start_of_day(choice.until + timedelta(days=1)),
        actor_id=choice.user, kinds=(choice.kind,) if choice.kind else (),
    )  # fmt: skip
    if choice.uncalled:
        found = replace(found, uncalled=True, kinds=found.kinds or watch.OPENED)
    if choice.ente is not None:
        found = replace(found, enti=may.enti & {choice.ente}, contracts=frozenset())
    if choice.contact is not None:
        found = replace(found, contact_ids=(contacts.get(session, choice.contact).id,), contracts=frozenset())
    return found


def lines(session: Session, noted: Iterable[Noted], language: str) -> list[Line]:
    """The entries with the words and names that people read."""
    noted = list(noted)
    names = contacts.named(session, {one.contact_id for one in noted if one.contact_id is not None})
    users = access.named(session, {number for one in noted if (number := _user_of(one)) is not None})
    badges = enti.badges(session)
    return [
        Line(
            _in_words(one, users, language), translations(language).gettext(SENTENCES.get(one.kind, one.kind)),
            names.get(one.contact_id) if one.contact_id else None,
            badges[one.ente_id].short_name if one.ente_id in badges else None, changes(one, language),
        )
        for one in noted
    ]  # fmt: skip


def _user_of(noted: Noted) -> int | None:
    """The user whom an entry is about."""
    return id_of(noted.subject.removeprefix("user:")) if noted.subject.startswith("user:") else None


def _in_words(noted: Noted, users: Mapping[int, str], language: str) -> Noted:
    """Subject and reason as people read them."""
    subject = users.get(_user_of(noted) or 0) or _or_nothing("subject", noted.subject, noted.kind, language)
    return replace(noted, subject=subject, reason=_or_nothing("reason", noted.reason, noted.kind, language))


def _or_nothing(field: str, text: str, kind: str, language: str) -> str:
    return text and flat(said(field, text, language, of=kind))


def changes(noted: Noted, language: str) -> tuple[tuple[str, str, str], ...]:
    """What is different after, each with its value before and after."""

    def shown(name: str, values: Mapping[str, Any]) -> str:
        return flat(said(name, values.get(name), language, of=noted.kind))

    return tuple(
        (name_of(name, language), shown(name, noted.before), shown(name, noted.after)) for name in noted.changed
    )


def cursor_of(text: str) -> Cursor | None:
    """Where a page begins, as its address says it; the first one for what nobody wrote."""
    at, _, number = text.partition("~")
    id_ = id_of(number)
    try:
        return None if id_ is None else Cursor(datetime.fromisoformat(at), id_)
    except ValueError:
        return None


def next_page(page: list[Noted]) -> str:
    """Where the next page begins, as an address says it."""
    return f"{page[-1].occurred_at.isoformat()}~{page[-1].id}" if len(page) == queries.PAGE else ""


def render_alerts(runtime: Runtime, scope: Scope, visit: Visit) -> Rendered:
    """The alerts of these enti."""
    with runtime.database.begin(scope) as session:
        found = watch.alerts(session, visit.principal)
        badges = enti.badges(session)
    html = fragment("audit/alerts.html", visit.language, alerts=found, badges=badges, visit=visit)
    return Rendered({"alerts": html}, _topics(scope))


def render_badge(runtime: Runtime, scope: Scope, visit: Visit) -> Rendered:
    """How many alerts wait for somebody."""
    with runtime.database.begin(scope) as session:
        waiting = len(watch.alerts(session, visit.principal, only_open=True))
    return Rendered({"reading-alerts": fragment("audit/badge.html", visit.language, waiting=waiting)}, _topics(scope))


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Nobody explains his own reading, so everybody's list is his own."""
    scope = visit.scope(Permission.ACCESS_READ)
    key = f"alerts:{visit.principal.user_id}:{visit.language}"
    return [(key, partial(render_alerts, runtime, scope, visit)), *badge(runtime, visit)]


def badge(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """The part that each live page of somebody who may read the log has in its head."""
    if not visit.principal.can(Permission.ACCESS_READ):
        return []
    scope = visit.scope(Permission.ACCESS_READ)
    return [(f"badge:{visit.principal.user_id}:{visit.language}", partial(render_badge, runtime, scope, visit))]


def say_in(language: str) -> Say:
    """The words of a language."""
    return translations(language).gettext


def _topics(scope: Scope) -> frozenset[str]:
    return frozenset(topics.reading_alerts(ente_id) for ente_id in scope.enti or ())
