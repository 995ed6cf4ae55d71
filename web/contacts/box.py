"""The box that looks for a person, on each page that has one: names a slip away follow by a second request."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm.audit import searches
from crm.contacts.search import SHORTEST, Results, search, similar
from crm.enti import queries as enti
from crm.enti.queries import Badge
from crm.positions.notice import is_mistyped
from web.edge.visits import Visit

MOST_TYPED = 100  # characters
FOUND = 20


@dataclass(frozen=True, slots=True)
class Look:
    """What was typed and who may be meant. `follows`: these follow those who are named as typed."""

    typed: str
    results: Results
    badges: Mapping[int, Badge]
    follows: bool

    @property
    def asked(self) -> bool:
        """Whether enough was typed to look for anybody."""
        return len(self.typed) >= SHORTEST

    @property
    def mistyped(self) -> bool:
        """Whether it is a notice number with a wrong digit."""
        return is_mistyped(self.typed)


def look(
    session: Session,
    visit: Visit,
    typed: str,
    *,
    follows: bool,
    among: Collection[int] | None = None,
    first: int | None = None,
) -> Look:
    """Look in the scope of the session, and note that somebody did. `among` and `first` as `crm.contacts.search` has
    them."""
    typed = typed.strip()[:MOST_TYPED]
    results = (similar if follows else search)(session, typed, among=among, first=first, limit=FOUND)
    searches.note(session, visit.principal, [one.ente_id for one in results.people])
    return Look(typed, results, enti.badges(session), follows)
