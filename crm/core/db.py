"""The database: transactions at the edge, tenant scope as their first statement, actions after their commit.

Three roles, none a superuser: the *owner* migrates, the *application* sees the enti of its scope through
row-level security, and *routing* sees every ente but telephony's tables alone.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast
from uuid import UUID, uuid4

import structlog
from psycopg import errors as pg_errors
from pydantic_core import from_json
from sqlalchemy import BigInteger, Connection, DateTime, Enum, MetaData, Table, create_engine, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

if TYPE_CHECKING:
    from crm.core.secrecy import Secrecy

log = structlog.get_logger(__name__)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

T = TypeVar("T")


class Base(DeclarativeBase):
    """Common to all tables: constraint names, UTC instants, 64-bit integers, JSON as `jsonb`."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[Mapping[Any, Any]] = {
        datetime: DateTime(timezone=True),
        int: BigInteger,
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
    }


def table_of(model: type[Base]) -> Table:
    """A model's table, for hot paths: a statement on it costs a fraction of one on the mapped class."""
    return cast("Table", model.__table__)


def choice(kind: type[StrEnum], *, name: str | None = None) -> Enum:
    """A column of one of the enum's values, stored as text and checked by the database.

    `name` is the check's, where a table has two columns of one kind.
    """
    name = name or "".join("_" + c.lower() if c.isupper() else c for c in kind.__name__).lstrip("_")
    return Enum(
        kind, name=name, native_enum=False, create_constraint=True, length=32,
        values_callable=lambda members: [member.value for member in members],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scope:
    """What a transaction may see. `enti=None` stands for "all enti of these contracts, as of today"."""

    enti: frozenset[int] | None
    contracts: frozenset[int] = frozenset()
    routing: bool = False

    @classmethod
    def nothing(cls) -> Self:
        """No tenant's rows: signing in, health, tables that belong to no ente."""
        return cls(frozenset())

    @classmethod
    def of_enti(cls, enti: Iterable[int], contracts: Iterable[int] = ()) -> Self:
        """These enti, and the still unattributed calls of these contracts."""
        return cls(frozenset(enti), frozenset(contracts))

    @classmethod
    def of_contract(cls, contract_id: int) -> Self:
        """Every ente of a contract: a carrier's webhook about one of its calls."""
        return cls(None, frozenset({contract_id}))

    @classmethod
    def across_enti(cls) -> Self:
        """Routing and engine only: every ente, on telephony's tables alone."""
        return cls(frozenset(), routing=True)


# The first statement of each transaction. `contract_ente` is a table without personal data or row policy.
_OPEN = text(
    """
    SELECT set_config('app.contracts', :contracts, true),
           set_config('app.enti', coalesce(:enti, (
               SELECT coalesce(string_agg(ente_id::text, ','), '') FROM contract_ente
               WHERE contract_id = ANY (string_to_array(nullif(:contracts, ''), ',')::bigint[]))), true),
           clock_timestamp(), (SELECT version FROM configuration_version)
    """
)
_OPEN_ROUTING = text("SELECT clock_timestamp(), (SELECT version FROM configuration_version)")
_RETRIED = (pg_errors.DeadlockDetected, pg_errors.SerializationFailure)


def _joined(ids: Iterable[int]) -> str:
    return ",".join(str(i) for i in sorted(ids))


@dataclass(frozen=True, slots=True)
class LiveTopic:
    """Whoever watches this topic should look again, such as `board:7` or `agent:12`. Never personal data."""

    name: str


Handler = Callable[[list[Any]], None]


class Memory:
    """What was read of one version of the configuration, the newest seen; shared by the threads of a process."""

    def __init__(self) -> None:
        self._held: tuple[int, dict[Hashable, Any]] = (-1, {})

    def recall(self, version: int, key: Hashable, default: Any) -> Any:
        """What was kept under this version, or the default."""
        held, values = self._held
        return values.get(key, default) if held == version else default

    def keep(self, version: int, key: Hashable, value: Any) -> None:
        """Keep a value; whatever belongs to older versions is let go."""
        held, values = self._held
        if version > held:
            self._held = (version, {key: value})
        elif version == held:
            values[key] = value


class Database:
    """Opens transactions, and hands their signals to the handlers wired at the edge once they are committed."""

    def __init__(
        self, app_url: str, routing_url: str, *, pool_size: int = 24, secrecy: "Secrecy | None" = None,
        clock: Callable[[], datetime] | None = None, new_id: Callable[[], UUID] = uuid4,
    ) -> None:  # fmt: skip
        """`clock` and `new_id` are a simulation's, which must come out the same again."""
        options: dict[str, Any] = {
            "pool_size": pool_size, "max_overflow": 0, "pool_timeout": 10,
            "hide_parameters": True,  # they hold personal data, and errors are logged
            "json_deserializer": from_json,  # several times as fast as the standard library's
            "connect_args": {
                "connect_timeout": 5, "application_name": "filodiretto",
                # A frozen process must not hold everybody's locks.
                "options": "-c lock_timeout=8s -c idle_in_transaction_session_timeout=60s -c timezone=UTC",
            },
        }  # fmt: skip
        self.app_engine = create_engine(app_url, **options)
        self.routing_engine = create_engine(routing_url, **options)
        self._app = sessionmaker(self.app_engine, expire_on_commit=False)
        self._routing = sessionmaker(self.routing_engine, expire_on_commit=False)
        self._handlers: dict[type, Handler] = {}
        self._info: dict[str, Any] = {"memory": Memory(), "secrecy": secrecy, "clock": clock, "new_id": new_id}
        for maker in (self._app, self._routing):
            event.listen(maker, "after_begin", _open)

    def on(self, kind: type, handler: Handler) -> None:
        """Call `handler` with the signals of this kind that a transaction left, after its commit."""
        self._handlers[kind] = handler  # in the order of registration: what is urgent is registered first

    @contextmanager
    def begin(self, scope: Scope) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back on an exception; then its signals are handed on."""
        with self._opened(scope) as session:
            yield session
            session.commit()
        self._hand_on(session.info.get("signals", {}))

    @contextmanager
    def snapshot(self, scope: Scope) -> Iterator[Session]:
        """One transaction that sees the same rows from its first statement to its last, whatever others commit."""
        with self._opened(scope, isolation="REPEATABLE READ") as session:
            yield session
            session.commit()

    def transact(self, scope: Scope, work: Callable[[Session], T], *, tries: int = 4) -> T:
        """Run `work` in one transaction, and again from its start when PostgreSQL broke a deadlock."""
        for attempt in range(1, tries + 1):
            try:
                with self.begin(scope) as session:
                    return work(session)
            except DBAPIError as error:
                if not isinstance(error.orig, _RETRIED) or attempt == tries:
                    raise
                log.info("transaction_retried", attempt=attempt, reason=type(error.orig).__name__)
        raise AssertionError("unreachable")

    def dispose(self) -> None:
        """Close the pools."""
        self.app_engine.dispose()
        self.routing_engine.dispose()

    def _opened(self, scope: Scope, *, isolation: str | None = None) -> Session:
        """A session that has said its scope and read the clock.

        A connection that died in its pool, as all do when PostgreSQL restarts, is noticed by this first statement.
        SQLAlchemy then replaces the whole pool, and as nothing was asked yet the statement is said again. No
        connection is tried before each use, which would cost every transaction a round trip.
        """
        maker = self._routing if scope.routing else self._app
        try:
            return _begun(maker(info={"scope": scope, **self._info}), isolation)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            log.info("connection_replaced", routing=scope.routing)
        return _begun(maker(info={"scope": scope, **self._info}), isolation)

    def _hand_on(self, signals: Iterable[Any]) -> None:
        by_kind: dict[type, list[Any]] = {}
        for one in signals:
            by_kind.setdefault(type(one), []).append(one)
        for kind, handler in self._handlers.items():
            if group := by_kind.get(kind):
                try:
                    handler(group)
                except Exception:
                    # The commit stands; what a signal would have hastened, the engine's sweep does.
                    log.exception("signal_handler_failed", signal=kind.__name__)


def signal(session: Session, *signals: Any) -> None:
    """Leave signals (frozen values) to be handed on after the commit: each once, none after a rollback."""
    session.info.setdefault("signals", {}).update(dict.fromkeys(signals))


def replace_signals(session: Session, kind: type[T], replaced: Callable[[T], T]) -> None:
    """Leave others in the place of the signals of one kind that this transaction has left so far."""
    signals = session.info.get("signals", {})
    session.info["signals"] = {replaced(one) if isinstance(one, kind) else one: None for one in signals}


def new_id(session: Session) -> UUID:
    """An id that nothing has had."""
    made: UUID = session.info["new_id"]()
    return made


def touch(session: Session, *topics: str) -> None:
    """Say that whoever watches one of these live topics should look again once this is committed."""
    signal(session, *(LiveTopic(name) for name in topics))


def _begun(session: Session, isolation: str | None) -> Session:
    """The session with its transaction begun (see `_open`), or closed again when that fails."""
    try:
        session.connection(execution_options={"isolation_level": isolation} if isolation else None)
    except BaseException:
        session.close()
        raise
    return session


def _open(session: Session, transaction: Any, connection: Connection) -> None:
    if transaction.nested:
        return
    scope: Scope = session.info["scope"]
    if scope.routing:
        row: Any = connection.execute(_OPEN_ROUTING).one()
    else:
        enti = None if scope.enti is None else _joined(scope.enti)
        row = connection.execute(_OPEN, {"enti": enti, "contracts": _joined(scope.contracts)}).one()
    now, session.info["configuration"] = row[-2:]
    clock: Callable[[], datetime] | None = session.info["clock"]
    session.info["now"] = now if clock is None else clock()
