"""The measurements put calls into the database by themselves: as the database takes them."""

import pytest

from bench.traffic import hire, prepare
from crm.core.db import Database, Scope
from telephony.calls.models import Call, Phase
from tests.cast import Cast

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("phase", [Phase.IVR, Phase.RINGING, Phase.JOINING])
def test_a_call_is_there_as_it_is_right_before_its_webhook(database: Database, cast: Cast, phase: Phase) -> None:
    hire(database, 1)
    made = prepare(database, cast, phase, 1, among=1)[0]
    with database.begin(Scope.of_contract(cast.contract)) as session:
        call = session.get(Call, made.id)
        assert call is not None
        assert call.phase is phase
