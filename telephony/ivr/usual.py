"""The usual flow of a contract, which follows from its queues, and what it was when a call began with it."""

import hashlib
import json

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core import clock
from telephony.ivr.definition import Flow
from telephony.ivr.languages import Language
from telephony.ivr.models import IvrVersion
from telephony.ivr.standard import Matter, standard
from telephony.queues import queries as queues
from telephony.selfservice import queries as offered


def usual(session: Session, contract_id: int, queue_id: int | None = None, ente_id: int | None = None) -> Flow:
    """The flow over a contract's queues: each with a key is in the menu, the first without one is the operator's.

    With a queue, that of a number which leads there: no menu.
    """
    listed = queues.queues(session, frozenset({contract_id}))
    own = next((queue for queue in listed if queue.id == queue_id), None)
    if own is not None:
        return standard((), own.id, asks_notice=own.asks_notice)
    matters = [
        Matter(queue.menu_digit, {Language.ITALIAN: queue.menu_label}, queue.id, queue.asks_notice)
        for queue in listed
        if queue.menu_digit and queue.menu_label
    ]
    operator = next((queue for queue in listed if not queue.menu_digit), listed[0])
    return standard(matters, operator.id, self_service=offered.offers(session, contract_id, ente_id) is not None)


def written_down(session: Session, flow: Flow) -> int:
    """The version that says what the usual flow is now: written the first time that it is so, and never changed.

    Writing it raises the configuration's version, so that nobody remembers one whose transaction was rolled back.
    """
    definition = flow.model_dump(mode="json")
    digest = hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()
    known = select(IvrVersion.id).where(IvrVersion.digest == digest)
    found = session.execute(known).scalar_one_or_none()
    if found is None:
        written: dict[str, object] = {
            "flow_id": None, "number": 0, "definition": definition, "digest": digest, "past": [], "changed_by": None,
            "changed_at": clock.now(session),
        }  # fmt: skip
        session.execute(insert(IvrVersion).on_conflict_do_nothing(index_elements=["digest"]), written)
        found = session.execute(known).scalar_one()
    return found
