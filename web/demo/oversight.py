"""The demonstration's access log and register of breaches: an agent who looked at many files, a letter gone astray."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.audit import service as audit
from crm.contacts.models import Contact
from crm.core import clock
from crm.privacy import breaches
from crm.privacy.breaches import Account
from crm.privacy.models import Breach, Risk

LOOKED_AT = 18  # files without a call: a few more than would go unnoticed
WHY = ("verifica di un pagamento", "richiesta allo sportello", "richiamata promessa")


def seed_oversight(session: Session, *, contract_id: int, ente_id: int) -> None:
    """What supervisors and whoever looks after personal data find on their pages; a second time nothing."""
    if session.scalars(select(Breach.id).where(Breach.ente_id == ente_id).limit(1)).first() is not None:
        return
    users = dict(session.execute(select(User.username, User.id)).all())
    anna = Principal(users["anna"], "", "it", frozenset(), place="192.0.2.14 · Firefox su Windows")
    files = session.scalars(select(Contact.id).where(Contact.ente_id == ente_id).order_by(Contact.id).limit(LOOKED_AT))
    for place, contact_id in enumerate(files):
        reason = WHY[place % len(WHY)]
        audit.note(session, anna, kind="file.opened", ente_id=ente_id, contact_id=contact_id, reason=reason)
    admin = Principal(users["admin"], "", "it", frozenset({Held(Role.ADMINISTRATOR, None, contract_id)}))
    known_at = clock.now(session) - timedelta(hours=20)
    letter = Account(
        what="Un sollecito è stato imbustato con quello di un'altra persona e recapitato a quella sbagliata.",
        known_at=known_at, happened_at=known_at - timedelta(days=2), persons=1, data="Nome, indirizzo, importo dovuto",
        consequences="Una persona ha letto il debito di un'altra.",
        measures="Lettera ritirata; controllo del peso delle buste prima dell'invio.", risk=Risk.RISK,
        ente_told_at=known_at + timedelta(hours=3),
    )  # fmt: skip
    breaches.record(session, admin, ente_id=ente_id, account=letter)
