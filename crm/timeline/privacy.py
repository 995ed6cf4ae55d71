"""What the timeline holds of a person: that something happened stays, what was written about it goes."""

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import JSONB

from crm.core.db import table_of
from crm.privacy.holders import Holder, TableHolder
from crm.timeline.models import TimelineEntry

_ENTRY = table_of(TimelineEntry)

HOLDERS: tuple[Holder, ...] = (
    TableHolder(
        _ENTRY, "Cronologia",
        emptied={"detail": _ENTRY.c.detail.op("||")(bindparam("nothing_noted", {"note": ""}, type_=JSONB))},
        why="Data, durata ed esito restano nelle statistiche; le note sono cancellate.",
    ),
)  # fmt: skip
