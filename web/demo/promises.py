"""The demonstration's follow-ups, some of them late; and the search for duplicates, owed to whoever works first."""

import random
from datetime import date, datetime, time, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.models import RoleGrant, User
from crm.access.permissions import Held, Principal
from crm.contacts.models import Contact, PersonKind
from crm.core import clock
from crm.core.clock import ROME
from crm.duplicates import service as duplicates
from crm.enti import queries as enti
from crm.follow_ups import lists, service
from crm.follow_ups.models import FollowUp, FollowUpKind, FollowUpList
from crm.follow_ups.service import To
from crm.timeline.models import EntryKind, TimelineEntry
from web.demo.accounts import COLLEAGUES, NEWCOMER, SUPERVISOR

LISTS = ("Richiamate", "Documenti da inviare", "Verifiche con l'ente")
NOTES = {
    FollowUpKind.CALL_BACK: ("Vuole sapere se la rata di ottobre risulta pagata", "Preferisce il pomeriggio"),
    FollowUpKind.SEND: ("Copia della relata di notifica", "Modulo per la rateizzazione, per e-mail"),
    FollowUpKind.CHECK: ("Dice di aver pagato in banca: manca nel gestionale", "Casa venduta nel 2022?"),
    FollowUpKind.APPOINTMENT: ("Viene allo sportello con il contratto di vendita",),
}
# Days from today, hour, whose: Anna's, a colleague's, or nobody's and so a list's.
DUE = (
    (-2, 12, NEWCOMER.username), (-1, 17, NEWCOMER.username), (0, 12, NEWCOMER.username), (0, 18, NEWCOMER.username),
    (1, 10, NEWCOMER.username), (5, 18, NEWCOMER.username), (-1, 18, COLLEAGUES[0].username),
    (1, 18, COLLEAGUES[1].username), (-3, 18, None), (0, 18, None), (1, 12, None), (2, 18, None), (14, 18, None),
)  # fmt: skip


def promise(session: Session, *, contract_id: int, today: date) -> None:
    """What the demonstration's people still have to do, unless they have something already."""
    if session.execute(select(FollowUpList.id).where(FollowUpList.contract_id == contract_id).limit(1)).first():
        return
    dice = random.Random(f"promises:{today}")  # noqa: S311 (invented data)
    people = _people(session, contract_id)
    made = [lists.create(session, people[SUPERVISOR.username], contract_id=contract_id, name=name) for name in LISTS]
    contacts = list(
        session.execute(
            select(Contact.id).where(Contact.kind == PersonKind.NATURAL).order_by(Contact.codice_fiscale).limit(400)
        ).scalars()
    )
    for (days, hour, whose), contact_id in zip(DUE, dice.sample(contacts, len(DUE)), strict=True):
        kind = dice.choice(tuple(NOTES))
        by = people[whose or NEWCOMER.username]
        due_at = datetime.combine(today + timedelta(days=days), time(hour), tzinfo=ROME)
        follow_up = service.make(
            session, by, contact_id=contact_id, kind=kind, due_at=due_at, note=dice.choice(NOTES[kind]),
            to=To(user_id=by.user_id) if whose else To(list_id=dice.choice(made)),
        )  # fmt: skip
        _long_ago(session, follow_up, contact_id, min(due_at, clock.now(session)) - timedelta(hours=30))
    for ente_id in sorted(enti.enti_of(session, contract_id)):
        duplicates.ask(session, None, ente_id=ente_id)


def _people(session: Session, contract_id: int) -> dict[str, Principal]:
    rows = session.execute(
        select(User.username, User.id, User.name, User.language, RoleGrant.role)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(RoleGrant.contract_id == contract_id)
    )
    return {
        username: Principal(id_, name, language, frozenset({Held(role, None, contract_id)}))
        for username, id_, name, language, role in rows
    }


def _long_ago(session: Session, follow_up_id: int, contact_id: int, at: datetime) -> None:
    """It was promised then, not while the demonstration was made."""
    session.execute(update(FollowUp).where(FollowUp.id == follow_up_id).values(made_at=at))
    entry = (TimelineEntry.contact_id == contact_id, TimelineEntry.kind == EntryKind.FOLLOW_UP)
    session.execute(update(TimelineEntry).where(*entry).values(occurred_at=at))
