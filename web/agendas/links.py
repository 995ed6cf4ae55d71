"""Where citizens manage their appointments, for the messages that tell them."""

from sqlalchemy.orm import Session


def manage_at(_session: Session, ente_id: int, public_url: str) -> str:
    """The address before the token, on the pages of an ente."""
    return f"{public_url}/prenota/{ente_id}/appuntamento"
