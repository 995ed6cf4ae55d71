"""What the pages of data protection show."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.contacts import queries as contacts
from crm.core import clock, topics
from crm.core.clock import ROME
from crm.core.db import Scope
from crm.core.errors import InvalidError
from crm.enti import queries as enti
from crm.privacy import breaches, ending, queries
from crm.privacy.breaches import Account, Recorded, Standing, standing
from crm.privacy.models import EnteEnd, PersonErasure, PersonExport, Risk
from web.edge.fields import instant_of
from web.edge.templating import fragment
from web.edge.visits import Visit
from web.live.hub import Render, Rendered
from web.wiring import Runtime

SHOWN = 30
INSTANTS = ("happened_at", "known_at", "ente_told_at", "garante_told_at", "persons_told_at", "closed_at")


@dataclass(frozen=True, slots=True)
class Request:
    """A copy or an erasure that was asked for."""

    row: PersonExport | PersonErasure
    whom: str


@dataclass(frozen=True, slots=True)
class BreachLine:
    """A breach, and where it stands now."""

    recorded: Recorded
    standing: Standing
    left: timedelta


def render(runtime: Runtime, scope: Scope, visit: Visit) -> Rendered:
    """Requests, ends of contracts and breaches of these enti."""
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session)
        html = fragment(
            "privacy/regions.html", visit.language, badges=badges, visit=visit,
            exports=_requests(session, visit.principal, PersonExport),
            erasures=_requests(session, visit.principal, PersonErasure),
            ends=ending.ends(session, visit.principal), breaches=breach_lines(session, visit.principal),
        )  # fmt: skip
        ends: list[EnteEnd] = ending.ends(session, visit.principal)
    watched = set(scope.enti or ()) | {end.ente_id for end in ends}
    return Rendered({"privacy": html}, frozenset(topics.privacy(ente_id) for ente_id in watched))


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Each sees what he may confirm: a list of his own."""
    scope = visit.scope(Permission.PRIVACY_MANAGE)
    return [(f"privacy:{visit.principal.user_id}:{visit.language}", partial(render, runtime, scope, visit))]


def breach_lines(session: Session, by: Principal) -> list[BreachLine]:
    """The register."""
    now = clock.now(session)
    return [
        BreachLine(one, standing(one.account, now), max(timedelta(), one.due_at - now))
        for one in breaches.register(session, by)
    ]


def account_of(form: dict[str, str]) -> Account:
    """A breach as its form tells it. Raises `InvalidError`, field by field."""
    wrong: list[InvalidError] = []
    instants = {name: _instant(form.get(name, ""), name, wrong) for name in INSTANTS}
    persons = form.get("persons", "").strip()
    if persons and not (persons.isascii() and persons.isdigit() and len(persons) <= len(str(breaches.MAX_PERSONS))):
        wrong.append(InvalidError("Scrivi un numero di persone tra 0 e 100 milioni.", field="persons"))
    if instants["known_at"] is None and not any(one.field == "known_at" for one in wrong):
        wrong.append(InvalidError("Scrivi quando si è saputo della violazione.", field="known_at"))
    if form.get("risk") not in list(Risk):
        wrong.append(InvalidError("Scegli il rischio.", field="risk"))
    if wrong:
        raise InvalidError("Controlla i campi segnati.", parts=wrong)
    known_at = instants.pop("known_at")
    assert known_at is not None
    texts = ("what", "data", "consequences", "measures", "late_reason", "persons_not_told")
    written = {name: form.get(name, "").strip() for name in texts}
    told: dict[str, Any] = {**instants, **written}
    return Account(known_at=known_at, risk=Risk(form["risk"]), persons=int(persons) if persons else None, **told)


def _requests(session: Session, by: Principal, model: type[PersonExport] | type[PersonErasure]) -> list[Request]:
    rows: list[Any] = queries.asked(session, by, model, limit=SHOWN)
    names = contacts.named(session, {row.contact_id for row in rows})
    return [Request(row, names.get(row.contact_id, "")) for row in rows]


def _instant(text: str, name: str, wrong: list[InvalidError]) -> datetime | None:
    """A day and time as a form writes them, on Rome's clock."""
    if not text.strip():
        return None
    try:
        at = instant_of(text)
    except ValueError:
        wrong.append(InvalidError("Scrivi giorno e ora.", field=name))
        return None
    return at if at.tzinfo else at.replace(tzinfo=ROME)
