"""What the self-service holds of a person: that he has a PIN, and when codes were sent. Neither can be read."""

from crm.core.db import table_of
from crm.privacy.holders import Holder, TableHolder
from telephony.selfservice.models import CallerCode, CallerPin

HOLDERS: tuple[Holder, ...] = (
    TableHolder(table_of(CallerPin), "PIN per il risponditore", hidden=frozenset({"mark", "set_by"})),
    TableHolder(table_of(CallerCode), "Codici mandati per il risponditore", hidden=frozenset({"mark", "notice_mark"})),
)
