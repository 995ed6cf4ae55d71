"""To which numbers outside a voice flow may put callers through: offices of its enti, and our own lines."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from crm.contacts.phone import is_of_usual_price
from crm.enti import details
from crm.enti.queries import badges, enti_of
from telephony.ivr.definition import Flow, ToNumber
from telephony.lines import queries as lines


def numbers(session: Session, contract_id: int) -> Mapping[str, str]:
    """The numbers that flows of a contract may call, each with whose it is. Offices' only where calling them costs what
    calls usually do: the centre pays, and an ente writes what it likes."""
    ours = [one for one in lines.all_lines(session) if one.contract_id == contract_id]
    served = badges(session, enti_of(session, contract_id))
    offices = {
        office.phone: f"{office.name}, {badge.short_name}"
        for ente_id, badge in sorted(served.items())
        for office in details.offices(session, ente_id)
        if office.phone and is_of_usual_price(office.phone)
    }
    return {one.number: one.label for one in ours} | offices


def reached_from(session: Session, contract_id: int, flow: Flow, *, line: str, caller: str | None) -> frozenset[str]:
    """Those that a caller may be put through to along this flow.

    None, where it is one of our lines that calls: two flows that lead to each other would call for ever. Nor the very
    line that he called.
    """
    if not any(isinstance(one, ToNumber) for one in flow.nodes.values()):
        return frozenset()
    if caller is not None and lines.line(session, caller) is not None:
        return frozenset()
    return frozenset(numbers(session, contract_id)) - {line}
