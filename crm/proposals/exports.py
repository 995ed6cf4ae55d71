"""Handing approved proposals over, and hearing what became of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.collection.sources.queries import receivers
from crm.collection.values import CLOCK_TOLERANCE
from crm.contacts.models import Contact
from crm.core import clock, jobs, topics
from crm.core.db import table_of, touch
from crm.core.errors import ConflictError, NotFoundError
from crm.enti import queries as enti
from crm.proposals import lifecycle, outgoing
from crm.proposals.acknowledgements import Answer, read
from crm.proposals.lifecycle import State
from crm.proposals.models import DELIVER, AnswerRefusal, Proposal, ProposalExport
from crm.proposals.outgoing import Feed, Outgoing
from crm.proposals.service import tell

UNKNOWN = "Nessuna proposta di questo ente ha questo identificativo."
NOT_EXPORTED = "La proposta non è stata ancora esportata: non può avere un riscontro."
NOT_THE_SAME = "Il flusso non si può più rifare uguale: i dati di qualcuno sono stati cancellati."
REFUSALS_KEPT = timedelta(days=90)
FUTURE = "L'istante del riscontro è nel futuro."


@dataclass(frozen=True, slots=True)
class Received:
    """What a file of answers came to: proposals accepted and rejected, answers already known, lines refused."""

    accepted: int
    rejected: int
    known: int
    refused: tuple[Answer, ...]


def export(session: Session, by: Principal | None, *, ente_id: int) -> int | None:
    """Put all approved proposals of an ente into a feed. None when there is nothing to hand over.

    `by` is none for the schedule. One export of an ente at a time: a second one finds nothing.
    """
    if by is not None:
        require_on(session, by, Permission.COLLECTION_IMPORT, ente_id=ente_id)
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("proposals.export", ente_id))))
    approved = session.scalars(
        select(Proposal)
        .where(Proposal.ente_id == ente_id, Proposal.state == State.APPROVED)
        .order_by(Proposal.id)
        .with_for_update()
    ).all()
    if not approved:
        return None
    number = session.execute(
        select(func.coalesce(func.max(ProposalExport.number), 0) + 1).where(ProposalExport.ente_id == ente_id)
    ).scalar_one()
    made_at = clock.now(session)
    feed = _feed(session, ente_id, number, made_at, approved)
    row = ProposalExport(
        ente_id=ente_id, number=number, made_at=made_at, made_by=by.user_id if by else None,
        corrections=feed.corrections, problems=feed.problems, decisions=feed.decisions,
        sha256=feed.sha256,
        delivery_key=UUID(feed.sha256[:32]) if receivers(session, ente_id=ente_id) else None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    for proposal in approved:
        proposal.export_id, proposal.state = row.id, State.EXPORTED
    session.flush()
    for proposal in approved:
        tell(session, proposal)
    audit.note(
        session, by, kind="proposals.exported", ente_id=ente_id, subject=f"n. {number}", after={"sha256": feed.sha256}
    )
    if row.delivery_key:
        jobs.enqueue(session, ente_id=ente_id, kind=DELIVER, argument={})
    return row.id


def content(session: Session, by: Principal | None, *, export_id: int) -> tuple[str, bytes]:
    """The name and the bytes of a feed, written again from its rows. `by` is none for the command line and delivery.

    Raises `ConflictError` when they are not what was handed over: somebody in it has been erased meanwhile.
    """
    row = session.get(ProposalExport, export_id)
    if row is None:
        raise NotFoundError("Questa esportazione non esiste.")
    if by is not None:
        require_on(session, by, Permission.COLLECTION_IMPORT, ente_id=row.ente_id)
    proposals = session.scalars(select(Proposal).where(Proposal.export_id == row.id)).all()
    feed = _feed(session, row.ente_id, row.number, row.made_at, proposals)
    if feed.sha256 != row.sha256:
        raise ConflictError(NOT_THE_SAME)
    if by is not None:
        audit.note(session, by, kind="proposals.downloaded", ente_id=row.ente_id, subject=f"n. {row.number}")
    code = enti.cadastral_code(session, row.ente_id)
    return f"proposte-{code}-{row.number:04d}.jsonl", feed.content


def acknowledge(session: Session, by: Principal | None, *, ente_id: int, content: bytes) -> Received:
    """Take the collection system's answers. The same file again changes nothing; a line refused harms no other."""
    if by is not None:
        require_on(session, by, Permission.COLLECTION_IMPORT, ente_id=ente_id)
    answers = read(content, ente=enti.cadastral_code(session, ente_id))
    rows = _locked(session, ente_id, [one.id for one in answers if one.id])
    became: Counter[str] = Counter()
    taken: list[str] = []
    refused = [one for one in answers if one.refusal]
    for answer in answers:
        if answer.refusal or answer.id is None or answer.at is None:
            continue
        if answer.id not in rows:
            refused.append(Answer(answer.line, answer.id, refusal=UNKNOWN))
        elif answer.at > clock.now(session) + CLOCK_TOLERANCE:
            refused.append(Answer(answer.line, answer.id, refusal=FUTURE))
        else:
            try:
                became[_answered(session, by, rows[answer.id], answer)] += 1
            except ConflictError:
                refused.append(Answer(answer.line, answer.id, refusal=NOT_EXPORTED))
            else:
                taken.append(str(answer.id))
    session.execute(delete(AnswerRefusal).where(AnswerRefusal.ente_id == ente_id, AnswerRefusal.proposal.in_(taken)))
    touch(session, topics.ente(ente_id))
    return Received(
        became["accepted"], became["rejected"], became["known"], tuple(sorted(refused, key=lambda one: one.line))
    )


def keep_refused(session: Session, *, ente_id: int, refused: Sequence[Answer]) -> None:
    """Answers that nobody saw refused, as they came over HTTP: for the page, each once, for a while."""
    at, table = clock.now(session), table_of(AnswerRefusal)
    session.execute(delete(table).where(table.c.ente_id == ente_id, table.c.heard_at < at - REFUSALS_KEPT))
    rows = {(str(one.id or ""), one.refusal) for one in refused}
    if rows:
        session.execute(
            insert(table)
            .values(
                [
                    {"ente_id": ente_id, "proposal": proposal, "reason": reason, "heard_at": at}
                    for proposal, reason in sorted(rows)
                ]
            )
            .on_conflict_do_update(
                index_elements=[table.c.ente_id, table.c.proposal, table.c.reason], set_={"heard_at": at}
            )
        )
    touch(session, topics.ente(ente_id))


def delivered(session: Session, *, ente_id: int, export_id: int, failure: str | None = None) -> None:
    """The feed was taken by the collection system over HTTP, or why it was not (it is tried again)."""
    values: dict[str, object] = {"delivery_failure": failure and failure[:400]}
    if failure is None:
        values["delivered_at"] = clock.now(session)
    own = (ProposalExport.ente_id == ente_id, ProposalExport.id == export_id)
    session.execute(update(ProposalExport).where(*own).values(values))
    touch(session, topics.ente(ente_id))


def _answered(session: Session, by: Principal | None, row: Proposal, answer: Answer) -> str:
    assert answer.at is not None
    state = lifecycle.answered(row.state, accepted=answer.accepted, at=answer.at, heard_at=row.answered_at)
    if state is None:
        return "known"
    before = row.state
    row.state, row.answered_at, row.reason = state, answer.at, answer.reason
    session.flush()
    audit.note(
        session, by, kind="proposal.answered", ente_id=row.ente_id, contact_id=row.contact_id, reason=answer.reason,
        before={"state": before.value}, after={"state": state.value},
    )  # fmt: skip
    tell(session, row)
    return "accepted" if answer.accepted else "rejected"


def _locked(session: Session, ente_id: int, ids: Sequence[UUID]) -> dict[UUID, Proposal]:
    rows = session.scalars(
        select(Proposal)
        .where(Proposal.ente_id == ente_id, Proposal.id.in_(ids))
        .order_by(Proposal.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def _feed(session: Session, ente_id: int, number: int, made_at: datetime, proposals: Sequence[Proposal]) -> Feed:
    ids = [one.contact_id for one in proposals]
    rows = session.execute(select(Contact.id, Contact.codice_fiscale).where(Contact.id.in_(ids)))
    codes = {row.id: row.codice_fiscale for row in rows}
    return outgoing.feed_of(
        enti.cadastral_code(session, ente_id), number, made_at,
        [_outgoing(one, codes[one.contact_id]) for one in proposals],
    )  # fmt: skip


def _outgoing(row: Proposal, codice_fiscale: str) -> Outgoing:
    assert row.decided_at is not None
    return Outgoing(
        id=row.id, codice_fiscale=codice_fiscale, kind=row.kind, what=row.what, now=row.now, proposed=row.proposed,
        reference=row.reference, act_number=row.act_number, since=row.since, note=row.note, evidence=row.evidence,
        made_at=row.made_at, decided_at=row.decided_at, decided_as=row.decided_as or "",
    )  # fmt: skip
