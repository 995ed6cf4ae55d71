"""The personal code of a survey's case, as its person keys it: six digits that nobody can guess, then his number.

No row keeps it: the digits are a mark (HMAC-SHA256) over survey and person, and it is good while the survey runs.
"""

import hmac
import struct
from collections.abc import Sequence

from sqlalchemy.orm import Session

from crm.core import secrecy
from telephony.selfservice import guesses

MARK, LONGEST = 6, 18  # digits
_NUMBERS, _PURPOSE = struct.Struct(">QQ"), "survey.code"


def code(session: Session, *, campaign_id: int, contact_id: int) -> str:
    """The code of a case."""
    return f"{_mark(session, campaign_id, contact_id)}{contact_id}"


def read(
    session: Session, keyed: str, *, campaigns: Sequence[int], contract_id: int, caller: str | None
) -> tuple[int, int] | None:
    """Of which of these surveys a code is, and of whom; none where it is no code.

    A wrong one counts as a guess of the caller's, and as one at that person: too many, and none is looked at any more.
    """
    mark, number = keyed[:MARK], keyed[MARK:]
    if not (keyed.isascii() and keyed.isdecimal() and number and number[0] != "0" and len(keyed) <= LONGEST):
        return None
    guess = guesses.about(session, contract_id=contract_id, caller=caller, kind="survey code", what=number)
    if guesses.stopped(session, guess, ente_id=None):
        return None
    for one in campaigns:
        if hmac.compare_digest(mark, _mark(session, one, int(number))):
            return one, int(number)
    guesses.failed(session, guess, ente_id=None)
    return None


def _mark(session: Session, campaign_id: int, contact_id: int) -> str:
    made = secrecy.of(session).mark(_PURPOSE, _NUMBERS.pack(campaign_id, contact_id))
    return f"{int.from_bytes(made[:8], 'big') % 10**MARK:0{MARK}}"
