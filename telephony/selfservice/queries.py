"""What an ente offers by self-service."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.core.configuration import kept
from crm.enti.queries import enti_of
from telephony.selfservice.dialogue import Offers
from telephony.selfservice.models import CallerPin, SelfServiceSetting


@dataclass(frozen=True, slots=True)
class Setting:
    """Whether it is on, and by which factors."""

    is_on: bool = False
    pins: bool = False
    codes: bool = False


OFF = Setting()


@kept
def setting(session: Session, ente_id: int) -> Setting:
    """What an ente offers; off where nobody said."""
    row = session.execute(
        select(SelfServiceSetting.is_on, SelfServiceSetting.pins, SelfServiceSetting.codes).where(
            SelfServiceSetting.ente_id == ente_id
        )
    ).one_or_none()
    return OFF if row is None else Setting(*row)


@kept
def offers(session: Session, contract_id: int, ente_id: int | None) -> Offers | None:
    """What is offered on a line: of its ente, or of all that the contract covers, where each of them offers it."""
    enti = [ente_id] if ente_id is not None else sorted(enti_of(session, contract_id))
    found = [setting(session, one) for one in enti]
    if not found or not all(one.is_on for one in found):
        return None
    return Offers(pins=any(one.pins for one in found), codes=any(one.codes for one in found))


def pins(session: Session, ente_id: int) -> int:
    """How many taxpayers of an ente have a PIN."""
    return session.execute(select(func.count()).where(CallerPin.ente_id == ente_id)).scalar_one()
