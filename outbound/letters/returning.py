"""What became of letters: a file is read and looked at, and then believed. What follows is done in the background."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts import told
from crm.contacts.addresses import Address
from crm.contacts.models import LastOutcome
from crm.core import clock, jobs, topics
from crm.core.clock import business_day
from crm.core.db import Database, Scope, touch
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.core.jobs import Runner, Taken
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUpKind
from outbound.letters import origins, outcomes, settling
from outbound.letters.codes import Code
from outbound.letters.models import (
    Letter,
    LetterBatch,
    LetterOutcome,
    LetterReading,
    LetterReturn,
    LetterState,
    ReadingState,
)
from outbound.letters.outcomes import Mistake, Said
from outbound.lists.sheets import FileRefusedError, named, read

APPLY = "letters.apply"  # the kind of the job
MOST_ROWS, SHOWN, LONGEST_NAME = 50_000, 200, 120
LOOKED_UP, AT_ONCE = 1_000, 100
NOT_THERE = {LetterOutcome.UNKNOWN, LetterOutcome.MOVED, LetterOutcome.INSUFFICIENT}
UNKNOWN = "Nessuna lettera di questo ente ha questo numero."
NOT_SENT = "Questa lettera non è ancora stata consegnata a chi stampa."
WITHDRAWN = "Questa lettera era stata ritirata e non doveva partire: chiedi a chi l'ha stampata."
EARLY = "La data è prima della consegna a chi stampa."
TWICE = "Di questa lettera una riga precedente dice un'altra cosa."
DECEASED = "La posta ha reso la lettera {code} perché il destinatario sarebbe deceduto: verificare."


def receive(session: Session, by: Principal, *, ente_id: int, name: str, path: Path) -> int:
    """Read a file and keep what it says, for somebody to look at; its id. Raises `InvalidError`."""
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=ente_id)
    try:
        rows = list(islice(read(path), MOST_ROWS + 2))
    except FileRefusedError as refusal:
        raise FieldError(str(refusal), "file") from None
    if len(rows) > MOST_ROWS + 1:
        raise FieldError(f"Il file ha più di {MOST_ROWS} righe: dividilo.", "file")
    try:
        at = outcomes.columns(rows[0].cells if rows else ())
    except InvalidError as error:
        raise FieldError(str(error), "file") from None
    now = clock.now(session)
    told_, mistakes = _understood([outcomes.said(one, at, business_day(now)) for one in rows[1:]])
    new, known, wrong = _compared(session, ente_id, told_)
    mistakes = sorted([*mistakes, *wrong], key=lambda one: one.line)
    reading = LetterReading(
        ente_id=ente_id, state=ReadingState.CHECKED, name=named(name, LONGEST_NAME), read_by=by.user_id,
        read_at=now, rows=len(rows) - 1, known=known, wrong=len(mistakes),
        mistakes=[{"line": one.line, "reason": one.reason} for one in mistakes[:SHOWN]],
    )  # fmt: skip
    session.add(reading)
    session.flush()
    session.add_all(
        LetterReturn(
            reading_id=reading.id, letter_id=letter.id, ente_id=ente_id, contact_id=letter.contact_id,
            outcome=one.outcome, outcome_on=one.on, address=asdict(one.address) if one.address else None, applied=False,
        )
        for one, letter in new
    )  # fmt: skip
    session.flush()
    audit.note(
        session, by, kind="letters.read", ente_id=ente_id, subject=reading.name,
        after={"reading": reading.id, "rows": reading.rows, "wrong": reading.wrong},
    )  # fmt: skip
    return reading.id


def believe(session: Session, by: Principal, *, reading_id: int) -> None:
    """What the file says becomes true. Raises `ConflictError` when it has become so already, or says nothing new."""
    reading = _locked(session, by, reading_id)
    if not session.scalar(select(LetterReturn.reading_id).where(LetterReturn.reading_id == reading_id).limit(1)):
        raise ConflictError("Il file non dice niente di nuovo.")
    reading.state = ReadingState.APPLYING
    reading.job_id = jobs.enqueue(session, ente_id=reading.ente_id, kind=APPLY, argument={"reading": reading_id})
    _note(session, by, reading, "letters.believed")


def discard(session: Session, by: Principal, *, reading_id: int) -> None:
    """The file is not believed; what it said goes."""
    reading = _locked(session, by, reading_id)
    reading.state = ReadingState.DISCARDED
    for one in session.scalars(select(LetterReturn).where(LetterReturn.reading_id == reading_id)):
        session.delete(one)
    _note(session, by, reading, "letters.discarded")


def apply(database: Database, job: Taken) -> None:
    """Bring what a reading (`reading`) says about, some rows at a time; begun again, it goes on."""
    reading_id, scope = job.argument["reading"], Scope.of_enti([job.ente_id])
    while database.transact(scope, lambda session: _apply(session, reading_id)):
        job.renew()


def _understood(rows: Iterable[Said | Mistake]) -> tuple[list[Said], list[Mistake]]:
    """One word a letter: said twice alike it counts once, said twice differently the first stands."""
    found: dict[Code, Said] = {}
    mistakes = []
    for one in rows:
        if isinstance(one, Mistake):
            mistakes.append(one)
        elif (first := found.setdefault(one.code, one)) is not one and (first.outcome, first.on) != (
            one.outcome, one.on,
        ):  # fmt: skip
            mistakes.append(Mistake(one.line, TWICE))
    return list(found.values()), mistakes


def _compared(
    session: Session, ente_id: int, rows: Sequence[Said]
) -> tuple[list[tuple[Said, Letter]], int, list[Mistake]]:
    """What is new of each letter, how many rows say what is known, and those that cannot be."""
    new, known, wrong = [], 0, []
    for start in range(0, len(rows), LOOKED_UP):
        some = rows[start : start + LOOKED_UP]
        which = tuple_(Letter.batch_id, Letter.number).in_([(one.code.batch_id, one.code.number) for one in some])
        found = {
            Code(letter.batch_id, letter.number): (letter, ended_at)
            for letter, ended_at in session.execute(
                select(Letter, LetterBatch.ended_at).join(LetterBatch, LetterBatch.id == Letter.batch_id)
                .where(Letter.ente_id == ente_id, which)
            )
        }  # fmt: skip
        for one in some:
            letter, left_at = found.get(one.code, (None, None))
            if letter is None:
                wrong.append(Mistake(one.line, UNKNOWN))
            elif letter.state is LetterState.WITHDRAWN:
                wrong.append(Mistake(one.line, WITHDRAWN))
            elif letter.state in {LetterState.COMPOSED, LetterState.MADE} or left_at is None:
                wrong.append(Mistake(one.line, NOT_SENT))
            elif one.on < business_day(left_at):
                wrong.append(Mistake(one.line, EARLY))
            elif (letter.outcome, letter.outcome_on) == (one.outcome, one.on):
                known += 1
            else:
                new.append((one, letter))
    return new, known, wrong


def _apply(session: Session, reading_id: int) -> int:
    reading = session.get_one(LetterReading, reading_id, with_for_update=True, populate_existing=True)
    if reading.state is not ReadingState.APPLYING:
        return 0
    rows = session.scalars(
        select(LetterReturn).where(LetterReturn.reading_id == reading_id, ~LetterReturn.applied)
        .order_by(LetterReturn.letter_id).limit(AT_ONCE)
    ).all()  # fmt: skip
    now = clock.now(session)
    for row in rows:
        letter = session.get_one(Letter, row.letter_id, with_for_update=True, populate_existing=True)
        if (letter.outcome, letter.outcome_on) != (row.outcome, row.outcome_on):
            _happened(session, letter, row, by_id=reading.read_by, now=now)
        row.applied = True
    if not rows:
        reading.state, reading.applied_at = ReadingState.APPLIED, now
    session.flush()
    touch(session, topics.campaigns(reading.ente_id))
    return len(rows)


def _happened(session: Session, letter: Letter, row: LetterReturn, *, by_id: int, now: datetime) -> None:
    """One letter's outcome, and what follows: for its timeline, his addresses, its origin, and for somebody to see.

    That he is dead is only proposed: a case is opened, which halts every campaign until a person has looked.
    """
    batch = session.get_one(LetterBatch, letter.batch_id)
    delivered = row.outcome is LetterOutcome.DELIVERED
    letter.outcome, letter.outcome_on = row.outcome, row.outcome_on
    letter.state = LetterState.DELIVERED if delivered else LetterState.RETURNED
    session.flush()
    settling.tell(session, letter, batch.ended_at or now, None)
    if letter.address_id is not None and (delivered or row.outcome in NOT_THERE):
        told.posted(
            session, address_id=letter.address_id,
            outcome=LastOutcome.REACHED if delivered else LastOutcome.UNREACHABLE,
        )  # fmt: skip
    if row.outcome is LetterOutcome.MOVED and row.address:
        _forward(session, row, by_id)
    if row.outcome is LetterOutcome.DECEASED:
        follow_ups.owe(
            session, ente_id=letter.ente_id, contact_id=letter.contact_id, kind=FollowUpKind.CASE,
            note=DECEASED.format(code=Code(letter.batch_id, letter.number)),
        )  # fmt: skip
    origins.of(letter.campaign_id).heard(session, letter, now)


def _forward(session: Session, row: LetterReturn, by_id: int) -> None:
    """Where he lives now, if that can be an address; the letter keeps what the post wrote in any case."""
    address = Address(**row.address) if row.address else None
    try:
        if address is not None:
            told.forwarded(session, ente_id=row.ente_id, contact_id=row.contact_id, address=address, by_id=by_id)
    except InvalidError:
        return


def _locked(session: Session, by: Principal, reading_id: int) -> LetterReading:
    found = session.get(LetterReading, reading_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("Questo file di esiti non c'è.")
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=found.ente_id)
    if found.state is not ReadingState.CHECKED:
        raise ConflictError("Questo file è già stato confermato o scartato.")
    return found


def _note(session: Session, by: Principal, reading: LetterReading, kind: str) -> None:
    session.flush()
    audit.note(
        session, by, kind=kind, ente_id=reading.ente_id, subject=reading.name, after={"reading": reading.id}
    )  # fmt: skip
    touch(session, topics.campaigns(reading.ente_id))


APPLIER = Runner(apply)
