"""What the forms of a fragment held when their writer left them, as its templates ask for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm.drafts import service
from crm.drafts.places import Place
from web.edge.visits import Visit


@dataclass(frozen=True, slots=True)
class Written:
    """By place."""

    kept: Mapping[Place, Mapping[str, Sequence[str]]]

    @classmethod
    def of(cls, session: Session, visit: Visit, places: Iterable[Place]) -> "Written":
        """What the visitor has typed into these forms."""
        return cls(service.kept(session, visit.principal, places))

    @classmethod
    def about(cls, session: Session, visit: Visit, contact_ids: Sequence[int]) -> "Written":
        """What he has typed about these contacts."""
        return cls(service.of_contacts(session, visit.principal, contact_ids))

    def fields(self, place: str) -> Mapping[str, Sequence[str]] | None:
        """The values of each field by its name; none where nothing is kept."""
        return self.kept.get(Place.parse(place))

    def single(self, place: Place) -> dict[str, str]:
        """The same where each field has one value."""
        return {name: values[0] for name, values in self.kept.get(place, {}).items() if values}
