"""What callers keyed, and for how long it is known."""

from uuid import UUID

import pytest
from sqlalchemy import text, update

from crm.core.db import Scope
from crm.enti.models import Contract
from crm.privacy.holders import Person
from telephony.calls.models import Call, Consent
from telephony.calls.privacy import HOLDERS
from telephony.ivr.definition import Collect, Flow, ToQueue
from telephony.ivr.keeping import forget
from telephony.ivr.languages import Language
from telephony.ivr.turns import MARKED, RECORDING
from telephony.selfservice import dialogue
from tests.cast import NOTICE
from tests.telephony.calls.test_full_queue import follows
from tests.telephony.selfservice.test_service import SERVE, calls, serving
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration
__all__ = ["serving"]  # the fixture
FILE = "48163"


@pytest.fixture
def collecting(stage: Stage) -> Stage:
    """Empoli's line asks for the number of a file."""
    flow = Flow(
        start="pratica", operator="coda",
        nodes={
            "pratica": Collect(
                name="pratica", text={Language.ITALIAN: "Digiti la pratica."}, next="coda", otherwise="coda"
            ),
            "coda": ToQueue(queue=stage.cast.operator),
        },
    )  # fmt: skip
    follows(stage, flow, cap=None)
    return stage


def kept(stage: Stage, call: UUID) -> dict[str, str]:
    found: dict[str, str] = stage.call(call).ivr["kept"]
    return found


def days_pass(stage: Stage, days: int) -> None:
    stage.work(lambda s: s.execute(text(f"UPDATE call SET ended_at = ended_at - interval '{days} days'")))


def test_what_was_collected_is_kept_as_long_as_the_contract_says(collecting: Stage) -> None:
    call = collecting.arrives()
    collecting.presses(call, FILE)
    assert forget(collecting.database) == 0, "he is still on the line"
    collecting.caller_leaves(call)
    assert forget(collecting.database) == 0
    assert kept(collecting, call) == {"pratica": FILE}
    collecting.work(lambda s: s.execute(update(Contract).values(keyed_days=10)))
    days_pass(collecting, 8)
    assert forget(collecting.database) == 0
    days_pass(collecting, 3)
    assert forget(collecting.database) == 1
    assert (kept(collecting, call), collecting.call(call).keyed) == ({}, False)
    assert forget(collecting.database) == 0


def test_a_notice_keyed_in_the_self_service_is_forgotten_with_the_end_of_the_call(serving: Stage) -> None:
    call, _ = calls(serving, SERVE, NOTICE)
    said = kept(serving, call) | {"pratica": FILE, RECORDING: Consent.AGREED.value, MARKED: "yes"}
    ivr = serving.call(call).ivr | {"kept": said}
    serving.work(lambda s: s.execute(update(Call).where(Call.id == call).values(ivr=ivr)))
    assert NOTICE in said.values()
    assert forget(serving.database) == 0
    serving.caller_leaves(call)
    assert forget(serving.database) == 1
    assert kept(serving, call) == {"pratica": FILE, RECORDING: Consent.AGREED.value, MARKED: "yes"}
    days_pass(serving, 31)
    assert forget(serving.database) == 1
    assert kept(serving, call) == {RECORDING: Consent.AGREED.value, MARKED: "yes"}
    assert not any(name.startswith(dialogue.PREFIX) for name in kept(serving, call))


def test_the_erasure_of_a_person_takes_what_he_keyed(collecting: Stage) -> None:
    cast = collecting.cast
    call = collecting.arrives()
    collecting.presses(call, FILE)
    collecting.caller_leaves(call)
    with collecting.database.begin(Scope.of_enti(frozenset({cast.empoli}))) as session:
        (holder,) = HOLDERS
        holder.erase(session, Person(cast.empoli, (cast.mario,)))
    assert (kept(collecting, call), collecting.call(call).keyed) == ({}, False)
