"""What stands against reaching a person by whatever means, and no time alone puts right. Pure."""

from collections.abc import Iterator
from datetime import datetime

from outbound.compliance.rules import Person, Reason, Rules


def lasting_of_him(person: Person, rules: Rules, at: datetime) -> Iterator[Reason]:
    """The same, whatever the means."""
    if person.twice:
        yield Reason.SAME_PERSON
    if person.deceased:
        yield Reason.DECEASED
    if rules.about_debt:
        if person.insolvent:
            yield Reason.INSOLVENT
        if person.suspended:
            yield Reason.SUSPENDED
        elif person.due_cents <= 0:
            yield Reason.PAID if person.paid else Reason.NOTHING_DUE
        if rules.fresh is not None and (person.known_at is None or at - person.known_at > rules.fresh):
            yield Reason.STALE
    if person.complaint:
        yield Reason.COMPLAINT
    if person.claimed:
        yield Reason.CLAIMED
    if not person.running:
        yield Reason.NOT_RUNNING
