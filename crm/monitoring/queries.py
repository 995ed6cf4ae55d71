"""Asking whether a worker's work may be looked at, and reading the agreements."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.core import clock
from crm.core.configuration import kept
from crm.core.errors import NotFoundError
from crm.monitoring.errors import LockedError
from crm.monitoring.lock import Agreement, Lock, Use, current, locked, locked_for
from crm.monitoring.models import WorkerAgreement, WorkerAgreementDocument, WorkerAgreementReading


@kept
def versions(session: Session, contract_id: int) -> tuple[Agreement, ...]:
    """Every version of a contract's agreement, the oldest first."""
    rows = session.scalars(
        select(WorkerAgreement).where(WorkerAgreement.contract_id == contract_id).order_by(WorkerAgreement.id)
    )
    return tuple(
        Agreement(
            one.id, one.kind, one.signed_on, one.reference, frozenset(map(Use, one.uses)), one.valid_from,
            one.valid_until, one.withdrawn_at is not None, one.told, one.keep_months,
        )
        for one in rows
    )  # fmt: skip


def today(session: Session) -> date:
    """The day in Rome."""
    return clock.business_day(clock.now(session))


def in_force(session: Session, contract_id: int) -> Agreement | None:
    """The agreement that counts today and holds; none while everything is locked."""
    on = today(session)
    found = versions(session, contract_id)
    one = current(found, on)
    return one if one is not None and any(locked(found, use, on) is None for use in one.uses) else None


def lock(session: Session, use: Use, *, contract_id: int, agent_id: int | None = None) -> Lock | None:
    """Why this use is locked on a contract, as to one worker when he is named; none: it is open."""
    if agent_id is None:
        return locked(versions(session, contract_id), use, today(session))
    return locks(session, use, contract_id=contract_id, agent_ids=(agent_id,))[agent_id]


def locks(session: Session, use: Use, *, contract_id: int, agent_ids: Collection[int]) -> dict[int, Lock | None]:
    """The same as to several workers."""
    found, on = versions(session, contract_id), today(session)
    counts = current(found, on)
    read = readers(session, counts.id) if counts is not None and locked(found, use, on) is None else {}
    return {one: locked_for(found, use, on, has_read=one in read) for one in agent_ids}


def require(session: Session, use: Use, *, contract_id: int, agent_id: int | None = None) -> None:
    """Raise `LockedError` unless this use is open."""
    why = lock(session, use, contract_id=contract_id, agent_id=agent_id)
    if why is not None:
        raise LockedError(why)


def readers(session: Session, agreement_id: int) -> dict[int, datetime]:
    """Who has confirmed that he has read a version, and when."""
    rows = session.execute(
        select(WorkerAgreementReading.user_id, WorkerAgreementReading.read_at).where(
            WorkerAgreementReading.agreement_id == agreement_id
        )
    )
    return {user_id: at for user_id, at in rows}  # noqa: C416  # rows are no pairs to mypy


# -- to be shown ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Version:
    """A version as whoever enters them sees it."""

    agreement: Agreement
    written_by: str
    written_at: datetime
    withdrawn_by: str
    withdrawn_at: datetime | None
    withdrawn_because: str
    has_document: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker is told of a contract: the agreement that holds, and since when he has read it."""

    contract_id: int
    agreement: Agreement
    read_at: datetime | None
    has_document: bool


def history(session: Session, contract_id: int) -> list[Version]:
    """Every version, the newest first."""
    by_id = {one.id: one for one in versions(session, contract_id)}
    rows = session.scalars(select(WorkerAgreement).where(WorkerAgreement.id.in_(by_id))).all()
    names = access.named(session, {user for one in rows for user in (one.written_by, one.withdrawn_by) if user})
    attached = _attached(session, by_id)
    return [
        Version(
            by_id[one.id], names.get(one.written_by, ""), one.written_at, names.get(one.withdrawn_by or 0, ""),
            one.withdrawn_at, one.withdrawn_because, one.id in attached,
        )
        for one in sorted(rows, key=lambda one: -one.id)
    ]  # fmt: skip


def told_to(session: Session, by: Principal) -> list[Told]:
    """The agreements that hold for whoever asks, who works on these contracts."""
    found = []
    for contract_id in sorted(by.contracts_for(Permission.CALLS_ANSWER)):
        one = in_force(session, contract_id)
        if one is not None:
            at = readers(session, one.id).get(by.user_id)
            found.append(Told(contract_id, one, at, one.id in _attached(session, (one.id,))))
    return found


def document(session: Session, by: Principal, *, agreement_id: int) -> bytes:
    """The document, for whoever enters agreements on its contract, and whoever works under it."""
    found = session.get(WorkerAgreement, agreement_id)
    content = session.get(WorkerAgreementDocument, agreement_id)
    if found is None or content is None or found.contract_id not in (
        by.contracts_for(Permission.MONITORING_MANAGE) | by.contracts_for(Permission.CALLS_ANSWER)
    ):  # fmt: skip
        raise NotFoundError("Questo documento non c'è.")
    return content.content


def _attached(session: Session, ids: Collection[int]) -> set[int]:
    of = select(WorkerAgreementDocument.agreement_id).where(WorkerAgreementDocument.agreement_id.in_(ids))
    return set(session.scalars(of))
