"""*Aggiorna ora*: an ente's gestionale is asked about the person of an open file, and what has changed is said."""

from dataclasses import dataclass

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.collection.sources import lookups
from crm.contacts import queries as contacts
from crm.contacts.calling import persons
from crm.contacts.queries import ContactView
from crm.files import queries as files
from crm.files import refreshing
from crm.files.changes import changes
from crm.positions import queries as positions
from crm.positions.views import PositionView
from web.edge.templating import fragment
from web.edge.visits import ChangeDep, RuntimeDep, Visit
from web.files.view import Shows, told_of

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Known:
    """What may be told of somebody, in one ente."""

    shows: Shows
    person: tuple[ContactView, ...]
    positions: tuple[PositionView, ...]

    @property
    def reached(self) -> list[tuple[object, ...]]:
        """Who and where he is, as far as it may be told."""
        if not self.shows.contact_data:
            return []
        return [
            (one.name, one.born_on, one.addresses, [(each.kind, each.value) for each in one.reaches])
            for one in self.person
        ]


@router.post("/files/{contact_id}/refresh")
def refresh(runtime: RuntimeDep, visit: ChangeDep, contact_id: int) -> Response:
    """Ask, for a few seconds at the most, and say what is otherwise. The file itself is shown anew by its socket."""
    scope = visit.scope(Permission.FILE_READ)

    def begun(session: Session) -> tuple[int | None, Known]:
        ente_id = refreshing.begin(session, visit.principal, contact_id=contact_id)
        return ente_id, _known(session, visit, contact_id)

    ente_id, before = runtime.database.transact(scope, begun)
    outcome = runtime.lookups.ask(ente_id=ente_id, contact_id=contact_id) if ente_id is not None else None
    with runtime.database.begin(scope) as session:
        after = _known(session, visit, contact_id)
        rows = lookups.last(session, [one.id for one in after.person]).values()
    html = fragment(
        "files/_refreshed.html", visit.language, asked=ente_id is not None, outcome=outcome, shows=after.shows,
        changes=changes(before.positions, after.positions), moved=before.reached != after.reached,
        at=min((one.as_of for one in rows if one.as_of is not None), default=None),
    )  # fmt: skip
    return HTMLResponse(html)


def _known(session: Session, visit: Visit, contact_id: int) -> Known:
    opening = files.require_open(session, visit.principal, contact_id=contact_id)
    shows, rows = Shows.of(opening.told[contact_id]), persons(session, [contact_id])[contact_id]
    person = tuple(one for one in contacts.same_person(session, contact_id) if one.id in rows)
    owed = positions.of_contact(session, sorted(rows)) if shows.acts else ()
    return Known(shows, person, tuple(told_of(one, shows) for one in owed))
