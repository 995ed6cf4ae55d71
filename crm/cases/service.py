"""Opening cases, and taking them step by step to their end."""

from collections.abc import Callable, Collection
from datetime import date, datetime

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.cases import citizens, having, rights, running, told
from crm.cases.citizens import Answers
from crm.cases.gestionale import proposing
from crm.cases.lifecycle import (
    OPENED,
    Deed,
    Outcome,
    Standing,
    State,
    Step,
    Who,
    after,
    step_of,
)
from crm.cases.models import Case, CasePosition
from crm.cases.protocol import registering
from crm.cases.saying import EARLIEST, Request, Said, check, needed
from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import ConflictError, FieldError, NotFoundError
from crm.enti import queries as enti
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUp, FollowUpKind, FollowUpState
from crm.positions import queries as positions

MAX_PROTOCOL = 40
BY_SENDER = "Ritirata da chi l'ha mandata."
RESTS = "I termini sono sospesi: prima falli ripartire."
CHANGED = "Nel frattempo un'altra persona ha cambiato la richiesta: riaprila e guarda a che punto è."
NUMBERING = 0x0CA5E  # the advisory locks of the enti whose cases are being numbered
_C = table_of(Case)


def open_case(
    session: Session, by: Principal, *, request: Request, contact_id: int | None = None, ente_id: int | None = None,
) -> int:  # fmt: skip
    """Register a request of a contact, or of the ente itself; its id. Raises `InvalidError`, field by field."""
    by.require(Permission.CASE_WORK)
    if contact_id is not None:
        ente_id = contacts.get(session, contact_id).ente_id
    if ente_id is None:
        raise FieldError("Scegli l'ente.", "ente")
    rights.require(session, by, Who.OPERATOR, ente_id)
    at = clock.now(session)
    received = request.received_at or at
    check(request, contact_id, received, at)
    row = registered(session, by, request=request, contact_id=contact_id, ente_id=ente_id)
    if request.follow_up_id is not None:
        _kept(session, by, row, request.follow_up_id)
    return row.id


def registered(
    session: Session, by: Principal | None, *, request: Request, contact_id: int | None, ente_id: int,
    quietly: bool = False, then: Callable[[Case], None] = lambda _row: None,
) -> Case:  # fmt: skip
    """Write a request down for whoever may (none: the system, or whoever sends it from the pages); `quietly`: its
    citizen is not told; `then`: what is to stand beside it before anybody is told.

    Raises `ConflictError` for an ente that nobody serves any more.
    """
    at = clock.now(session)
    covering = enti.contracts_of(session, ente_id)
    his = by.contracts_for(Permission.CASE_WORK) if by else frozenset()
    contract_id = min(his & covering or covering, default=None)
    if contract_id is None:
        raise ConflictError("Nessun contratto serve più questo ente: non si aprono richieste.")
    year = clock.in_rome(at).year
    row = Case(
        ente_id=ente_id, contract_id=contract_id, year=year, number=_next(session, ente_id, year), topic=request.topic,
        channel=request.channel, contact_id=contact_id, call_id=request.call_id,
        received_at=request.received_at or at, opened_at=at, opened_by=by.user_id if by else None,
        state=OPENED.state, surety=request.surety, reasons=request.reasons.strip(),
        asked=request.asked.strip(), instalments_asked=request.instalments, rests=False, version=1,
        protocol_number="",
    )  # fmt: skip
    session.add(row)
    session.flush()
    then(row)
    concern(session, row, request.references)
    running.done(session, row, Deed.OPEN, at)
    message = None if quietly else citizens.opened(session, by, row)
    told.step(session, by, row, Deed.OPEN, at, message_id=message, topic=row.topic.value, channel=row.channel.value)
    team = having.team_for(session, contract_id, row.topic)
    if team is not None and having.members_for(session, team.id, ente_id):
        having.give(session, row, None, team.id)
        told.step(session, None, row, Deed.ASSIGN, at, words=team.name)
    registering.owe(session, row)
    return row


def step(
    session: Session, by: Principal, *, case_id: int, version: int, deed: Deed, said: Said,
    answers: Answers = citizens.nowhere,
) -> None:  # fmt: skip
    """Take a step. `answers`: in the conversation in which it was asked for, where there is one.

    Raises `ConflictError` where somebody was first, `InvalidError` for what the step needs.
    """
    row = locked(session, case_id, version)
    its = step_of(row.topic, row.state, deed)
    rights.require(session, by, its.who, row.ente_id)
    if row.rests and its.who is not Who.ENTE and its.to is State.CLOSED and deed is not Deed.WITHDRAW:
        raise ConflictError(RESTS)
    words = needed(session, row, its, said)
    at = clock.now(session)
    stepped(session, by, row, its, at, outcome=said.outcome, words=words, answers=answers)
    proposing.decided(session, by, row, its, words, at)


def take_back(session: Session, *, case_id: int) -> None:
    """Whoever sent it from the pages wants it no more. Raises `ConflictError` once it is decided, or over."""
    row = locked(session, case_id)
    its = step_of(row.topic, row.state, Deed.WITHDRAW)
    stepped(session, None, row, its, clock.now(session), words=BY_SENDER)


def stepped(
    session: Session, by: Principal | None, row: Case, its: Step, at: datetime, *, outcome: Outcome | None = None,
    words: str = "", answers: Answers | None = citizens.nowhere,
) -> None:  # fmt: skip
    """A step that may be taken is, at an instant. `answers` none: he is told of it by other means."""
    deed = its.deed
    standing = after(row.topic, Standing(row.state, row.outcome), deed, outcome)
    row.state, row.outcome = standing.state, standing.outcome
    row.closed_at = at if row.state is State.CLOSED else None
    if (
        by is not None
        and its.who is Who.OPERATOR
        and row.closed_at is None
        and having.may_take(session, row, by.user_id)
    ):
        having.give(session, row, by.user_id)
    running.done(session, row, deed, at)
    if row.closed_at is not None:
        row.rests = False
    message = citizens.stepped(session, by, row, deed, words, answers) if answers else None
    row.version += 1
    told.step(session, by, row, deed, at, words=words, message_id=message, outcome=row.outcome)


def register(
    session: Session, by: Principal, *, case_id: int, version: int, number: str, day: date, instead_of: str = ""
) -> None:  # fmt: skip
    """The ente's protocol has it under a number, from a day: as somebody reads it there, who sees `instead_of` here.

    Raises `ConflictError` as `locked`, and where another number came meanwhile.
    """
    row = locked(session, case_id, version)
    rights.require(session, by, Who.OPERATOR, row.ente_id)
    if row.protocol_number != instead_of:
        raise ConflictError(
            f"Intanto la richiesta ha il numero di protocollo {row.protocol_number}: ricarica la pagina."
        )
    number = " ".join(number.split())
    at = clock.now(session)
    if not number or len(number) > MAX_PROTOCOL:
        raise FieldError(f"Scrivi il numero di protocollo, in al massimo {MAX_PROTOCOL} caratteri.", "number")
    if not clock.business_day(row.received_at) - EARLIEST <= day <= clock.business_day(at):
        raise FieldError("La data del protocollo è fra l'arrivo della richiesta e oggi.", "day")
    if (waiting := registering.owed(session, row.id)) is not None:  # it is not asked for any more
        session.delete(waiting)
    row.protocol_number, row.protocol_on, row.version = number, day, row.version + 1
    told.step(session, by, row, Deed.REGISTER, at, protocol=number)


def locked(session: Session, case_id: int, version: int | None = None) -> Case:
    """A case, to be changed; of the `version` that whoever changes it has seen.

    Raises:
        NotFoundError: there is none in the scope.
        ConflictError: somebody changed it meanwhile, or it is over.
    """
    row = session.get(Case, case_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa richiesta non c'è.")
    if version is not None and row.version != version:
        raise ConflictError(CHANGED)
    if row.state is State.CLOSED:
        raise ConflictError("La richiesta è chiusa.")
    return row


def _next(session: Session, ente_id: int, year: int) -> int:
    session.execute(select(func.pg_advisory_xact_lock(NUMBERING, cast(ente_id % 2**31, Integer))))
    last = session.scalar(select(func.max(_C.c.number)).where(_C.c.ente_id == ente_id, _C.c.year == year))
    return (last or 0) + 1


def concern(session: Session, row: Case, references: Collection[str]) -> list[str]:
    """Keep how the positions stand that a case is about; their acts. Raises `FieldError` for one that is not his."""
    wanted = set(references)
    if not wanted:
        return []
    whose = [row.contact_id] if row.contact_id is not None else []
    his = {one.reference: one for one in positions.of_contact(session, whose, brief=True)}
    if not wanted <= his.keys():
        raise FieldError("Una posizione nel frattempo non c'è più: ricarica la pagina.", "references")
    session.add_all(
        CasePosition(
            case_id=row.id, reference=one.reference, ente_id=row.ente_id, act_number=one.act_number,
            standing=one.state.value, residual_cents=one.residual_cents, as_of=one.as_of,
        )
        for reference in sorted(wanted)
        for one in [his[reference]]
    )  # fmt: skip
    session.flush()
    return [his[reference].act_number for reference in sorted(wanted)]


def _kept(session: Session, by: Principal, row: Case, follow_up_id: int) -> None:
    """What was promised is done by this."""
    found = session.get(FollowUp, follow_up_id)
    if found is None or found.kind is not FollowUpKind.CASE or found.contact_id != row.contact_id:
        raise NotFoundError("Questa attività non esiste.")
    if found.state is FollowUpState.OPEN:
        follow_ups.done(session, by, follow_up_id=follow_up_id)
