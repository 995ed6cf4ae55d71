"""Whoever shows or exports a figure asks the same module for it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
COUNTERS = re.compile(r"\b(Service(Count|Hour|Delta)|service_(count|hour|delta)|AgentTime|agent_time)\b")
# Whoever else names them, with the reason.
MAY = {
    "telephony/history/service.py": "writes what another system's calls add",
}


def named_in(folder: str) -> set[str]:
    files = (path for path in (ROOT / folder).rglob("*.py") if "versions" not in path.parts)
    return {str(path.relative_to(ROOT)) for path in files if COUNTERS.search(path.read_text())}


def test_counters_are_read_in_one_place() -> None:
    """Rule: one query layer. Of calls that is `crm.levels`; of agents' time, `telephony.agents`."""
    found = {path for folder in ("crm", "telephony", "outbound", "web") for path in named_in(folder)}
    own = {path for path in found if path.startswith(("crm/levels/", "telephony/agents/"))}
    assert found - own == set(MAY)
    assert {"crm/levels/queries.py", "telephony/agents/queries.py"} <= own
