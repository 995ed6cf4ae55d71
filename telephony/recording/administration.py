"""What administrators write about recording: whether an ente records, what for, how many calls, for how long."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core.configuration import changed
from crm.core.db import table_of
from crm.core.errors import InvalidError
from crm.enti.administration import managed, record
from telephony.recording import queries
from telephony.recording.models import Purpose, Recording, RecordingSetting
from telephony.recording.queries import Setting
from telephony.voicemail import service as voicemail

LIMITS = {"share": (1, 100), "keep_days": (1, 3650), "pause_s": (30, 600), "voicemail_days": (1, 365)}
LONGEST = 200
_RECORDING = table_of(Recording)


def parse(fields: Mapping[str, str]) -> Setting:
    """What somebody typed. Raises `InvalidError`, field by field."""
    wrong: list[InvalidError] = []
    numbers: dict[str, int] = {}
    for name, (least, most) in LIMITS.items():
        typed = fields.get(name, "").strip()
        numbers[name] = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else -1
        if not least <= numbers[name] <= most:
            wrong.append(InvalidError(f"Scrivi un numero da {least} a {most}.", field=name))
    is_on, workers = bool(fields.get("is_on")), " ".join(fields.get("workers", "").split())
    if is_on and not workers:
        wrong.append(
            InvalidError("Scrivi la data e gli estremi: senza non si può registrare chi lavora.", field="workers")
        )
    if len(workers) > LONGEST:
        wrong.append(InvalidError(f"Al massimo {LONGEST} caratteri.", field="workers"))
    purpose = fields.get("purpose", "")
    if purpose not in set(Purpose):
        wrong.append(InvalidError("Scegli la finalità.", field="purpose-quality"))
    if wrong:
        raise InvalidError("Controlla i campi segnati.", parts=wrong)
    return Setting(is_on, Purpose(purpose), workers, **numbers)


def save_setting(session: Session, by: Principal, *, ente_id: int, wanted: Setting) -> None:
    """Say whether, and how, conversations are recorded: it holds for the next call.

    What is there already is kept for no longer than is said now, and never for longer than was said then.
    """
    managed(session, by, ente_id)
    before = queries.setting(session, ente_id)
    changed(session)
    row = session.get(RecordingSetting, ente_id) or RecordingSetting(ente_id=ente_id)
    for name, value in asdict(wanted).items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    if wanted.keep_days < before.keep_days:
        sooner = func.least(_RECORDING.c.keep_until, _RECORDING.c.began_at + timedelta(days=wanted.keep_days))
        kept = _RECORDING.c.ente_id == ente_id, _RECORDING.c.deleted_at.is_(None)
        session.execute(update(_RECORDING).where(*kept).values(keep_until=sooner))
    if wanted.voicemail_days < before.voicemail_days:
        voicemail.keep_for(session, ente_id=ente_id, days=wanted.voicemail_days)
    record(session, by, "recording.changed", ente_id, asdict(before), asdict(wanted))
