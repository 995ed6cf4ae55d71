"""The statements of one transaction of the product, learnt by watching it once, as pre-built Core statements.

What identifies the rehearsed call in them (its ids, the event's key) becomes a parameter; the rest stays as it was.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, event
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors

from crm.core.db import Database, Scope

T = TypeVar("T")
Names = Mapping[UUID | str | int, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with parameters to fill, or with rows whose marked values are to be filled."""

    element: Any
    names: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    given: Names

    def arguments(self, values: Mapping[str, Any]) -> Any:
        """What to execute it with."""
        if not self.rows:
            return {name: values[name] for name in self.names}
        filled = [{column: self._filled(value, values) for column, value in row.items()} for row in self.rows]
        return filled if len(filled) > 1 else filled[0]

    def _filled(self, value: Any, values: Mapping[str, Any]) -> Any:
        name = _name(value, self.given)
        return value if name is None else values[name]


class _TakenBack(Exception):  # noqa: N818  # not an error: the rehearsal leaves nothing behind
    pass


class Rehearsal:
    """A database for the product's code whose one transaction is listened to, then rolled back."""

    def __init__(self, database: Database, names: Names) -> None:
        self.statements: list[Statement] = []
        self._database = database
        self._names = names

    def transact(self, scope: Scope, work: Callable[[Session], T]) -> T:
        """Run `work` and keep its statements."""
        engine = self._database.routing_engine if scope.routing else self._database.app_engine
        event.listen(engine, "before_execute", self._before_execute)
        results = []
        try:
            with self._database.begin(scope) as session:
                results.append(work(session))
                raise _TakenBack
        except _TakenBack:
            return results[0]
        finally:
            event.remove(engine, "before_execute", self._before_execute)

    def _before_execute(self, _connection: Any, element: Any, many: Any, one: Any, _options: Any) -> None:
        rows = tuple(many) if many else ((dict(one),) if one else ())
        self.statements.append(_statement(element, rows, self._names))


def _statement(element: Any, rows: tuple[dict[str, Any], ...], names: Names) -> Statement:
    opened: set[str] = set()

    def replace(part: Any, **_: Any) -> Any:
        if isinstance(part, BindParameter) and (name := _name(part.value, names)):
            opened.add(name)
            return bindparam(name, type_=part.type)
        return None

    traverse: Any = visitors.replacement_traverse
    return Statement(traverse(element, {}, replace), tuple(opened), rows, names)


def _name(value: Any, names: Names) -> str | None:
    return names.get(value) if isinstance(value, UUID | str | int) else None
