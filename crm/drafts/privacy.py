"""What drafts hold of a person: what somebody was about to write of him. Copied in the clear, deleted with him."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.drafts import service
from crm.drafts.models import FormDraft
from crm.privacy.holders import Holder, Person, Section, TableHolder


class _Drafts(TableHolder):
    """They are encrypted, and copied as they were typed."""

    def export(self, session: Session, person: Person) -> list[Section]:
        """The fields of each, with the form that they are of."""
        rows = session.scalars(
            select(FormDraft).where(*self.of(person), FormDraft.sealed.is_not(None)).order_by(FormDraft.place)
        )
        copied = [
            {"form": row.place, "saved_at": row.saved_at.isoformat(), "fields": service.opened(session, row)}
            for row in rows
        ]
        return [Section(self.table.name, self.title, copied)]


HOLDERS: tuple[Holder, ...] = (_Drafts(table_of(FormDraft), "Bozze di moduli"),)
