"""Settlements and the register as tables, for files: numbers stay numbers, days days."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

from crm.core.clock import in_rome
from outbound.field.closing.queries import Registered, Share
from outbound.field.closing.settlement import Line
from outbound.field.practices.lifecycle import Closed
from outbound.field.visits.door import Outcome
from web.reports.sheets import Kind, Sheet, Value


class Table(StrEnum):
    LINES = "lines"
    AGENTS = "agents"
    REGISTER = "register"


class Column(StrEnum):
    """A column's name."""

    NUMBER = "number"
    PAID_ON = "paid_on"
    REGISTERED_ON = "registered_on"
    REFERENCE = "reference"
    PRACTICE = "practice"
    AGENT = "agent"
    COLLECTED = "collected"
    WITHIN = "within"
    COUNTED = "counted"
    PER_MILLE = "per_mille"
    COMMISSION = "commission"
    WHY = "why"
    ORIGINAL = "original"
    MANDATE = "mandate"
    LINES = "lines"
    NOT_EARNING = "not_earning"
    AT = "at"
    CLIENT = "client"
    OPERATION = "operation"
    AMOUNT = "amount"
    FEE = "fee"
    OUTCOME = "outcome"
    WORDS = "words"
    CORRECTS = "corrects"


LINES = (
    (Column.NUMBER, Kind.COUNT), (Column.PAID_ON, Kind.DAY), (Column.REGISTERED_ON, Kind.DAY),
    (Column.REFERENCE, Kind.TEXT), (Column.PRACTICE, Kind.COUNT), (Column.AGENT, Kind.TEXT),
    (Column.COLLECTED, Kind.EURO), (Column.WITHIN, Kind.EURO), (Column.COUNTED, Kind.EURO),
    (Column.PER_MILLE, Kind.NUMBER), (Column.COMMISSION, Kind.EURO), (Column.WHY, Kind.TEXT),
    (Column.ORIGINAL, Kind.TEXT), (Column.MANDATE, Kind.TEXT),
)  # fmt: skip
AGENTS = (
    (Column.AGENT, Kind.TEXT), (Column.LINES, Kind.COUNT), (Column.NOT_EARNING, Kind.COUNT),
    (Column.COLLECTED, Kind.EURO), (Column.WITHIN, Kind.EURO), (Column.COMMISSION, Kind.EURO),
)  # fmt: skip
REGISTER = (
    (Column.NUMBER, Kind.COUNT), (Column.AT, Kind.INSTANT), (Column.CLIENT, Kind.TEXT), (Column.OPERATION, Kind.TEXT),
    (Column.PRACTICE, Kind.COUNT), (Column.AGENT, Kind.COUNT), (Column.AMOUNT, Kind.EURO),
    (Column.PER_MILLE, Kind.NUMBER), (Column.FEE, Kind.EURO), (Column.OUTCOME, Kind.TEXT), (Column.WORDS, Kind.TEXT),
    (Column.CORRECTS, Kind.COUNT),
)  # fmt: skip


def lines(found: Iterable[tuple[int, Line]], names: Mapping[int, str]) -> Sheet:
    """A settlement's lines."""
    rows = (
        (
            number, one.paid_on, one.registered_on, one.reference, one.practice_number, names[one.agent_id],
            euro(one.cents), euro(one.within_cents), euro(one.counted_cents), one.per_mille,
            euro(one.commission_cents), one.why, one.original, str(one.mandate_id),
        )
        for number, one in found
    )  # fmt: skip
    return Sheet(Table.LINES, LINES, tuple(rows))


def agents(found: Iterable[Share], names: Mapping[int, str]) -> Sheet:
    """What each agent has in it."""
    rows = (
        (
            names[one.agent_id], one.lines, one.not_earning, euro(one.collected_cents), euro(one.earning_cents),
            euro(one.commission_cents),
        )
        for one in found
    )  # fmt: skip
    return Sheet(Table.AGENTS, AGENTS, tuple(rows))


def register(found: Sequence[Registered]) -> Sheet:
    """Entries of the register of operations."""
    rows = (
        (
            one.number, in_rome(one.at).replace(tzinfo=None), f"{one.client} ({one.client_code})", one.operation,
            one.practice, one.agent, None if one.cents is None else euro(one.cents), one.fee_per_mille,
            None if one.fee_cents is None else euro(one.fee_cents), outcome(one.outcome), one.words, one.corrects,
        )
        for one in found
    )  # fmt: skip
    return Sheet(Table.REGISTER, REGISTER, tuple(rows))


def outcome(kept: str) -> Value:
    """An outcome as the register keeps it: of a visit, or of a practice."""
    for kind in (Outcome, Closed):
        if kept in set(kind):
            return kind(kept)
    return kept


def euro(cents: int) -> Decimal:
    """Euro."""
    return Decimal(cents).scaleb(-2)
