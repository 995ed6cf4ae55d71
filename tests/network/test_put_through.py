"""A caller is put through to an office, and what came of it is told to nobody: the reconciler asks the carrier."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core.db import Scope
from crm.enti.models import Office
from telephony.calls.models import Call, Outcome, Phase
from telephony.ivr import queries, service
from tests.cast import EMPOLI_LINE
from tests.network.conftest import Network

pytestmark = pytest.mark.integration

OFFICE = "+390571757999"


@pytest.fixture
def leads_to_office(network: Network) -> Network:
    """Whoever calls Empoli is put through to its office, which answers and hangs up after a while."""
    cast = network.cast
    sara = Principal(cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, cast.contract)}))
    definition = {
        "start": "office", "operator": "queue", "languages": ["it"],
        "nodes": {
            "office": {"kind": "transfer", "number": OFFICE, "otherwise": "queue"},
            "queue": {"kind": "queue", "queue": cast.operator},
        },
    }  # fmt: skip

    def work(session: Any) -> None:
        flow_id = service.create(session, sara, contract_id=cast.contract, name="Ufficio")
        (draft,) = queries.flow(session, flow_id).versions
        service.save(session, sara, version_id=draft.id, definition=definition)
        service.publish(session, sara, version_id=draft.id)
        service.lead(session, sara, number=EMPOLI_LINE, flow_id=flow_id)

    with network.database.begin(Scope.of_enti(frozenset({cast.empoli}))) as session:
        told = dict.fromkeys(("address", "competent_for", "accessibility"), "")
        session.add(Office(ente_id=cast.empoli, name="Tributi", phone=OFFICE, hours=[], **told))
    network.work(work)
    return network


def speaks(network: Network, *script: dict[str, object]) -> str:
    network.http.put("/simulator/callees", json={"number": OFFICE, "script": list(script)}).raise_for_status()
    sid = network.calls({"wait_s": 600})
    network.until(lambda: network.seen(sid)["place"] == "conversation")
    return sid


def looks_later(network: Network) -> None:
    network.work(lambda s: s.execute(update(Call).values(dialled_at=Call.dialled_at - timedelta(seconds=20))))
    network.looks()


@pytest.mark.parametrize("by", ["caller", "office"])
def test_whom_he_was_put_through_to_is_found_out_when_the_callback_is_lost(leads_to_office: Network, by: str) -> None:
    """contact-centre.md: a call of which nothing was heard is looked up at the carrier; figures equal what happened."""
    network = leads_to_office
    sid = speaks(network, {"wait_s": 30 if by == "office" else 600}, {"hang_up": True})
    lost = [network.inject("drop", kind=kind) for kind in ("call", "document")]
    if by == "caller":
        network.hangs_up(sid)
    network.until(lambda: network.seen(sid)["status"] == "completed")
    for one in lost:
        network.withdraw(one)
    network.until(lambda: network.phase(sid) is Phase.ENDED, looking=True)
    call = network.call(sid)
    assert call is not None
    assert (call.outcome, call.put_through_at) == (Outcome.LEFT_IVR, None)
    looks_later(network)
    call = network.call(sid)
    assert call is not None
    assert (call.outcome, call.dialled_at) == (Outcome.PUT_THROUGH, None)
    assert call.put_through_at is not None
    assert call.put_through_at >= call.arrived_at
    assert network.proof().differences == ()


def test_an_office_that_never_answered_is_asked_for_once(leads_to_office: Network) -> None:
    network = leads_to_office
    network.http.put("/simulator/callees", json={"number": OFFICE, "outcome": "no-answer"}).raise_for_status()
    lost = network.inject("drop", kind="document")
    network.withdraw(lost)
    sid = network.calls({"wait_s": 600})
    network.until(lambda: network.phase(sid) is not None)
    lost = [network.inject("drop", kind=kind) for kind in ("call", "document")]
    network.until(lambda: network.seen(sid)["status"] == "completed")
    for one in lost:
        network.withdraw(one)
    network.until(lambda: network.phase(sid) is Phase.ENDED, looking=True)
    looks_later(network)
    call = network.call(sid)
    assert call is not None
    assert (call.outcome, call.dialled_at) == (Outcome.LEFT_IVR, None)
