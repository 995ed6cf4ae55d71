"""Recording in the demonstration: one ente asks its callers."""

from sqlalchemy.orm import Session

from telephony.recording import administration, queries
from telephony.recording.models import Purpose
from telephony.recording.queries import Setting
from web.demo.accounts import ADMINISTRATOR
from web.demo.enti import person

RECORDS = "B962"  # Scandicci
WANTED = Setting(
    is_on=True, purpose=Purpose.QUALITY, workers="Accordo aziendale del 12 gennaio 2026, prot. 118", share=100,
    keep_days=60, pause_s=90,
)  # fmt: skip


def record(session: Session, *, ente_id: int) -> None:
    """Switch it on, once."""
    if queries.setting(session, ente_id) == queries.OFF:
        administration.save_setting(session, person(session, ADMINISTRATOR.username), ente_id=ente_id, wanted=WANTED)
