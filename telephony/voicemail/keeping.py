"""Messages among the sounds that are kept."""

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, aliased

from crm.core.db import table_of
from telephony.sounds import sealing
from telephony.sounds.keeping import MOST, Shelf
from telephony.voicemail import service
from telephony.voicemail.models import Voicemail

_VOICEMAIL, _OTHER = table_of(Voicemail), aliased(Voicemail)


def _give_keys(session: Session) -> None:
    """Those left before messages were encrypted have none."""
    elsewhere = or_(_VOICEMAIL.c.at_carrier, _VOICEMAIL.c.unsealed.is_not(None))
    keyless = _VOICEMAIL.c.key.is_(None), _VOICEMAIL.c.deleted_at.is_(None), elsewhere
    for call_id in session.scalars(select(_VOICEMAIL.c.call_id).where(*keyless).limit(MOST)).all():
        key = sealing.new_key(session, call_id)
        session.execute(update(_VOICEMAIL).where(_VOICEMAIL.c.call_id == call_id, *keyless).values(key=key))


# Equal ones were one in the store: it goes once each has been encrypted.
_SHARED = (
    select(_OTHER.call_id)
    .where(
        _OTHER.unsealed == _VOICEMAIL.c.unsealed, _OTHER.kept_under == _VOICEMAIL.c.kept_under,
        _OTHER.sha256.is_(None), _OTHER.deleted_at.is_(None),
    )
    .exists()
)  # fmt: skip

SHELF = Shelf(
    "voicemail", _VOICEMAIL, id=_VOICEMAIL.c.call_id, since=_VOICEMAIL.c.left_at, channels=1, told=service.arrived,
    prepare=_give_keys, unsealed=_VOICEMAIL.c.unsealed, shared=_SHARED, measured=False,
)  # fmt: skip
