"""What an ente lets be told to those who stand in a relation to its taxpayers: less than the table, never more."""

from collections.abc import Collection, Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts.disclosure import Matter, RelationKind, narrow
from crm.contacts.models import DisclosureRule
from crm.core.errors import InvalidError
from crm.enti.administration import managed, record

Rules = Mapping[RelationKind, frozenset[Matter]]


def rules(session: Session, ente_ids: Collection[int]) -> dict[tuple[int, RelationKind], frozenset[Matter]]:
    """The only matters that are told in a relation, where an ente narrows it."""
    return {
        (rule.ente_id, rule.relation): frozenset(map(Matter, rule.matters))
        for rule in session.scalars(select(DisclosureRule).where(DisclosureRule.ente_id.in_(ente_ids)))
    }


def rules_of(session: Session, ente_id: int) -> Rules:
    """What one ente narrows."""
    return {kind: matters for (_, kind), matters in rules(session, [ente_id]).items()}


def narrowed(chosen: Mapping[RelationKind, Collection[Matter]]) -> Rules:
    """What is narrowed when these matters alone are chosen; a relation left as the table has it is not in it.

    Raises `InvalidError` at the field `<relation>-<matter>` of what the table does not allow.
    """
    found: dict[RelationKind, frozenset[Matter] | None] = {}
    wrong: list[InvalidError] = []
    for kind in RelationKind:
        try:
            found[kind] = narrow(kind, chosen.get(kind, ()))
        except InvalidError as error:
            wrong.extend(error.parts)
    if wrong:
        raise InvalidError(str(wrong[0]), parts=wrong)
    return {kind: matters for kind, matters in found.items() if matters is not None}


def save_rules(
    session: Session, by: Principal, *, ente_id: int, chosen: Mapping[RelationKind, Collection[Matter]]
) -> None:
    """Say what is told in each relation. A file that is open stays as it is; the next opening follows this."""
    managed(session, by, ente_id)
    after = narrowed(chosen)
    before = rules_of(session, ente_id)
    session.execute(delete(DisclosureRule).where(DisclosureRule.ente_id == ente_id))
    session.add_all(
        DisclosureRule(ente_id=ente_id, relation=kind, matters=sorted(matters)) for kind, matters in after.items()
    )
    record(session, by, "disclosure.changed", ente_id, _shown(before), _shown(after))


def _shown(rules: Rules) -> dict[str, list[str]]:
    return {kind.value: sorted(matters) for kind, matters in rules.items()}
