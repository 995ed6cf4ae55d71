"""What a call leaves on the timeline of the contact it is about."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.core.db import table_of
from crm.files.gate import GateOutcome
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind
from telephony.appointments.state import Did
from telephony.calls.choices import Disposition
from telephony.calls.models import Call, CallEvent, Consent, Outcome, Phase
from telephony.recording.models import Recording
from telephony.selfservice.dialogue import Want

IN_PROGRESS = "in_progress"
OPENED_BY_MISTAKE = "opened_by_mistake"  # all that is told to a person whose file somebody else's call opened
TURNED_AWAY = "GateRefused"
IDENTIFIED = "Identified"
PASSED = ("PassAsked", "PassToQueueAsked")
SELF_SERVED = "SelfServed"
RETRACTED = "IdentificationRetracted"  # the log's word for it; the log is only appended to
_CALL, _EVENT = table_of(Call), table_of(CallEvent)
_LOGGED = func.jsonb_agg(aggregate_order_by(func.jsonb_build_array(_EVENT.c.kind, _EVENT.c.detail), _EVENT.c.id))
_LOG = select(_LOGGED).where(_EVENT.c.kind.in_((IDENTIFIED, RETRACTED, *PASSED, SELF_SERVED)))
_READ = select(
    *_CALL.c, _LOG.where(_EVENT.c.call_id == _CALL.c.id).correlate(_CALL).scalar_subquery().label("log")
).where(_CALL.c.id == bindparam("call"))  # fmt: skip
_LOG_OF = _LOG.where(_EVENT.c.call_id == bindparam("call"))

Log = Iterable[tuple[str, dict[str, Any]]]  # what a timeline tells of a call's log: kinds and details, in order


def tell(session: Session, call_id: UUID) -> None:
    """Put a call on its contact's timeline as it stands now; nothing while nobody knows whose it is."""
    call = session.execute(_READ, {"call": call_id}).one()
    if call.ente_id is None or call.contact_id is None:
        return
    log: Log = call.log or ()
    timeline.record(
        session, ente_id=call.ente_id, contact_id=call.contact_id, kind=EntryKind.CALL, source=call.id,
        occurred_at=call.arrived_at, author_id=call.agent_id, status=_status(call),
        detail={
            "identified": _identified(call, log),
            "waited_ms": call.waited_ms,
            "talked_s": _talked_s(call),
            **({"held_s": round(call.held_ms / 1000)} if call.held_ms else {}),
            "topic": call.topic,
            "disposition": call.disposition,
            **({"passed": passed} if (passed := _passed_on(session, log)) else {}),
            **({"self_service": _self_service(log)} if call.self_served_at is not None else {}),
            **({"recording": recording} if (recording := _recording(session, call)) else {}),
            "note": call.note if call.wrapped_up_at and call.disposition != Disposition.WRONG_PERSON else "",
        },
    )  # fmt: skip


def withdraw(session: Session, call: Call) -> None:
    """Take a call off the timeline of the contact it seemed to be about. That his file was open stays told."""
    if call.ente_id is None or call.contact_id is None:
        return
    opened = retraction(session, call.id, call.contact_id)
    if opened is None:
        timeline.withdraw(
            session, ente_id=call.ente_id, contact_id=call.contact_id, kind=EntryKind.CALL, source=call.id
        )
        return
    timeline.record(
        session, ente_id=call.ente_id, contact_id=call.contact_id, kind=EntryKind.CALL, source=call.id,
        occurred_at=call.arrived_at, author_id=call.agent_id, status=OPENED_BY_MISTAKE,
        detail={"opened_at": opened.detail["opened_at"], "closed_at": opened.occurred_at.isoformat()},
    )  # fmt: skip


def told_by_voice(session: Session, call_id: UUID) -> list[Want | Did]:
    """What the voice menu told him, or did for him."""
    return [what_voice_told(one) for one in _self_service(_log(session, call_id))]


def what_voice_told(word: str) -> Want | Did:
    """The same, of a word that a timeline keeps."""
    return Did(word) if word in set(Did) else Want(word)


def _log(session: Session, call_id: UUID) -> Log:
    return session.execute(_LOG_OF, {"call": call_id}).scalar_one() or ()


def _self_service(log: Log) -> list[str]:
    return [detail["told"] for kind, detail in log if kind == SELF_SERVED]


def _passed_on(session: Session, log: Log) -> list[dict[str, str]]:
    """By whom the call was passed on, and to whom: `agent`, `queue` or `outside`, with a name (none: some number)."""
    passings = [detail for kind, detail in log if kind in PASSED and "to" in detail]
    told = [(int(one["agent"]), *one["to"].split(":", 1)) for one in passings]
    ids = {by for by, _, _ in told} | {int(to) for _, kind, to in told if kind == "agent"}
    names = access.named(session, ids) if ids else {}
    return [
        {"by": names.get(by, ""), "kind": kind, "to": names.get(int(to), "") if kind == "agent" else to}
        for by, kind, to in told
    ]


def retraction(session: Session, call_id: UUID, contact_id: int | None = None) -> CallEvent | None:
    """The last time that an identification in this call was taken back; of this contact, when one is named."""
    statement = select(CallEvent).where(CallEvent.call_id == call_id, CallEvent.kind == RETRACTED)
    if contact_id is not None:
        statement = statement.where(CallEvent.detail["contact"].astext == str(contact_id))
    return session.execute(statement.order_by(CallEvent.id.desc()).limit(1)).scalar_one_or_none()


def identification(session: Session, call_id: UUID, contact_id: int) -> CallEvent | None:
    """The last time that this contact was identified in this call, by whichever agent; none once it was taken back."""
    last = session.execute(
        select(CallEvent)
        .where(
            CallEvent.call_id == call_id, CallEvent.kind.in_((IDENTIFIED, RETRACTED)),
            CallEvent.detail["contact"].astext == str(contact_id),
        )
        .order_by(CallEvent.id.desc())
        .limit(1)
    ).scalar_one_or_none()  # fmt: skip
    return last if last is not None and last.kind == IDENTIFIED else None


def was_identified(session: Session, call: Call | Row[*tuple[Any, ...]]) -> bool:
    """Whether an agent established in this call that it is its contact's; also when his line dropped after that."""
    return call.contact_id is not None and _identified(call, _log(session, call.id))


def _identified(call: Call | Row[*tuple[Any, ...]], log: Log) -> bool:
    if call.identified_at is not None:
        return True
    of_contact = [kind for kind, detail in log if detail.get("contact") == str(call.contact_id)]
    return [kind for kind in of_contact if kind in {IDENTIFIED, RETRACTED}][-1:] == [IDENTIFIED]


def turned_away(session: Session, call_id: UUID, contact_id: int) -> GateOutcome | None:
    """How the questions to this contact ended in this call, if the file stayed closed."""
    found = session.execute(
        select(CallEvent.detail["outcome"].astext)
        .where(
            CallEvent.call_id == call_id, CallEvent.kind == TURNED_AWAY,
            CallEvent.detail["contact"].astext == str(contact_id),
        )
        .order_by(CallEvent.id.desc())
        .limit(1)
    ).scalar_one_or_none()  # fmt: skip
    return None if found is None else GateOutcome(found)


def _status(call: Row[*tuple[Any, ...]]) -> str:
    if call.phase is not Phase.ENDED:
        return IN_PROGRESS
    outcome: Outcome = call.outcome or Outcome.LEFT_IVR
    return outcome.value


def _recording(session: Session, call: Row[*tuple[Any, ...]]) -> str:
    """Whether there is a recording of it (`there`), or was one (`gone`)."""
    if call.consent in {None, Consent.REFUSED, Consent.SILENT}:
        return ""
    kept = select(Recording.sha256).where(Recording.call_id == call.id, Recording.kept_under.is_not(None))
    found = list(session.scalars(kept))
    return "there" if any(found) else "gone" if found else ""


def _talked_s(call: Row[*tuple[Any, ...]]) -> int | None:
    if call.answered_at is None or call.ended_at is None:
        return None
    talked_ms: int = call.talked_ms
    return round(talked_ms / 1000)
