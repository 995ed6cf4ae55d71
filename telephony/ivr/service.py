"""Drafting, publishing and rolling back voice flows; switching emergency messages.

Each change is audited and raises the configuration's version. What was published once never changes: a call finishes
on the version it began with.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.configuration import changed
from crm.core.db import touch
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.enti.queries import enti_of
from telephony.appointments.offers import offered
from telephony.ivr import outside, queries
from telephony.ivr.checks import Problem, problems
from telephony.ivr.definition import MAX_TEXT, Flow
from telephony.ivr.errors import FAULTS, OTHER_FAULT, FlowProblemsError
from telephony.ivr.languages import Language
from telephony.ivr.models import EmergencyMessage, IvrFlow, IvrPublication, IvrVersion
from telephony.ivr.usual import usual
from telephony.lines.models import PhoneLine
from telephony.queues import queries as queues

LONGEST_NAME = 80
UNDOABLE = 50  # changes of a draft that can be taken back


def create(session: Session, by: Principal, *, contract_id: int, name: str) -> int:
    """A flow with a first draft, which is the usual flow over the contract's queues; its id."""
    by.require(Permission.FLOW_MANAGE, contract_id=contract_id)
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise FieldError("Dai un nome al percorso, di al massimo 80 caratteri.", "name")
    row = IvrFlow(contract_id=contract_id, name=name)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise FieldError("C'è già un percorso con questo nome.", "name") from None
    _draft(session, by, row, usual(session, contract_id).model_dump(mode="json"))
    _note(session, by, "flow.created", row)
    return row.id


def draft(session: Session, by: Principal, *, flow_id: int, of: int) -> int:
    """A new draft, which begins as a copy of version `of`; its id. The draft there is, when there is one already."""
    row = _managed(session, by, flow_id)
    view = queries.flow(session, flow_id)
    if open_one := next((one for one in view.versions if one.is_draft), None):
        return open_one.id
    if of not in {one.id for one in view.versions}:
        raise NotFoundError("Questa versione non esiste.")
    return _draft(session, by, row, dict(queries.definition(session, of)))


def save(session: Session, by: Principal, *, version_id: int, definition: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Write a draft, with what is still wrong with it. Raises `InvalidError` for what is no flow at all."""
    version, row = _version(session, by, version_id)
    if _published(session, version):
        raise ConflictError("Questa versione è già pubblicata: fanne una bozza nuova.")
    flow = parse(definition)
    written = flow.model_dump(mode="json")
    if written != version.definition:
        version.past = [*version.past, version.definition][-UNDOABLE:]
        _write(session, by, version, written)
    return wrong(session, row.contract_id, flow)


def edit(
    session: Session, by: Principal, *, version_id: int, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> tuple[Problem, ...]:  # fmt: skip
    """Change a draft as it stands now, whoever changed it meanwhile."""
    version, _ = _version(session, by, version_id)
    return save(session, by, version_id=version_id, definition=change(version.definition))


def undo(session: Session, by: Principal, *, version_id: int) -> None:
    """Take back a draft's last change. Raises `ConflictError` where there is none."""
    version, _ = _version(session, by, version_id)
    if _published(session, version):
        raise ConflictError("Questa versione è già pubblicata: fanne una bozza nuova.")
    if not version.past:
        raise ConflictError("Non c'è nessuna modifica da annullare.")
    *version.past, before = version.past
    _write(session, by, version, before)


def parse(definition: Mapping[str, Any]) -> Flow:
    """A flow from outside. Raises `InvalidError` with what is wrong, field by field."""
    try:
        return Flow.model_validate(definition)
    except ValidationError as error:
        parts = [
            InvalidError(FAULTS.get(one["type"], OTHER_FAULT), field=".".join(map(str, one["loc"])))
            for one in error.errors()
        ]
        raise InvalidError("Il percorso non è scritto bene.", parts=parts) from None


def wrong(session: Session, contract_id: int, flow: Flow) -> tuple[Problem, ...]:
    """What stands against publishing a flow for this contract."""
    ours = {one.id for one in queues.queues(session, frozenset({contract_id}))}
    books = bool(offered(session, contract_id, None))
    return problems(flow, queues=ours, numbers=outside.numbers(session, contract_id), books=books)


def publish(session: Session, by: Principal, *, version_id: int) -> None:
    """New calls take this version from now on; an older one, too: that is how one goes back.

    Raises `FlowProblemsError`.
    """
    version, row = _version(session, by, version_id)
    found = wrong(session, row.contract_id, parse(version.definition))
    if hindering := [one for one in found if one.hinders]:
        raise FlowProblemsError(hindering)
    view = queries.flow(session, row.id)
    before = next((one.number for one in view.versions if one.is_current), None)
    if before == version.number:
        return
    changed(session)
    version.past = []
    session.add(IvrPublication(flow_id=row.id, version_id=version.id, at=clock.now(session), published_by=by.user_id))
    session.flush()
    _note(session, by, "flow.published", row, before={"version": before}, after={"version": version.number})


def lead(session: Session, by: Principal, *, number: str, flow_id: int | None) -> None:
    """A line leads to this flow; to the usual one with none."""
    line = session.get(PhoneLine, number)
    if line is None:
        raise NotFoundError("Questo numero non è dei nostri.")
    by.require(Permission.FLOW_MANAGE, contract_id=line.contract_id)
    if flow_id is not None:
        view = queries.flow(session, flow_id)
        if view.contract_id != line.contract_id:
            raise FieldError("Questo percorso è di un altro contratto.", "flow")
        if not any(one.is_current for one in view.versions):
            raise FieldError("Questo percorso non è ancora pubblicato.", "flow")
    before, line.flow_id = line.flow_id, flow_id
    changed(session)
    session.flush()
    for ente_id in _told(session, line.contract_id, line.ente_id):
        audit.note(
            session, by, kind="line.led", ente_id=ente_id, subject=number, before={"flow": before},
            after={"flow": flow_id},
        )  # fmt: skip


def write_emergency(
    session: Session, by: Principal, *, contract_id: int, ente_id: int | None, text: Mapping[str, str], ends: bool
) -> int:
    """A message for emergencies, switched off until it is needed; its id."""
    by.require(Permission.CENTRE_CLOSE, contract_id=contract_id)
    row = EmergencyMessage(contract_id=contract_id, ente_id=ente_id, text=_said(text), ends=ends)
    _of_contract(session, contract_id, ente_id)
    session.add(row)
    session.flush()
    return row.id


def rewrite_emergency(
    session: Session, by: Principal, *, message_id: int, ente_id: int | None, text: Mapping[str, str], ends: bool
) -> None:  # fmt: skip
    """Correct a message. One that is on is heard so by the next caller."""
    row = _emergency(session, by, message_id)
    _of_contract(session, row.contract_id, ente_id)
    before, heard = row.text[Language.ITALIAN], set(_told(session, row.contract_id, row.ente_id))
    changed(session)
    row.ente_id, row.text, row.ends = ente_id, _said(text), ends
    session.flush()
    if row.switched_on_at is None:
        return
    for one in sorted(heard.union(_told(session, row.contract_id, ente_id))):
        audit.note(
            session, by, kind="emergency.rewritten", ente_id=one, subject=row.text[Language.ITALIAN],
            before={"text": before}, after={"text": row.text[Language.ITALIAN]},
        )  # fmt: skip
    touch(session, topics.board(row.contract_id))


def remove_emergency(session: Session, by: Principal, *, message_id: int) -> None:
    """Throw a message away. Raises `ConflictError` for one that is on."""
    row = _emergency(session, by, message_id)
    if row.switched_on_at is not None:
        raise ConflictError("Il messaggio è acceso: spegnilo, poi eliminalo.")
    changed(session)
    session.delete(row)
    session.flush()


def switch_emergency(session: Session, by: Principal, *, message_id: int, on: bool) -> None:
    """Switch a message on or off, at once; doing it twice is no error."""
    row = _emergency(session, by, message_id)
    if (row.switched_on_at is not None) is on:
        return
    changed(session)
    row.switched_on_at, row.switched_by = (clock.now(session) if on else None), by.user_id
    session.flush()
    for ente_id in _told(session, row.contract_id, row.ente_id):
        audit.note(
            session, by, kind="emergency.on" if on else "emergency.off", ente_id=ente_id,
            subject=row.text[Language.ITALIAN],
        )  # fmt: skip
    touch(session, topics.board(row.contract_id))


# -- parts ------------------------------------------------------------------------------------------------------


def _write(session: Session, by: Principal, version: IvrVersion, definition: dict[str, Any]) -> None:
    version.definition = definition
    version.changed_by, version.changed_at = by.user_id, clock.now(session)
    session.flush()


def _draft(session: Session, by: Principal, row: IvrFlow, definition: dict[str, Any]) -> int:
    latest = session.scalar(select(func.max(IvrVersion.number)).where(IvrVersion.flow_id == row.id)) or 0
    version = IvrVersion(
        flow_id=row.id, number=latest + 1, definition=definition, changed_by=by.user_id, changed_at=clock.now(session)
    )
    session.add(version)
    session.flush()
    return version.id


def _emergency(session: Session, by: Principal, message_id: int) -> EmergencyMessage:
    """A message that `by` may switch and change, locked."""
    row = session.get(EmergencyMessage, message_id, with_for_update=True)
    if row is None:
        raise NotFoundError("Questo messaggio non esiste.")
    by.require(Permission.CENTRE_CLOSE, contract_id=row.contract_id)
    return row


def _said(text: Mapping[str, str]) -> dict[str, str]:
    """What a message says, by language. Raises `FieldError`."""
    said = {Language(code).value: " ".join(words.split()) for code, words in text.items() if words.strip()}
    if Language.ITALIAN not in said:
        raise FieldError("Scrivi il messaggio in italiano.", "it")
    for code, words in said.items():
        if len(words) > MAX_TEXT or "{" in words:
            raise FieldError("Il messaggio è troppo lungo, o contiene una parentesi graffa.", code)
    return said


def _of_contract(session: Session, contract_id: int, ente_id: int | None) -> None:
    if ente_id is not None and ente_id not in enti_of(session, contract_id):
        raise FieldError("Questo ente non è del contratto.", "ente")


def _managed(session: Session, by: Principal, flow_id: int) -> IvrFlow:
    """A flow that `by` may change, locked."""
    row = session.get(IvrFlow, flow_id, with_for_update=True)
    if row is None or not by.can(Permission.FLOW_MANAGE, contract_id=row.contract_id):
        raise NotFoundError("Questo percorso non esiste.")
    return row


def _version(session: Session, by: Principal, version_id: int) -> tuple[IvrVersion, IvrFlow]:
    version = session.get(IvrVersion, version_id)
    if version is None or version.flow_id is None:
        raise NotFoundError("Questa versione non esiste.")
    row = _managed(session, by, version.flow_id)
    session.refresh(version)
    return version, row


def _published(session: Session, version: IvrVersion) -> bool:
    return session.scalar(select(IvrPublication.id).where(IvrPublication.version_id == version.id).limit(1)) is not None


def _told(session: Session, contract_id: int, ente_id: int | None) -> list[int]:
    """In whose logs a change is noted: the ente's, or those of all that the contract covers."""
    return [ente_id] if ente_id is not None else sorted(enti_of(session, contract_id))


def _note(session: Session, by: Principal, kind: str, row: IvrFlow, **more: Any) -> None:
    for ente_id in _told(session, row.contract_id, None):
        audit.note(session, by, kind=kind, ente_id=ente_id, subject=row.name, **more)
