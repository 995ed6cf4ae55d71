"""What the file says now of what may be corrected. Pure."""

from collections.abc import Iterator, Mapping

from crm.contacts.models import PersonKind
from crm.contacts.queries import ContactView
from crm.proposals.subjects import Subject, Value


def values_now(contact: ContactView) -> Mapping[Subject, tuple[Value, ...]]:
    """The present values by subject; nothing for what is not known."""
    found: dict[Subject, list[Value]] = {}
    for subject, value in _values(contact):
        found.setdefault(subject, []).append(value)
    return {subject: tuple(values) for subject, values in found.items()}


def _values(contact: ContactView) -> Iterator[tuple[Subject, Value]]:
    is_person = contact.kind is PersonKind.NATURAL
    simple = {
        Subject.SURNAME if is_person else Subject.BUSINESS_NAME: contact.surname,
        Subject.GIVEN_NAME: contact.given_name,
        Subject.BORN_ON: contact.born_on.isoformat() if contact.born_on else None,
        Subject.BIRTHPLACE: contact.birthplace,
    }
    yield from ((subject, {"value": text}) for subject, text in simple.items() if text)
    for reach in contact.reaches:
        yield Subject(reach.kind.value), {"value": reach.value}
    parts = {"street": contact.address, "postcode": contact.postcode, "town": contact.town}
    if any(parts.values()):
        home = Subject.RESIDENCE if is_person else Subject.SEAT
        yield home, {name: text for name, text in parts.items() if text} | {"country": "IT"}
