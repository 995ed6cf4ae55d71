"""Reading voice flows: which one a call takes, and what an administrator sees of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.core.configuration import kept
from crm.core.errors import NotFoundError
from telephony.ivr.definition import Flow
from telephony.ivr.languages import Language
from telephony.ivr.models import EmergencyMessage, IvrFlow, IvrPublication, IvrVersion
from telephony.ivr.turns import Urgent
from telephony.ivr.usual import usual, written_down
from telephony.lines import queries as lines
from telephony.lines.models import PhoneLine


@dataclass(frozen=True, slots=True)
class Current:
    """What a new call on a line takes: what was published, or the usual flow over the contract's queues."""

    version_id: int
    flow: Flow


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version of a flow, without what it says."""

    id: int
    flow_id: int
    number: int
    changed_at: datetime
    changed_by: str | None
    published_at: datetime | None  # for the last time
    is_current: bool
    undoable: int = 0  # changes that can be taken back

    @property
    def is_draft(self) -> bool:
        """Whether it may still be changed."""
        return self.published_at is None


@dataclass(frozen=True, slots=True)
class FlowView:
    """A flow, its versions, newest first, and the lines that lead to it."""

    id: int
    contract_id: int
    name: str
    versions: tuple[VersionView, ...]
    lines: tuple[str, ...]


@kept
def current(session: Session, number: str) -> Current:
    """The flow that a new call on this line takes."""
    contract_id, flow_id = session.execute(
        select(PhoneLine.contract_id, PhoneLine.flow_id).where(PhoneLine.number == number)
    ).one()
    version_id = None if flow_id is None else session.scalar(_latest(flow_id))
    if version_id is None:
        line = lines.line(session, number)
        flow = usual(session, contract_id, line.queue_id if line else None, line.ente_id if line else None)
        return Current(written_down(session, flow), flow)
    return Current(version_id, of_call(session, version_id))


@kept
def of_call(session: Session, version_id: int) -> Flow:
    """The flow of a call that began with this version, whatever was published, or the usual flow became, since."""
    stored = session.execute(select(IvrVersion.definition).where(IvrVersion.id == version_id)).scalar_one()
    return Flow.model_validate(stored)


@kept
def urgent(session: Session, contract_id: int, ente_id: int | None) -> tuple[Urgent, ...]:
    """The emergency messages that are on for a call: the contract's, and its ente's where that is known."""
    rows = session.execute(
        select(EmergencyMessage.text, EmergencyMessage.ends)
        .where(
            EmergencyMessage.contract_id == contract_id, EmergencyMessage.switched_on_at.is_not(None),
            or_(EmergencyMessage.ente_id.is_(None), EmergencyMessage.ente_id == ente_id),
        )
        .order_by(EmergencyMessage.switched_on_at)
    )  # fmt: skip
    return tuple(Urgent({Language(code): said for code, said in text.items()}, ends) for text, ends in rows)


def flows(session: Session, contract_ids: frozenset[int]) -> list[FlowView]:
    """The flows of these contracts, by name."""
    found = session.execute(
        select(IvrFlow).where(IvrFlow.contract_id.in_(contract_ids)).order_by(IvrFlow.name)
    ).scalars()
    return [_view(session, row) for row in found]


def flow(session: Session, flow_id: int) -> FlowView:
    """One flow. Raises `NotFoundError`."""
    row = session.get(IvrFlow, flow_id)
    if row is None:
        raise NotFoundError("Questo percorso non esiste.")
    return _view(session, row)


def flow_of(session: Session, version_id: int) -> int:
    """The flow of a version. Raises `NotFoundError`."""
    found = session.scalar(select(IvrVersion.flow_id).where(IvrVersion.id == version_id))
    if found is None:
        raise NotFoundError("Questa versione non esiste.")
    return found


def definition(session: Session, version_id: int) -> Mapping[str, Any]:
    """What a version says, as it is stored. Raises `NotFoundError`."""
    stored: Mapping[str, Any] | None = session.scalar(select(IvrVersion.definition).where(IvrVersion.id == version_id))
    if stored is None:
        raise NotFoundError("Questa versione non esiste.")
    return stored


def emergencies(session: Session, contract_ids: frozenset[int]) -> list[EmergencyMessage]:
    """The messages of these contracts, those that are on first."""
    on_first = EmergencyMessage.switched_on_at.is_(None), EmergencyMessage.id
    return list(
        session.scalars(
            select(EmergencyMessage).where(EmergencyMessage.contract_id.in_(contract_ids)).order_by(*on_first)
        )
    )


def _latest(flow_id: int) -> Any:
    return (
        select(IvrPublication.version_id)
        .where(IvrPublication.flow_id == flow_id)
        .order_by(IvrPublication.id.desc())
        .limit(1)
    )


def _view(session: Session, row: IvrFlow) -> FlowView:
    published = (
        select(IvrPublication.version_id, func.max(IvrPublication.at).label("at"))
        .where(IvrPublication.flow_id == row.id)
        .group_by(IvrPublication.version_id)
        .subquery()
    )
    newest = session.scalar(_latest(row.id))
    versions = session.execute(
        select(
            IvrVersion.id,
            IvrVersion.number,
            IvrVersion.changed_at,
            User.name,
            published.c.at,
            func.jsonb_array_length(IvrVersion.past),
        )
        .outerjoin(User, User.id == IvrVersion.changed_by)
        .outerjoin(published, published.c.version_id == IvrVersion.id)
        .where(IvrVersion.flow_id == row.id)
        .order_by(IvrVersion.number.desc())
    )
    numbers = session.scalars(select(PhoneLine.number).where(PhoneLine.flow_id == row.id).order_by(PhoneLine.number))
    return FlowView(
        row.id, row.contract_id, row.name,
        tuple(
            VersionView(id_, row.id, number, at, who, out, id_ == newest, undoable)
            for id_, number, at, who, out, undoable in versions
        ),
        tuple(numbers),
    )  # fmt: skip
