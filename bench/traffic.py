"""Calls put into the database as they are right before a webhook, and the webhooks themselves."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert

from bench.client import Done, Fields, Job
from bench.place import Centre
from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.contacts.phone import CallerKind
from crm.core import clock
from crm.core.db import Database, Scope
from crm.levels.metering import Callers
from telephony.agents import service as agents
from telephony.agents.models import AgentState
from telephony.calls.models import AgentLeg, Call, LegState, Phase
from telephony.ivr.turns import Place
from telephony.queues.models import EntryState, QueueEntry, QueueMember
from tests.cast import DOMAIN, EMPOLI_LINE, MARIO_MOBILE, PASSWORD_HASH, Cast

FIRST_AGENT = 9_000_000  # unlike any other number in a statement, so that a ceiling finds it again
AGENTS = 200
LEG_STATE = {Phase.RINGING: LegState.RINGING, Phase.JOINING: LegState.ANSWERED}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call whose leg rings or was answered."""

    id: UUID
    sid: str
    leg_id: UUID
    agent_id: int
    contract_id: int

    def leg_path(self) -> str:
        return f"/telephony/{self.contract_id}/calls/{self.id}/legs/{self.leg_id}"


def agent_of(call_id: UUID) -> int:
    """A prepared call's agent: its id ends with his number."""
    return FIRST_AGENT + (call_id.int & 0xFFFF)


def hire(database: Database, count: int, *queues: int, domain: str = DOMAIN) -> list[int]:
    """More agents than the cast has."""
    ids = [FIRST_AGENT + n for n in range(count)]
    with database.begin(Scope.nothing()) as session:
        session.execute(
            insert(User),
            [{"id": one, "username": f"agent{one}", "name": "A", "password_hash": PASSWORD_HASH} for one in ids],
        )
    with database.begin(Scope.nothing()) as session:
        for one in ids:
            agents.enrol(session, agent_id=one, domain=domain)
        members = [{"queue_id": queue, "agent_id": one} for one in ids for queue in queues]
        if members:
            session.execute(insert(QueueMember), members)
    return ids


def ready(database: Database, contract: int, agent_ids: Iterable[int]) -> None:
    """These agents of a contract sit at their consoles, free."""
    with database.begin(Scope.nothing()) as session:
        for one in agent_ids:
            agent = Principal(one, "A", "it", frozenset({Held(Role.AGENT, None, contract)}))
            agents.attend(session, agent)
            agents.set_device(session, agent, device="desk", ready=True)
            agents.wish(session, agent, intended=AgentState.READY)


def prepare(database: Database, cast: Cast, phase: Phase, count: int, *, among: int = AGENTS) -> list[Prepared]:
    """Calls in this phase, of the first `among` agents, with all the rows that belong to them."""
    calls = []
    for n in range(count):
        call_id = UUID(int=uuid4().int >> 16 << 16 | n % among)
        calls.append(Prepared(call_id, f"CA{call_id.hex}", uuid4(), agent_of(call_id), cast.contract))
    with database.begin(Scope.of_contract(cast.contract)) as session:
        at = clock.now(session)
        entered = at - timedelta(seconds=20)
        tenant = {"contract_id": cast.contract, "ente_id": cast.empoli}
        in_queue = phase is not Phase.IVR
        ivr = Place("operatore", 1) if in_queue else Place("menu")
        session.execute(
            insert(Call),
            [
                {
                    **tenant, "id": one.id, "carrier_sid": one.sid, "line": EMPOLI_LINE, "caller": MARIO_MOBILE,
                    "caller_kind": CallerKind.MOBILE, "callers": Callers.MOBILE, "phase": phase, "ivr": ivr.stored(),
                    "arrived_at": entered, "metered": True, "waited_ms": 0, "closing": False, "note": "",
                    "contact_id": cast.mario,
                    "checked_at": at + timedelta(hours=1),  # nobody asks the carrier about them
                    "queue_id": cast.operator if in_queue else None, "queued_at": entered if in_queue else None,
                    "waiting_since": entered if in_queue else None, "agent_id": one.agent_id if in_queue else None,
                    "leg_id": one.leg_id if in_queue else None,
                }
                for one in calls
            ],
        )  # fmt: skip
        if in_queue:
            session.execute(insert(QueueEntry), [_entry(one, tenant, cast, entered) for one in calls])
            session.execute(insert(AgentLeg), [_leg(one, tenant, phase, at) for one in calls])
    return calls


def _entry(one: Prepared, tenant: dict[str, int], cast: Cast, at: datetime) -> dict[str, Any]:
    return {
        **tenant, "call_id": one.id, "queue_id": cast.operator, "domain": DOMAIN, "state": EntryState.OFFERED,
        "priority": 0, "entered_at": at,
    }  # fmt: skip


def _leg(one: Prepared, tenant: dict[str, int], phase: Phase, at: datetime) -> dict[str, Any]:
    return {
        **tenant, "id": one.leg_id, "call_id": one.id, "agent_id": one.agent_id, "carrier_sid": f"CA{one.leg_id.hex}",
        "state": LEG_STATE[phase], "offered_at": at,
    }  # fmt: skip


# -- webhooks: a path and the carrier's 25 fields ---------------------------------------------------------------


def leg_status(call: Prepared, status: str, number: int) -> tuple[str, Fields]:
    """An agent's leg changed status."""
    return call.leg_path(), {
        **common(), "CallSid": f"CA{call.leg_id.hex}", "CallStatus": status, "SequenceNumber": str(number),
        "ParentCallSid": call.sid, "CallbackSource": "call-progress-events",
    }  # fmt: skip


def caller_joined(call: Prepared) -> tuple[str, Fields]:
    """The caller joined the conference."""
    return f"{call.leg_path()}/conference", {
        **common(), "CallSid": call.sid, "StatusCallbackEvent": "participant-join", "ParticipantLabel": "customer",
        "SequenceNumber": "3", "ConferenceSid": f"CF{call.leg_id.hex}",
    }  # fmt: skip


def common() -> Fields:
    """The fields that say little: Twilio sends them all."""
    places = {
        f"{who}{what}": ""
        for who in ("From", "To", "Caller", "Called")
        for what in ("City", "State", "Country")
    }  # fmt: skip
    return {
        **places, "AccountSid": "AC" + "0" * 32, "ApiVersion": "2010-04-01", "Direction": "outbound-api",
        "From": EMPOLI_LINE, "To": "client:agent_1", "Caller": EMPOLI_LINE, "Called": "client:agent_1",
        "Timestamp": format_datetime(datetime.now(UTC)),
    }  # fmt: skip


def send(
    centre: Centre, port: int, requests: list[tuple[str, Fields]], *, rate: float | None = None, connections: int = 16
) -> Done:
    """Send webhooks from a process of their own, and wait for its end."""
    return begin(centre, port, requests, rate=rate, connections=connections)()


def begin(
    centre: Centre, port: int, requests: list[tuple[str, Fields]], *, rate: float | None, connections: int
) -> Callable[[], Done]:
    """Start to send webhooks; what is returned waits for the end."""
    place = centre.place
    job = Job(
        port, centre.settings.public_url, centre.settings.twilio_auth_token.get_secret_value(), requests, connections,
        rate,
    )  # fmt: skip
    name = uuid4().hex
    given, result = place.folder / f"{name}.job", place.folder / f"{name}.result"
    given.write_text(json.dumps(asdict(job)), encoding="utf-8")
    child = place.start("client", "bench.client", str(given), str(result))

    def wait() -> Done:
        place.finish(child)
        return Done.read(result)

    return wait
