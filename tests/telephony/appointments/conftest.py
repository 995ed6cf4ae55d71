"""The tax office of Empoli, and a line on which callers book there by themselves. It is Monday at eight."""

from collections.abc import Iterator

import pytest

from telephony.ivr.definition import Appointment, Flow, Goodbye, ToQueue
from telephony.ivr.languages import Language
from tests.crm.agendas.conftest import Desks, clock, desks
from tests.telephony.calls.test_full_queue import follows
from tests.telephony.stage import Stage, build

__all__ = ["clock", "desks"]  # the fixtures


def flow_of(operator: int) -> Flow:
    """It begins with appointments; whoever finds no time hears so, and that is all."""
    return Flow(
        start="appuntamenti", operator="operatore", languages=tuple(Language),
        nodes={
            "appuntamenti": Appointment(next="fine", otherwise="operatore", nothing="fine"),
            "fine": Goodbye(text=dict.fromkeys(Language, "Arrivederci a presto.")),
            "operatore": ToQueue(queue=operator),
        },
    )  # fmt: skip


@pytest.fixture
def centre(desks: Desks) -> Iterator[Stage]:
    """A stage by the office's clock."""
    stage = build(desks.database, desks.cast)
    follows(stage, flow_of(desks.cast.operator), cap=None)
    yield stage
    stage.matcher.close()
    stage.dispatcher.close()
