"""One batch of a feed, written in one transaction with the progress of its run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from types import ModuleType
from typing import Any

from sqlalchemy.orm import Session

from crm.collection import presence, reasons, service, waiting
from crm.collection.items import NOTHING, Item, subject_of
from crm.collection.merge import Merged, Withdrawal, merge
from crm.collection.models import Of
from crm.collection.presence import Standing
from crm.collection.service import Counts, Remark
from crm.collection.waiting import Awaiting, Waited
from crm.contacts import service as contacts
from crm.contacts.service import ContactStatement, StatedContact
from crm.core import topics
from crm.core.db import touch
from crm.documents import service as documents
from crm.positions import service as positions
from crm.privacy import tombstones

MAX_TOPICS = 200  # live topics a batch touches: beyond that, whoever watches sees the next page he opens


@dataclass(frozen=True, slots=True)
class Batch:
    """Where a batch belongs: its run, from which line on, and the instant of the full feed it is part of."""

    ente_id: int
    run_id: int
    from_line: int
    full_as_of: datetime | None = None
    set_aside: int = 0  # by this run so far


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of items: those there are, after some were refused, and what was set aside, by line."""

    items: list[Item]
    aside: dict[int, Awaiting]
    counts: Counts


def store(session: Session, batch: Batch, items: Sequence[Item]) -> Counts:
    """Write a batch. Raises `ImportBusyError` if the run does not stand at its `from_line` any more."""
    taken = take_in(
        session, ente_id=batch.ente_id, items=items, full_as_of=batch.full_as_of, room=waiting.MOST - batch.set_aside
    )
    items = taken.items
    if batch.full_as_of is not None:
        named = {item.named for item in items if item.named}
        presence.name(session, ente_id=batch.ente_id, run_id=batch.run_id, named=named)
    service.move(
        session, ente_id=batch.ente_id, run_id=batch.run_id, from_line=batch.from_line, line=items[-1].number,
        read_bytes=items[-1].end, counts=taken.counts, remarks=_remarks(items, taken.aside),
        unreadable=sum(item.unreadable for item in items), totals=[item.total for item in items if item.total],
    )  # fmt: skip
    return taken.counts


def take_in(
    session: Session, *, ente_id: int, items: Sequence[Item], full_as_of: datetime | None = None,
    room: int = waiting.MOST,
) -> Taken:  # fmt: skip
    """Write what these items say, whatever they came in; of a full feed as of `full_as_of`.

    Records that come before their taxpayer are set aside while there is `room`.
    """
    standing = presence.begin(session, ente_id=ente_id)
    items = _without_the_erased(session, ente_id, items)
    known = contacts.stated(session, ente_id=ente_id, codici_fiscali=_codici_fiscali(items))
    taxpayers = _store_taxpayers(session, ente_id, items, known, standing)
    ids = {codice_fiscale: row.id for codice_fiscale, row in known.items()} | taxpayers.written
    items, aside = _without_taxpayer(items, ids, room=room)
    waiting.set_aside(session, ente_id=ente_id, statements=aside.values(), named_as_of=full_as_of)
    waited = (
        waiting.take_up(session, ente_id=ente_id, codici_fiscali=taxpayers.written.keys())
        if taxpayers.written and standing.anybody_waits
        else {}
    )
    debts, touched = _store_of(
        session, ente_id, Of.POSITION, positions, waited.get(Of.POSITION, Waited()),
        _told(items, Of.POSITION), ids, standing,
    )  # fmt: skip
    papers, of_papers = _store_of(
        session, ente_id, Of.DOCUMENT, documents, waited.get(Of.DOCUMENT, Waited()),
        _told(items, Of.DOCUMENT), ids, standing,
    )  # fmt: skip
    counts = _counted(items, taxpayers.merged, debts, papers, waiting=len(aside))
    touched |= of_papers | {ids[codice_fiscale] for codice_fiscale in taxpayers.merged.altered if codice_fiscale in ids}
    touch(session, *(topics.contact(contact_id) for contact_id in islice(sorted(touched), MAX_TOPICS)))
    return Taken(items, aside, counts)


@dataclass(frozen=True, slots=True)
class _Taxpayers:
    merged: Merged[ContactStatement]
    written: dict[str, int]  # ids of the rows written, by codice fiscale


def _codici_fiscali(items: Iterable[Item]) -> set[str]:
    named = {whose for item in items if (whose := item.subject.codice_fiscale)}
    return named | {one.key for one in _withdrawals(items, Of.TAXPAYER)}


def _without_the_erased(session: Session, ente_id: int, items: Sequence[Item]) -> list[Item]:
    """The items, with those about somebody who was erased refused; neither the reason nor a key names him."""
    erased = tombstones.among(session, ente_id=ente_id, codici_fiscali=_codici_fiscali(items))
    if not erased:
        return list(items)
    return [
        replace(item.refused(reasons.ERASED), named=None, about=NOTHING) if _codici_fiscali([item]) & erased else item
        for item in items
    ]


def _withdrawals(items: Iterable[Item], of: Of) -> list[Withdrawal]:
    return [item.withdrawal[1] for item in items if item.withdrawal and item.withdrawal[0] is of]


def _store_taxpayers(
    session: Session, ente_id: int, items: Sequence[Item], known: dict[str, StatedContact], standing: Standing
) -> _Taxpayers:
    told = [one for item in items if (one := item.contact or _withdrawal(item, Of.TAXPAYER))]
    tombstones = presence.tombstones(
        session, standing, ente_id=ente_id, of=Of.TAXPAYER, keys={one.key for one in told} - set(known)
    )
    merged = merge(known, told, full_as_of=standing.full_as_of, tombstones=tombstones)
    written = contacts.state(session, ente_id=ente_id, statements=list(merged.standing.values()), gone=merged.gone)
    for as_of, keys in _by_instant(merged.marked).items():
        contacts.withdraw(session, ente_id=ente_id, ids=[known[key].id for key in keys], as_of=as_of)
    presence.bury(session, ente_id=ente_id, of=Of.TAXPAYER, unknown=merged.unknown, told=tombstones.keys() & written)
    rewritten = [key for key in merged.altered if key in merged.standing]
    contacts.state_details(
        session, ente_id=ente_id,
        statements={known[key].id if key in known else written[key]: merged.standing[key] for key in rewritten},
        known=[known[key].id for key in rewritten if key in known],
    )  # fmt: skip
    return _Taxpayers(merged, written)


def _withdrawal(item: Item, of: Of) -> Withdrawal | None:
    return item.withdrawal[1] if item.withdrawal and item.withdrawal[0] is of else None


def _without_taxpayer(
    items: Sequence[Item], ids: Mapping[str, int], *, room: int
) -> tuple[list[Item], dict[int, Awaiting]]:
    """The items without those whose taxpayer nobody told yet, and the statements of these by their line.

    Where too many are set aside already, they are refused.
    """
    kept: list[Item] = []
    aside: dict[int, Awaiting] = {}
    for item in items:
        one = item.position or item.document
        if one is None or one.codice_fiscale in ids:
            kept.append(item)
        elif len(aside) < room:
            aside[item.number] = one
            kept.append(Item(item.number, item.end, named=item.named))
        else:
            kept.append(item.refused(reasons.TAXPAYER_UNKNOWN.format(codice_fiscale=one.codice_fiscale)))
    return kept, aside


def _told(items: Iterable[Item], of: Of) -> list[Awaiting | Withdrawal]:
    told = ((item.position if of is Of.POSITION else item.document) or _withdrawal(item, of) for item in items)
    return [one for one in told if one]


def _store_of(
    session: Session, ente_id: int, of: Of, owner: ModuleType, waited: Waited,
    arrived: Sequence[Awaiting | Withdrawal], ids: Mapping[str, int], standing: Standing,
) -> tuple[Merged[Awaiting], set[int]]:  # fmt: skip
    """What became of positions, or documents, and the contacts, old and new, of those that read otherwise now.

    `owner` is the service whose table it is; `waited` comes before what has arrived.
    """
    told = [*waited.statements, *arrived]
    references = {one.key for one in told}
    known = owner.stated(session, ente_id=ente_id, references=references)
    tombstones = presence.tombstones(session, standing, ente_id=ente_id, of=of, keys=references - set(known))
    merged: Merged[Awaiting] = merge(
        known, told, full_as_of=standing.full_as_of, tombstones=tombstones, present=waited.present,
        uncounted=len(waited.statements),
    )  # fmt: skip
    owner.state(session, ente_id=ente_id, statements=list(merged.standing.values()), contact_ids=ids, gone=merged.gone)
    for as_of, keys in _by_instant(merged.marked).items():
        owner.withdraw(session, ente_id=ente_id, ids=[known[key].id for key in keys], as_of=as_of)
    presence.bury(
        session, ente_id=ente_id, of=of, unknown=merged.unknown, told=tombstones.keys() & merged.standing.keys()
    )
    touched = {ids[merged.standing[key].codice_fiscale] for key in merged.altered if key in merged.standing}
    return merged, touched | {known[key].contact_id for key in merged.altered if key in known}


def _by_instant(marked: Mapping[str, datetime | None]) -> dict[datetime | None, list[str]]:
    groups: dict[datetime | None, list[str]] = {}
    for key, as_of in marked.items():
        groups.setdefault(as_of, []).append(key)
    return groups


def _counted(items: Iterable[Item], *merged: Merged[Any], waiting: int) -> Counts:
    return Counts(
        created=sum(one.created for one in merged),
        changed=sum(one.changed for one in merged),
        unchanged=sum(one.unchanged for one in merged),
        refused=sum(item.refusal is not None for item in items),
        warned=sum(item.warning is not None for item in items),
        waiting=waiting,
        withdrawn=sum(one.withdrawn for one in merged),
        besides=sum(item.besides for item in items),
    )


def _remarks(items: Iterable[Item], aside: Mapping[int, Awaiting]) -> list[Remark]:
    refused = [Remark(one.number, one.refusal, taken=False, subject=one.subject) for one in items if one.refusal]
    warned = [Remark(one.number, one.warning, taken=True, subject=one.subject) for one in items if one.warning]
    awaited = [
        Remark(
            number, reasons.TAXPAYER_AWAITED.format(codice_fiscale=one.codice_fiscale), taken=True,
            subject=subject_of(one),
        )
        for number, one in aside.items()
    ]  # fmt: skip
    return refused + warned + awaited
