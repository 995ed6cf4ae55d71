"""What the audit holds of a person: who looked and what changed. Erasing destroys his key; the seals still verify."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.audit import keys, queries
from crm.audit.models import AuditEntry
from crm.privacy.holders import Fate, Holder, Person, Section, Went, plain


class _Audit:
    tables = frozenset({"audit_entry", "person_key"})

    def export(self, session: Session, person: Person) -> list[Section]:
        """When, for what and why; not which member of staff (Court of Justice, C-579/21, Pankki S)."""
        rows = [
            {
                "occurred_at": plain(one.occurred_at), "kind": one.kind, "reason": one.reason, "in_a_call":
                one.call_id is not None, "before": plain(one.before), "after": plain(one.after),
            }
            for one in queries.of_contact(session, person.ente_id, person.contact_ids)
        ]  # fmt: skip
        return [Section("access_log", "Accessi ai dati e modifiche", rows)]

    def obstacles(self, session: Session, person: Person) -> list[str]:  # noqa: ARG002  # a protocol's
        """None."""
        return []

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Destroy the keys."""
        theirs = AuditEntry.ente_id == person.ente_id, AuditEntry.contact_id.in_(person.contact_ids)
        count = session.execute(select(func.count()).select_from(AuditEntry).where(*theirs)).scalar_one()
        for contact_id in person.contact_ids:
            keys.destroy(session, (person.ente_id, contact_id))
        why = "Resta, per almeno 24 mesi, che un fascicolo è stato aperto, da chi e quando; non di chi era."
        return [Went("Registro degli accessi", count, Fate.UNREADABLE, why)]


HOLDERS: tuple[Holder, ...] = (_Audit(),)
