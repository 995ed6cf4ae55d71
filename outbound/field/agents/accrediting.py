"""An agent before an ente: proposed by the company, approved or refused by the ente, told to the Questura by a letter.

Only then may he act (F1; art. 115 TULPS): `standing.obstacles` is asked everywhere, and nothing else decides it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts.names import full_name
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, FieldError, NotFoundError
from crm.core.reasons import words_given
from crm.enti import queries as enti
from crm.enti.models import Ente
from outbound.field.agents import company, files, queries, register
from outbound.field.agents.company import Company
from outbound.field.agents.models import Accreditation, FieldAgent, FieldPaper
from outbound.field.agents.standing import STANDS, Decision, lacks

MOST_NUMBER = 80
MOVED_ON = "Nel frattempo qualcosa è cambiato: ricarica la pagina e guarda a che punto è."


def propose(session: Session, by: Principal, *, agent_id: int, ente_ids: Collection[int]) -> list[int]:
    """Ask enti to approve him; the ids of what they have to decide.

    Raises `ConflictError` while papers or the photo are missing, or where he stands proposed or approved.
    """
    if not ente_ids:
        raise FieldError("Scegli almeno un ente.", "ente")
    agent = register.managed(session, by, agent_id, lock=True)
    now = clock.now(session)
    if lacks(queries.worker_of(session, agent), clock.business_day(now)):
        raise ConflictError("Non si può ancora proporre: mancano la foto o dei documenti validi.")
    made = []
    for ente_id in sorted(ente_ids):
        require_on(session, by, Permission.FIELD_MANAGE, ente_id=ente_id)
        row = Accreditation(
            ente_id=ente_id, agent_id=agent_id, decision=Decision.PROPOSED, proposed_at=now, proposed_by=by.user_id
        )
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
        except IntegrityError:
            raise ConflictError("Per un ente che hai scelto è già proposto o approvato.") from None
        _note(session, by, "field_agent.proposed", row)
        made.append(row.id)
    return made


def decide(session: Session, by: Principal, *, accreditation_id: int, approves: bool, reason: str = "") -> None:
    """The ente approves or refuses him, the latter with a reason."""
    row = _locked(session, accreditation_id)
    require_on(session, by, Permission.FIELD_APPROVE, ente_id=row.ente_id)
    if row.decision is not Decision.PROPOSED:
        raise ConflictError(MOVED_ON)
    row.reason = " ".join(reason.split())[:400] if approves else words_given(reason, "reason")
    row.decision = Decision.APPROVED if approves else Decision.REFUSED
    row.decided_at, row.decided_by = clock.now(session), by.user_id
    session.flush()
    _note(session, by, "field_agent.approved" if approves else "field_agent.refused", row)


def withdraw(session: Session, by: Principal, *, accreditation_id: int, reason: str) -> None:
    """The company withdraws him, whether the ente has decided or not: he may act for it no more."""
    row = _locked(session, accreditation_id)
    require_on(session, by, Permission.FIELD_MANAGE, ente_id=row.ente_id)
    if row.decision not in STANDS:
        raise ConflictError(MOVED_ON)
    row.reason, row.decision = words_given(reason, "reason"), Decision.WITHDRAWN
    session.flush()
    _note(session, by, "field_agent.withdrawn", row)


# -- the Questura -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Notice:
    """What the letter to a Questura says. `enti`: the names of those before whom he is to act."""

    to: str
    company: Company
    agent: FieldAgent
    papers: tuple[FieldPaper, ...]
    enti: tuple[str, ...]
    at: datetime


def to_tell(session: Session, by: Principal, *, agent_id: int) -> dict[str, list[Accreditation]]:
    """By province, the approvals of which its Questura has no proof yet."""
    register.managed(session, by, agent_id)
    rows = session.execute(
        select(Accreditation, Ente.province)
        .join(Ente, Ente.id == Accreditation.ente_id)
        .where(
            Accreditation.agent_id == agent_id, Accreditation.decision == Decision.APPROVED,
            Accreditation.proof.is_(None),
        )
        .order_by(Ente.province, Ente.name)
    )  # fmt: skip
    found: dict[str, list[Accreditation]] = {}
    for row, province in rows:
        found.setdefault(province, []).append(row)
    return found


def compose(session: Session, by: Principal, *, agent_id: int, province: str, to: str) -> Notice:
    """What the letter about a province's enti says today. Raises `ConflictError` where there is nothing to tell."""
    to = " ".join(to.split())
    if not 1 <= len(to) <= 120:
        raise FieldError("Scrivi a quale Questura.", "to")
    rows = to_tell(session, by, agent_id=agent_id).get(province, [])
    if not rows:
        raise ConflictError("Non c'è niente da comunicare a questa Questura.")
    badges = enti.badges(session)
    return Notice(
        to, company.required(session), register.managed(session, by, agent_id),
        tuple(queries.papers(session, agent_id)), tuple(badges[one.ente_id].name for one in rows), clock.now(session),
    )  # fmt: skip


def keep_letter(session: Session, by: Principal, *, agent_id: int, province: str, content: bytes) -> str:
    """The letter was made: it is kept, and named by what it is about. Its digest."""
    rows = to_tell(session, by, agent_id=agent_id).get(province, [])
    if not rows:
        raise ConflictError(MOVED_ON)
    sha256 = files.keep(session, content)
    for row in rows:
        require_on(session, by, Permission.FIELD_MANAGE, ente_id=row.ente_id)
        row.letter, row.letter_at = sha256, clock.now(session)
        session.flush()
        _note(session, by, "field_agent.letter_made", row)
    return sha256


def prove(
    session: Session, by: Principal, *, accreditation_id: int, on: date, number: str, content: bytes
) -> list[int]:  # fmt: skip
    """The Questura has the letter, by this proof: so does every approval that the same letter tells of. Their enti."""
    first = _locked(session, accreditation_id)
    require_on(session, by, Permission.FIELD_MANAGE, ente_id=first.ente_id)
    number = " ".join(number.split())
    if first.decision is not Decision.APPROVED or first.letter is None or first.letter_at is None:
        raise ConflictError("Prima si prepara la lettera.")
    if not content:
        raise FieldError("Carica la ricevuta della PEC, o la copia timbrata.", "file")
    if not clock.business_day(first.letter_at) <= on <= clock.business_day(clock.now(session)):
        raise FieldError("Il giorno va da quello della lettera a oggi.", "on")
    if len(number) > MOST_NUMBER:
        raise FieldError(f"Al massimo {MOST_NUMBER} caratteri.", "number")
    proof, told = files.keep(session, content), []
    its = select(Accreditation).where(
        Accreditation.agent_id == first.agent_id, Accreditation.letter == first.letter,
        Accreditation.decision == Decision.APPROVED, Accreditation.proof.is_(None),
    )  # fmt: skip
    for row in session.scalars(its.with_for_update()):
        require_on(session, by, Permission.FIELD_MANAGE, ente_id=row.ente_id)
        row.notified_on, row.proof, row.proof_number = on, proof, number
        session.flush()
        _note(session, by, "field_agent.notified", row)
        told.append(row.ente_id)
    if not told:
        raise ConflictError("La prova c'è già.")
    return told


# -- parts ------------------------------------------------------------------------------------------------------------


def _locked(session: Session, accreditation_id: int) -> Accreditation:
    """One that the session sees."""
    found = session.get(Accreditation, accreditation_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("Questa proposta non c'è.")
    return found


def _note(session: Session, by: Principal, kind: str, row: Accreditation) -> None:
    agent = session.get_one(FieldAgent, row.agent_id)
    after = {"agent": agent.id, "notified_on": row.notified_on.isoformat() if row.notified_on else None}
    audit.note(
        session, by, kind=kind, ente_id=row.ente_id, subject=full_name(agent.surname, agent.given_name),
        reason=row.reason, after={name: value for name, value in after.items() if value is not None},
    )  # fmt: skip
    touch(session, topics.ente(row.ente_id))
