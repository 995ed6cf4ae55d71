"""Where citizens manage their appointments, for the messages that tell them."""

from sqlalchemy.orm import Session

from crm.agendas import sites


def manage_at(session: Session, ente_id: int, public_url: str) -> str:
    """The address before the token, on the pages of an ente."""
    site = sites.of_ente(session, ente_id)
    assert site is not None  # opened with the first agenda that was published
    return site.manage_at(public_url)
