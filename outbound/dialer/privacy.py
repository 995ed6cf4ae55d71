"""What the dialer holds of a person: when he asked to be called. Its lines say when one rang, not whose it was."""

from crm.core.db import table_of
from crm.privacy.holders import Holder, TableHolder
from outbound.dialer.models import DialerRecall

HOLDERS: tuple[Holder, ...] = (TableHolder(table_of(DialerRecall), "Quando ha chiesto di essere chiamato"),)
