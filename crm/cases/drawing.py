"""The lives of cases as diagrams, for whoever reads about them. Pure."""

from crm.cases.lifecycle import MACHINES, State, Step, Topic, Who

HEAD = """# States of a case

Drawn by `filodiretto case-states > docs/case-states.md` from `crm/cases/lifecycle.py`; a test holds the two together.
Steps that are the ente's, or a supervisor's, say so; the others are those of whoever works on the case.
"""


def drawn() -> str:
    """One Mermaid diagram for all the topics that have the same life, in Markdown."""
    shared: dict[tuple[Step, ...], list[Topic]] = {}
    for topic, steps in MACHINES.items():
        shared.setdefault(steps, []).append(topic)
    parts = [HEAD]
    for steps, topics in shared.items():
        lines = ["stateDiagram-v2", f"    [*] --> {State.RECEIVED}"]
        for one in steps:
            whose = "" if one.who is Who.OPERATOR else f" ({one.who})"
            if one.carried:
                lines.append(f"    {one.since} --> {one.carried}: {one.deed}, granted{whose}")
            lines.append(f"    {one.since} --> {one.to}: {one.deed}{whose}")
        body = "\n".join([*lines, f"    {State.CLOSED} --> [*]"])
        parts.append(f"\n## {', '.join(topics)}\n\n```mermaid\n{body}\n```\n")
    return "".join(parts)
