"""Ties that an agent declares: whom he knows is never given to him.

He is told the same whether the person he names is a taxpayer or not: what he declares is no way to find out.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.contacts.codice_fiscale import parse_codice_fiscale
from crm.contacts.models import Contact
from crm.contacts.names import full_name
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import FieldError, ForbiddenError, InvalidError
from outbound.field.agents import queries, register
from outbound.field.agents.models import DeclaredTie, FieldAgent
from outbound.field.agents.ties import Tie

LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True)
class TieView:
    """A tie, as whoever gives mandates sees it."""

    ente_id: int
    contact_id: int
    name: str
    tie: Tie
    past: bool
    note: str
    declared_at: datetime


def himself(session: Session, by: Principal) -> FieldAgent:
    """The agent that `by` is. Raises `ForbiddenError`."""
    by.require(Permission.FIELD_VISIT)
    agent = queries.agent_of(session, by.user_id)
    if agent is None:
        raise ForbiddenError("Non sei ancora nel registro degli agenti: lo scrive chi gestisce le visite.")
    return agent


def declare(
    session: Session, by: Principal, *, codice_fiscale: str, tie: Tie, past: bool, note: str = ""
) -> None:  # fmt: skip
    """Before each ente that he visits for and that has the person. Raises `FieldError` for what is no such code."""
    agent = himself(session, by)
    try:
        code = parse_codice_fiscale(codice_fiscale)
    except InvalidError as error:
        raise FieldError(str(error), "codice_fiscale") from None
    note = " ".join(note.split())
    if len(note) > LONGEST_NOTE:
        raise FieldError(f"Al massimo {LONGEST_NOTE} caratteri.", "note")
    its = select(Contact.ente_id, Contact.id).where(Contact.codice_fiscale == code)
    for ente_id, contact_id in session.execute(its).all():
        record(session, by, agent=agent, ente_id=ente_id, contact_id=contact_id, tie=tie, past=past, note=note)


def record(
    session: Session, by: Principal, *, agent: FieldAgent, ente_id: int, contact_id: int, tie: Tie, past: bool,
    note: str,
) -> None:  # fmt: skip
    """A tie with a taxpayer, once: declaring it again changes nothing."""
    made = session.execute(
        insert(table_of(DeclaredTie))
        .values(
            id=uuid4(), ente_id=ente_id, agent_id=agent.id, contact_id=contact_id, tie=tie, past=past, note=note,
            declared_at=clock.now(session),
        )
        .on_conflict_do_nothing()
        .returning(table_of(DeclaredTie).c.id)
    ).scalar_one_or_none()  # fmt: skip
    if made is not None:
        after = {"agent": agent.id, "tie": tie.value, "past": past}
        audit.note(
            session, by, kind="field_agent.tie_declared", ente_id=ente_id, contact_id=contact_id, reason=note,
            after=after,
        )  # fmt: skip


def of_agent(session: Session, by: Principal, *, agent_id: int, ente_ids: Collection[int]) -> list[TieView]:
    """Whom he never gets, and why: for whoever looks after him; of the enti for which he does."""
    register.managed(session, by, agent_id)
    rows = session.execute(
        select(DeclaredTie, Contact.surname, Contact.given_name)
        .join(Contact, (Contact.ente_id == DeclaredTie.ente_id) & (Contact.id == DeclaredTie.contact_id))
        .where(DeclaredTie.agent_id == agent_id, DeclaredTie.ente_id.in_(ente_ids))
        .order_by(DeclaredTie.declared_at.desc(), Contact.name_key)
    )
    return [
        TieView(
            row.ente_id, row.contact_id, full_name(surname, given_name), row.tie, row.past, row.note, row.declared_at
        )
        for row, surname, given_name in rows
    ]
