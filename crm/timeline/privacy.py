"""What the timeline holds of a person: that something happened stays, what was written about it goes."""

from sqlalchemy import case, literal
from sqlalchemy.dialects.postgresql import JSONB

from crm.core.db import table_of
from crm.privacy.holders import Holder, TableHolder
from crm.timeline.models import EntryKind, TimelineEntry

_ENTRY = table_of(TimelineEntry)
_OF_A_PROPOSAL = {"now": "", "proposed": "", "act_number": None, "reason": "", "note": ""}

HOLDERS: tuple[Holder, ...] = (
    TableHolder(
        _ENTRY, "Cronologia",
        emptied={
            "detail": case(
                (_ENTRY.c.kind == EntryKind.PROPOSAL, _ENTRY.c.detail.op("||")(literal(_OF_A_PROPOSAL, JSONB))),
                (_ENTRY.c.kind == EntryKind.MESSAGE, _ENTRY.c.detail.op("||")(literal({"to": "", "note": ""}, JSONB))),
                (_ENTRY.c.kind == EntryKind.LETTER, _ENTRY.c.detail.op("||")(literal({"act_number": ""}, JSONB))),
                else_=_ENTRY.c.detail.op("||")(literal({"note": ""}, JSONB)),
            )
        },
        why="Data, durata ed esito restano nelle statistiche; le note sono cancellate.",
    ),
)  # fmt: skip
