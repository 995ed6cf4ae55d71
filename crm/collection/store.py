"""One batch of a feed, written in one transaction with the progress of its run."""

from collections.abc import Iterable, Sequence
from itertools import islice

from sqlalchemy.orm import Session

from crm.collection import reasons, service
from crm.collection.items import Item
from crm.collection.merge import Merged, merge
from crm.collection.service import Counts, Remark
from crm.contacts import service as contacts
from crm.contacts.service import ContactStatement, StatedContact
from crm.core import topics
from crm.core.db import touch
from crm.positions import service as positions
from crm.positions.service import PositionStatement
from crm.privacy import tombstones

MAX_TOPICS = 200  # live topics a batch touches: beyond that, whoever watches sees the next page he opens


def store(session: Session, *, ente_id: int, run_id: int, from_line: int, items: Sequence[Item]) -> Counts:
    """Write a batch. Raises `ImportBusyError` if the run does not stand at `from_line` any more."""
    service.begin_batch(session, ente_id=ente_id)
    items = _without_the_erased(session, ente_id, items)
    known = contacts.stated(session, ente_id=ente_id, codici_fiscali=_codici_fiscali(items))
    items = _with_their_taxpayers(items, known)
    taxpayers = merge(known, [item.contact for item in items if item.contact])
    written = contacts.state(session, ente_id=ente_id, statements=list(taxpayers.standing.values()))
    contact_ids = {codice_fiscale: row.id for codice_fiscale, row in known.items()} | written
    _store_details(session, ente_id, taxpayers, contact_ids, known)
    debts, touched = _store_positions(session, ente_id, items, contact_ids)
    counts = _counted(items, taxpayers, debts)
    service.move(
        session, ente_id=ente_id, run_id=run_id, from_line=from_line, line=items[-1].number,
        read_bytes=items[-1].end, counts=counts, remarks=_remarks(items),
    )  # fmt: skip
    touched |= {contact_ids[codice_fiscale] for codice_fiscale in taxpayers.altered}
    touch(session, *(topics.contact(contact_id) for contact_id in islice(sorted(touched), MAX_TOPICS)))
    return counts


def _codici_fiscali(items: Iterable[Item]) -> set[str]:
    statements = (item.contact or item.position for item in items)
    return {statement.codice_fiscale for statement in statements if statement}


def _without_the_erased(session: Session, ente_id: int, items: Sequence[Item]) -> list[Item]:
    """The items, with those about somebody who was erased refused; the reason names nobody."""
    erased = tombstones.among(session, ente_id=ente_id, codici_fiscali=_codici_fiscali(items))
    if not erased:
        return list(items)
    about = [item.contact or item.position for item in items]
    return [
        item.refused(reasons.ERASED) if one and one.codice_fiscale in erased else item
        for item, one in zip(items, about, strict=True)
    ]


def _with_their_taxpayers(items: Iterable[Item], known: dict[str, StatedContact]) -> list[Item]:
    """The items, with positions refused whose taxpayer no earlier line and no earlier feed told."""
    told = set(known)
    kept = []
    for item in items:
        if item.contact:
            told.add(item.contact.codice_fiscale)
        elif item.position and item.position.codice_fiscale not in told:
            reason = reasons.TAXPAYER_UNKNOWN.format(codice_fiscale=item.position.codice_fiscale)
            kept.append(item.refused(reason))
            continue
        kept.append(item)
    return kept


def _store_details(
    session: Session,
    ente_id: int,
    taxpayers: Merged[ContactStatement],
    contact_ids: dict[str, int],
    known: dict[str, StatedContact],
) -> None:
    altered = {contact_ids[key]: taxpayers.standing[key] for key in taxpayers.altered}
    before = [contact_ids[key] for key in taxpayers.altered if key in known]
    contacts.state_details(session, ente_id=ente_id, statements=altered, known=before)


def _store_positions(
    session: Session, ente_id: int, items: Iterable[Item], contact_ids: dict[str, int]
) -> tuple[Merged[PositionStatement], set[int]]:
    """What became of the positions, and the contacts, old and new, of those whose content changed."""
    statements = [item.position for item in items if item.position]
    references = {statement.reference for statement in statements}
    known = positions.stated(session, ente_id=ente_id, references=references)
    debts = merge(known, statements)
    positions.state(session, ente_id=ente_id, statements=list(debts.standing.values()), contact_ids=contact_ids)
    touched = {contact_ids[debts.standing[key].codice_fiscale] for key in debts.altered}
    touched |= {known[key].contact_id for key in debts.altered if key in known}
    return debts, touched


def _counted(items: Iterable[Item], taxpayers: Merged[ContactStatement], debts: Merged[PositionStatement]) -> Counts:
    return Counts(
        created=taxpayers.created + debts.created,
        changed=taxpayers.changed + debts.changed,
        unchanged=taxpayers.unchanged + debts.unchanged,
        refused=sum(item.refusal is not None for item in items),
        warned=sum(item.warning is not None for item in items),
    )


def _remarks(items: Iterable[Item]) -> list[Remark]:
    refused = [Remark(item.number, item.refusal, taken=False) for item in items if item.refusal]
    return refused + [Remark(item.number, item.warning, taken=True) for item in items if item.warning]
