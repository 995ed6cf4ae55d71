"""What outcomes and promises hold of a person: what he said, and what he promised. Sums are as before."""

from sqlalchemy import ColumnElement, select

from crm.core.db import table_of
from crm.privacy.holders import Holder, Person, TableHolder
from outbound.outcomes.models import OutcomeGiven
from outbound.promises.models import PaymentPromise, PromisePosition

_PROMISE, _LINE = table_of(PaymentPromise), table_of(PromisePosition)
WHY = "Resta, senza altro, che la campagna ha avuto questo esito: serve alle sue cifre."


class _Lines(TableHolder):
    """The positions that he promised to pay: found by the promise, and deleted."""

    def of(self, person: Person) -> tuple[ColumnElement[bool], ...]:
        """Of his promises."""
        his = _PROMISE.c.ente_id == person.ente_id, _PROMISE.c.contact_id.in_(person.contact_ids)
        return (_LINE.c.ente_id == person.ente_id, _LINE.c.promise_id.in_(select(_PROMISE.c.id).where(*his)))


HOLDERS: tuple[Holder, ...] = (
    _Lines(_LINE, "Posizioni che ha promesso di pagare"),
    TableHolder(
        _PROMISE, "Promesse di pagare", emptied={"known_at": None, "judged_on": None}, why=WHY,
        hidden=frozenset({"made_by"}),
    ),
    TableHolder(
        table_of(OutcomeGiven), "Esiti delle conversazioni delle campagne", emptied={"note": "", "deeds": {}},
        why=WHY, hidden=frozenset({"deeds", "given_by"}),
    ),
)  # fmt: skip
