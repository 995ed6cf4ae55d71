"""The code with which whoever sent a request follows it: of which nothing is stored.

It is a keyed hash of the case under the installation's key (HMAC-SHA256), in the letters of the codes of bookings:
eight of 23, one in seventy-eight thousand million. Whoever tries them is counted (`crm.agendas.pace`).
"""

import hmac
import re
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.agendas import codes
from crm.agendas.codes import LENGTH, LETTERS, Use
from crm.cases.models import Case
from crm.cases.submissions.models import CaseSender
from crm.core import secrecy

_NUMBER = re.compile(r"\s*(20\d\d)\s*[/. -]\s*(\d{1,7})\s*", re.ASCII)


def code_of(session: Session, *, ente_id: int, case_id: int) -> str:
    """The code of a case that was sent from the pages."""
    rest = int.from_bytes(secrecy.of(session).mark("case.code", f"{ente_id}:{case_id}".encode()))
    return "".join(LETTERS[rest // len(LETTERS) ** place % len(LETTERS)] for place in range(LENGTH))


def number_of(text: str) -> tuple[int, int] | None:
    """Year and number, as somebody types them; none where they cannot be that. Pure."""
    found = _NUMBER.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None


def followed(session: Session, *, ente_id: int, number: str, code: str) -> int | None:
    """The case of this number and code; none, without saying which of the two is wrong."""
    typed, said = number_of(number), codes.read_code(code)
    if typed is None or said is None:
        return None
    found = session.scalar(
        select(Case.id).join(CaseSender, CaseSender.case_id == Case.id)
        .where(Case.ente_id == ente_id, Case.year == typed[0], Case.number == typed[1])
    )  # fmt: skip
    right = code_of(session, ente_id=ente_id, case_id=found or 0)
    return found if hmac.compare_digest(right, said) and found is not None else None


def pass_of(session: Session, *, ente_id: int, case_id: int) -> str:
    """A token by which whoever follows a case may send a file's worth of bytes; it opens nothing."""
    return codes.token(session, Use.FOLLOWED, ente_id, UUID(int=case_id))


def known(session: Session, *, ente_id: int, token: str) -> bool:
    """Whether a token is that of a draft or of a case, of this ente: asked before anything is read of what is sent."""
    own = token.partition(".")[0]
    return any(codes.read_token(session, use, ente_id, own) for use in (Use.SUBMISSION, Use.FOLLOWED))
