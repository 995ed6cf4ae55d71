"""The demonstration's agreement on watching workers, which everybody has read."""

from datetime import date

from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.models import Role
from crm.access.permissions import Held, Permission, Principal
from crm.monitoring import queries, service
from crm.monitoring.lock import AgreementKind, Use
from crm.monitoring.service import Entered
from web.demo.accounts import ADMINISTRATOR
from web.demo.enti import person

SIGNED_ON = date(2026, 1, 12)
TOLD = (
    "Per migliorare il servizio e formare chi risponde, il responsabile può ascoltare una conversazione in corso, e tu "
    "lo vedi sulla console. Ogni settimana si estraggono a sorte due conversazioni registrate per operatore e si "
    "valutano con una scheda: la vedi, riascolti la chiamata e puoi rispondere. Il responsabile "
    "vede i tempi di ciascuno. I punteggi si conservano dodici mesi e non decidono premi né sanzioni."
)


def agree(session: Session, *, contract_id: int) -> None:
    """Enter it, once; each worker confirms that he has read it."""
    if not queries.versions(session, contract_id):
        entered = Entered(
            AgreementKind.UNION, SIGNED_ON, "Accordo aziendale con le RSU, prot. 118", frozenset(Use), SIGNED_ON, None,
            TOLD, 12,
        )  # fmt: skip
        service.enter(session, person(session, ADMINISTRATOR.username), contract_id=contract_id, entered=entered)
    agreement = queries.in_force(session, contract_id)
    if agreement is None:
        return
    read = queries.readers(session, agreement.id)
    for user_id in access.able(session, Permission.CALLS_ANSWER, contract_id=contract_id):
        if user_id not in read:
            worker = Principal(user_id, "", "it", frozenset({Held(Role.AGENT, None, contract_id)}))
            service.confirm(session, worker, agreement_id=agreement.id)
