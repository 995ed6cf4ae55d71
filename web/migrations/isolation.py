"""Tenant isolation in the database: row-level security, forced, under roles that are no superusers.

A policy reads the scope that each transaction sets first (`crm.core.db`). Unset, it raises; empty, it shows nothing.
The scope is read in a sub-select, so that it is computed once a statement and not once a row.
"""

APP = "filodiretto_app"
ROUTING = "filodiretto_routing"

_ENTI = "(SELECT string_to_array(current_setting('app.enti'), ',')::bigint[])::bigint[]"
_CONTRACTS = "(SELECT string_to_array(current_setting('app.contracts'), ',')::bigint[])::bigint[]"
_OWN = f"ente_id = ANY ({_ENTI})"


def protect(table: str) -> list[str]:
    """A table whose every row belongs to an ente."""
    return [*_force(table), _policy(table, _OWN)]


def protect_unattributed(table: str, *, unknown: str = "ente_id IS NULL") -> list[str]:
    """A table whose rows may not know their ente yet: until then whoever holds the contract sees them."""
    return [*_force(table), _policy(table, f"{_OWN} OR ({unknown} AND contract_id = ANY ({_CONTRACTS}))")]


def protect_or_nobodys(table: str) -> list[str]:
    """A table whose rows belong to an ente, or to none and then concern no taxpayer."""
    return [*_force(table), _policy(table, f"{_OWN} OR ente_id IS NULL")]


def protect_covered(table: str, *, written_by_readers: bool = False) -> list[str]:
    """A table whose rows are an ente's, or a contract's and then for all of its enti: whoever serves one of them reads
    those too; unless he may as well, only whoever holds the contract writes them.
    """
    whole = f"ente_id IS NULL AND contract_id = ANY ({_CONTRACTS})"
    covering = f"SELECT c.contract_id FROM contract_ente c WHERE c.ente_id = ANY ({_ENTI})"  # noqa: S608 (constants)
    read = f"{_OWN} OR (ente_id IS NULL AND (contract_id = ANY ({_CONTRACTS}) OR contract_id IN ({covering})))"
    return [*_force(table), _policy(table, read, read if written_by_readers else f"{_OWN} OR ({whole})")]


def publish(table: str) -> str:
    """Let everybody read a table that the enti publish themselves, such as opening hours; writing stays scoped."""
    return f"CREATE POLICY published ON {table} FOR SELECT TO {APP} USING (true)"


def open_to_routing(table: str) -> str:
    """Let the cross-ente role of routing and engine see all rows of one of telephony's tables."""
    return f"CREATE POLICY routing ON {table} TO {ROUTING} USING (true) WITH CHECK (true)"


def _force(table: str) -> list[str]:
    return [f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"]


def _policy(table: str, visible: str, written: str | None = None) -> str:
    return f"CREATE POLICY scope ON {table} TO {APP} USING ({visible}) WITH CHECK ({written or visible})"
