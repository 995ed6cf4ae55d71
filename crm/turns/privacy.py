"""What turns hold of a person: that it was he who came. Erased, it stays that somebody came, and when."""

from crm.core.db import table_of
from crm.privacy.holders import Holder, TableHolder
from crm.turns.models import Turn

HOLDERS: tuple[Holder, ...] = (
    TableHolder(
        table_of(Turn), "Presenze allo sportello", emptied={"contact_id": None, "note": ""},
        why="Che qualcuno è venuto, e quando, resta contato.",
    ),
)  # fmt: skip
