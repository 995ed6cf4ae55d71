"""Searches as they are measured: what is typed, the time that the database takes, the page that comes back."""

import http.client
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import event, select

from bench.million import FIRST_ID, Filled
from bench.place import Centre
from crm.access import service as access
from crm.contacts.models import Contact
from crm.contacts.search import search, similar
from crm.core.db import Database, Scope
from web.edge.visits import COOKIE
from web.run import claims


@dataclass(slots=True)
class Watch:
    """The seconds spent in the database, statement by statement."""

    spent: list[float] = field(default_factory=list)
    began: float = 0.0


@contextmanager
def watched(database: Database) -> Iterator[Watch]:
    """Time every statement of the application's role, from sending it to having its rows."""
    watch = Watch()

    def begin(*_: Any) -> None:
        watch.began = time.perf_counter()

    def end(*_: Any) -> None:
        watch.spent.append(time.perf_counter() - watch.began)

    event.listen(database.app_engine, "before_cursor_execute", begin)
    event.listen(database.app_engine, "after_cursor_execute", end)
    try:
        yield watch
    finally:
        event.remove(database.app_engine, "before_cursor_execute", begin)
        event.remove(database.app_engine, "after_cursor_execute", end)


def in_database(centre: Centre, filled: Filled, typed: Sequence[str], *, slips: bool = False) -> list[list[float]]:
    """Each search's statements, in seconds, as the role that row-level security binds, which sees all of these enti.

    `slips`: with the names a slip away where they follow by a second request.
    """
    searches = []
    with watched(centre.database) as watch:
        for text in typed:
            with centre.database.begin(Scope.of_enti(filled.enti)) as session:
                watch.spent.clear()
                if search(session, text).slips and slips:
                    similar(session, text)
                searches.append(list(watch.spent))
    return searches


def floor(centre: Centre, filled: Filled, count: int) -> list[float]:
    """The floor S: one row by its primary key, as the same role in the same scope."""
    spent = []
    with watched(centre.database) as watch:
        for number in range(count):
            one = FIRST_ID + number * 7919 % filled.count
            with centre.database.begin(Scope.of_enti(filled.enti)) as session:
                watch.spent.clear()
                session.execute(select(Contact.id, Contact.surname).where(Contact.id == one))
                spent.append(watch.spent[0])
    return spent


class Desk:
    """A supervisor's browser: signed in, one connection kept alive."""

    def __init__(self, centre: Centre) -> None:
        with centre.database.begin(Scope.nothing()) as session:
            token = access.open_session(session, centre.cast.sara)
            signed_in = access.resume(session, token)
        assert signed_in is not None
        self._headers = {
            "cookie": f"{COOKIE}={token}", "x-csrf-token": signed_in.csrf_token,
            "content-type": "application/x-www-form-urlencoded",
        }  # fmt: skip
        self._connection = http.client.HTTPConnection(claims.LOOPBACK, centre.settings.port, timeout=30)

    def search(self, text: str) -> float:
        """Search in the console's box: the seconds until the fragment was there."""
        began = time.perf_counter()
        self.send("POST", "/console/search", {"q": text})
        return time.perf_counter() - began

    def send(self, method: str, path: str, form: Mapping[str, str] | None = None) -> str:
        """What a page or a form answers. Raises `RuntimeError` when it is not well."""
        self._connection.request(method, path, urlencode(form) if form else None, self._headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        if response.status >= http.HTTPStatus.MULTIPLE_CHOICES:
            raise RuntimeError(f"{method} {path} answered {response.status}.")
        return text
