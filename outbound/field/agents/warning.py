"""Who has to remove and replace an unfit agent is written to: when he is found so, and on the last day of each term."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.access.queries import to_tell
from crm.contacts.names import full_name
from crm.core import clock
from crm.core.clock import business_day, in_rome
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.enti import queries as enti
from crm.messages import service as messages
from crm.messages.models import MessageChannel
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate
from outbound.field.agents.deadlines import countdown
from outbound.field.agents.models import FieldAgent, UnfitnessFinding
from outbound.field.agents.queries import patron_of

LinkTo = Callable[[int], str]  # the address of an agent's page


def found(session: Session, row: UnfitnessFinding, agent: FieldAgent, link_to: LinkTo) -> None:
    """He was found unfit: by when he has to be removed and replaced."""
    terms = {"removal": row.removal_due, "substitute": row.substitute_due}
    _write(session, row, agent, MessageTemplate.FIELD_UNFIT, terms, link_to)


def warn_all(database: Database, link_to: LinkTo) -> int:
    """Of every ente's findings the terms that end today, or are past, and that nobody was written to about."""
    with database.begin(Scope.nothing()) as session:
        served = sorted(enti.served(session))
    return total_of_each(
        served,
        lambda one: database.transact(
            Scope.of_enti([one]), lambda session: warn(session, ente_id=one, link_to=link_to)
        ),
    )  # fmt: skip


def warn(session: Session, *, ente_id: int, link_to: LinkTo) -> int:
    """The same of one ente; how many terms it is."""
    now = clock.now(session)
    rows = session.scalars(
        select(UnfitnessFinding).where(
            UnfitnessFinding.ente_id == ente_id, UnfitnessFinding.withdrawn_at.is_(None),
            UnfitnessFinding.removed_at.is_(None) | UnfitnessFinding.replaced_at.is_(None),
        )
    ).all()  # fmt: skip
    if not rows:
        return 0
    hour, today, patron = in_rome(now).time(), business_day(now), patron_of(session, ente_id)
    written = 0
    for row in rows:
        agent = session.get_one(FieldAgent, row.agent_id)
        for template, due, done in (
            (MessageTemplate.FIELD_REMOVAL_DUE, row.removal_due, row.removed_at),
            (MessageTemplate.FIELD_SUBSTITUTE_DUE, row.substitute_due, row.replaced_at),
        ):
            term = countdown(due, None if done is None else business_day(done), today, patron)
            if term.warns(hour):
                _write(session, row, agent, template, {"due": due}, link_to)
                written += 1
    return written


def _write(
    session: Session, row: UnfitnessFinding, agent: FieldAgent, template: MessageTemplate, values: Mapping[str, Any],
    link_to: LinkTo,
) -> None:  # fmt: skip
    """Once for each who manages the ente's visits, whoever runs it again."""
    name = full_name(agent.surname, agent.given_name)
    for one in to_tell(session, Permission.FIELD_MANAGE, ente_id=row.ente_id):
        if one.email:
            order = Order(
                row.ente_id, template, {"agent": name, "link": link_to(agent.id), **values},
                channel=MessageChannel.EMAIL, address=one.email, language=one.language,
            )  # fmt: skip
            messages.owe(session, None, order, cause=f"{template}:{row.id}:{one.id}")
