"""The table of roles and permissions for the documents, written from the code. Pure."""

from crm.access.models import Role
from crm.access.permissions import MEANINGS, PERMISSIONS, Permission

HEAD = """# Permissions

Who may do what. A role is granted on one ente, or on a contract and so on all of its enti, from a date to a date.
Permissions are checked in the service layer; what a permission shows, row-level security bounds once more
([decision 0003](decisions/0003-tenant-scope.md)). An ente may keep somebody away whatever he is granted.

This file is written by `filodiretto permissions`, from `crm/access/permissions.py`; a test compares them.
"""


def markdown() -> str:
    """The document."""
    roles = list(Role)
    names = [role.value.replace("_", " ") for role in roles]
    lines = [HEAD, f"| permission | | {' | '.join(names)} |", f"|---|---|{':-:|' * len(roles)}"]
    for permission in Permission:
        marks = ("●" if permission in PERMISSIONS[role] else "" for role in roles)
        lines.append(f"| `{permission.value}` | {MEANINGS[permission]} | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"
