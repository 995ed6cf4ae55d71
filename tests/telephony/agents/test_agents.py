"""Who may change an agent's presence: himself, if he may answer calls."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError
from telephony.agents import service as agents
from telephony.agents.models import AgentState
from tests.cast import DOMAIN, Cast, make_ready, presence_of, principal_of
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration

Act = Callable[[Session, Principal], None]
ACTS: dict[str, Act] = {
    "attend": agents.attend,
    "wish": lambda session, by: agents.wish(session, by, intended=AgentState.READY),
    "register": lambda session, by: agents.set_device(session, by, device="desk", ready=True),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_vera_who_only_watches_is_not_made_an_agent_by_a_row(database: Database, cast: Cast, act: Act) -> None:
    """She was enrolled once; since then her grant to answer has ended."""
    with database.begin(Scope.nothing()) as session:
        agents.enrol(session, agent_id=cast.vera, domain=DOMAIN)
    before = presence_of(database, cast.vera)
    with pytest.raises(ForbiddenError), database.begin(Scope.nothing()) as session:
        act(session, principal_of(session, cast.vera))
    after = presence_of(database, cast.vera)
    assert (after.state, after.device, after.live_until) == (before.state, None, before.live_until)


def test_a_supervisor_s_console_connects_although_she_is_nobody_s_agent(database: Database, cast: Cast) -> None:
    with database.begin(Scope.nothing()) as session:
        agents.attend(session, principal_of(session, cast.sara))


def test_whoever_signs_out_goes_out_of_service_even_when_he_may_not_answer_any_more(
    database: Database, cast: Cast
) -> None:
    make_ready(database, cast.anna)
    with database.begin(Scope.nothing()) as session:
        agents.leave(session, Principal(cast.anna, "Anna", "it", frozenset()))
        agents.leave(session, principal_of(session, cast.vera))  # who is no agent
    assert presence_of(database, cast.anna).state is AgentState.OFFLINE


def test_nobody_signs_out_in_mid_call(stage: Stage) -> None:
    anna = stage.cast.anna
    stage.ready(anna)
    stage.queues()
    stage.run()
    with pytest.raises(ConflictError):
        stage.work(lambda session: agents.leave(session, stage.principal(anna)))
    assert stage.presence(anna).state is AgentState.RINGING
