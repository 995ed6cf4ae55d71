"""The configuration in memory: enti, contracts, hours, lines and queues are read at every step and change rarely.

The first statement of each transaction brings the configuration's version, which the database raises with every
change (triggers, so no writer can forget). What was read under a version serves whoever begins under the same one.
"""

import inspect
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import CheckConstraint, SmallInteger, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from crm.core.db import Base, Memory, table_of

P = ParamSpec("P")
T = TypeVar("T")

_MISSING: Final = object()


class ConfigurationVersion(Base):
    """The one row that every change of the configuration raises."""

    __tablename__ = "configuration_version"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    version: Mapped[int]

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)


_VERSION = select(table_of(ConfigurationVersion).c.version)


def kept(read: Callable[Concatenate[Session, P], T]) -> Callable[Concatenate[Session, P], T]:
    """Remember what `read` says until the configuration changes.

    It must read configuration alone, return something immutable that is the same in every scope, and take hashable
    arguments by position. A transaction that changes the configuration itself calls `changed` before it reads.
    """

    @wraps(read)
    def remembered(session: Session, /, *args: P.args, **kwargs: P.kwargs) -> T:
        assert not kwargs, "arguments by position: they are the key"
        if "configuration" not in session.info:
            session.connection()
        memory: Memory = session.info["memory"]
        version: int | None = session.info["configuration"]
        key: Hashable = (read, *args)
        if version is None:
            return read(session, *args, **kwargs)
        found: Any = memory.recall(version, key, _MISSING)
        if found is not _MISSING:
            return found  # type: ignore[no-any-return]
        value = read(session, *args, **kwargs)
        # Not when it changed since: by somebody else, or by this transaction, which may yet be rolled back.
        if session.execute(_VERSION).scalar_one() == version:
            memory.keep(version, key, value)
        return value

    return remembered


def given(memory: Memory, read: Callable[..., T], *args: Hashable, value: T) -> None:
    """Have a `kept` read answer this in version 0, without a database: the configuration of a simulation."""
    memory.keep(0, (inspect.unwrap(read), *args), value)


def changed(session: Session) -> None:
    """This transaction changes the configuration: from here on it reads what is written, not what is remembered."""
    session.connection()
    session.info["configuration"] = None
