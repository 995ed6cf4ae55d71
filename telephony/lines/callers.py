"""Under which kind of telephone a call is counted, pure."""

from crm.contacts.phone import CallerKind
from crm.levels.metering import Callers
from telephony.lines.models import LineKind


def counted_as(caller: CallerKind, line: LineKind) -> Callers:
    """By the caller's number; by the line where it does not tell: a freephone is for landlines (Anci, Intercent-ER)."""
    if caller is CallerKind.MOBILE:
        return Callers.MOBILE
    if caller is CallerKind.LANDLINE:
        return Callers.LANDLINE
    return Callers.LANDLINE if line is LineKind.FREEPHONE else Callers.MOBILE
