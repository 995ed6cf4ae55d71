"""Writing the register of operations, in the transaction of what it tells.

Whoever works under the Questore's licence keeps a daily register of his business (art. 120, R.D. 773/1931) and has it
ready for the police (art. 115): for whom, when, what, for which fee, with what outcome, one after the other with no
space left. It is one for the company: its numbers run on over all enti, and each entry is chained to the one before.
"""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, secrecy
from crm.core.clock import business_day
from crm.core.db import table_of
from crm.core.errors import FieldError, NotFoundError
from crm.enti.models import Ente
from crm.positions.models import ActKind, Position
from outbound.field.agents.models import FieldAgent
from outbound.field.closing import agreed, chain
from outbound.field.closing.agreed import PHASES
from outbound.field.closing.agreeing import accepted
from outbound.field.closing.chain import Entry, Operation
from outbound.field.closing.models import RegisterEntry, RegisterHead
from outbound.field.practices.models import FieldMandate, Practice, PracticeDebt
from outbound.field.visits.models import Visit

MARK = "field.register"
MOST_WORDS = 400
_HEAD, _ENTRY = table_of(RegisterHead), table_of(RegisterEntry)


def mandate_given(session: Session, *, mandate_id: UUID) -> int:
    """An agent was given a mandate; the entry's number."""
    mandate = session.get_one(FieldMandate, mandate_id)
    return _of_mandate(session, mandate, Operation.MANDATE_GIVEN)


def mandate_accepted(session: Session, *, mandate_id: UUID) -> int:
    """He accepted it."""
    mandate = session.get_one(FieldMandate, mandate_id)
    return _of_mandate(session, mandate, Operation.MANDATE_ACCEPTED)


def visit_taken(session: Session, *, visit_id: UUID) -> int:
    """A visit was told."""
    visit = session.get_one(Visit, visit_id)
    outcome = visit.outcome.value if visit.outcome else ""
    return _note(
        session, ente_id=visit.ente_id, operation=Operation.VISIT, subject=f"visit:{visit.id}",
        practice=_practice_number(session, visit.practice_id), agent=_badge(session, visit.agent_id), outcome=outcome,
    )  # fmt: skip


def practice_closed(session: Session, *, practice_id: int) -> int:
    """A practice was closed."""
    practice = session.get_one(Practice, practice_id)
    agent = None if practice.agent_id is None else _badge(session, practice.agent_id)
    return _note(
        session, ente_id=practice.ente_id, operation=Operation.PRACTICE_CLOSED, subject=f"closed:{practice.id}",
        practice=practice.number, agent=agent, cents=practice.cents,
        outcome=practice.closed.value if practice.closed else "",
    )  # fmt: skip


def settled(session: Session, *, ente_id: int, quarter: str, cents: int, fee_cents: int) -> int:
    """A quarter's commission was settled. `cents`: of the payments that earn."""
    return _note(
        session, ente_id=ente_id, operation=Operation.SETTLED, subject=f"settled:{ente_id}:{quarter}", cents=cents,
        fee_cents=fee_cents, words=quarter,
    )  # fmt: skip


def correct(session: Session, by: Principal, *, number: int, words: str) -> int:
    """Say what is wrong with an entry, in a new one; its number.

    Raises `FieldError` without words, `NotFoundError`, `ForbiddenError`.
    """
    wrong = session.get(RegisterEntry, number)
    if wrong is None:
        raise NotFoundError("Questa registrazione non c'è.")
    require_on(session, by, Permission.FIELD_MANAGE, ente_id=wrong.ente_id)
    words = " ".join(words.split())
    if not words:
        raise FieldError("Scrivi che cosa va corretto.", "words")
    if len(words) > MOST_WORDS:
        raise FieldError(f"Al massimo {MOST_WORDS} caratteri.", "words")
    made = _note(
        session, ente_id=wrong.ente_id, operation=Operation.CORRECTION, subject="", practice=wrong.practice,
        agent=wrong.agent, words=words, corrects=number,
    )  # fmt: skip
    audit.note(
        session, by, kind="field.register_corrected", ente_id=wrong.ente_id, after={"entry": made, "corrects": number}
    )
    return made


def _of_mandate(session: Session, mandate: FieldMandate, operation: Operation) -> int:
    return _note(
        session, ente_id=mandate.ente_id, operation=operation, subject=f"{operation.value}:{mandate.id}",
        practice=_practice_number(session, mandate.practice_id), agent=_badge(session, mandate.agent_id),
        cents=mandate.cents, fee_per_mille=_rate(session, mandate),
    )  # fmt: skip


def _rate(session: Session, mandate: FieldMandate) -> Decimal | None:
    """The fee agreed for such a mandate today; of debts in several phases the lowest."""
    today = business_day(clock.now(session))
    version = agreed.in_force(accepted(session, mandate.ente_id, clock.now(session)), today)
    if version is None:
        return None
    kinds = session.scalars(
        select(Position.act_kind)
        .join(PracticeDebt, (PracticeDebt.reference == Position.reference) & (PracticeDebt.ente_id == Position.ente_id))
        .where(PracticeDebt.practice_id == mandate.practice_id)
        .distinct()
    )
    rates = [agreed.rate(version.conditions, mandate.cents, PHASES[ActKind(one)]) for one in kinds]
    return min((one for one in rates if one is not None), default=None)


def _practice_number(session: Session, practice_id: int) -> int:
    return session.execute(select(Practice.number).where(Practice.id == practice_id)).scalar_one()


def _badge(session: Session, agent_id: int) -> int:
    return session.execute(select(FieldAgent.badge_number).where(FieldAgent.id == agent_id)).scalar_one()


def _note(
    session: Session, *, ente_id: int, operation: Operation, subject: str, practice: int | None = None,
    agent: int | None = None, cents: int | None = None, fee_per_mille: Decimal | None = None,
    fee_cents: int | None = None, outcome: str = "", words: str = "", corrects: int | None = None,
) -> int:  # fmt: skip
    """Write an entry, once a subject; its number. The head's lock, held to the commit, leaves no number out."""
    session.flush()
    taken = update(_HEAD).where(_HEAD.c.id == 1).values(number=_HEAD.c.number + 1)
    number, before = session.execute(taken.returning(_HEAD.c.number, _HEAD.c.digest)).one()
    there = session.scalar(select(_ENTRY.c.number).where(_ENTRY.c.subject == subject))
    if there is not None:
        session.execute(update(_HEAD).where(_HEAD.c.id == 1).values(number=number - 1))
        return int(there)
    client, code = session.execute(select(Ente.name, Ente.codice_fiscale).where(Ente.id == ente_id)).one()
    entry = Entry(
        number, ente_id, client, code, clock.now(session), operation, subject or f"{operation.value}:{number}",
        practice, agent, cents, fee_per_mille, fee_cents, outcome, words, corrects,
    )  # fmt: skip
    digest = chain.digest(before, entry)
    columns = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    session.execute(
        _ENTRY.insert().values(**columns, digest=digest, mark=secrecy.of(session).mark(MARK, digest))
    )  # fmt: skip
    session.execute(update(_HEAD).where(_HEAD.c.id == 1).values(digest=digest))
    return int(number)
