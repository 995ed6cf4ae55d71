"""What the collection system says now of what may be corrected. Pure: what people told the centre is not its word."""

from collections.abc import Iterator, Mapping

from crm.contacts.models import PersonKind
from crm.contacts.queries import ContactView
from crm.proposals.subjects import ADDRESS_PARTS, Subject, Value


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
        Subject.DECEASED_ON: contact.deceased_on.isoformat() if contact.deceased_on else None,
        Subject.CEASED_ON: contact.ceased_on.isoformat() if contact.ceased_on else None,
    }
    yield from ((subject, {"value": text}) for subject, text in simple.items() if text)
    for reach in contact.reaches:
        if reach.stated:
            yield Subject(reach.kind.value), {"value": reach.value}
    for address in contact.addresses:
        if address.stated:
            parts = {name: getattr(address, name) for name in ADDRESS_PARTS}
            yield Subject(address.kind.value), {name: text for name, text in parts.items() if text}
