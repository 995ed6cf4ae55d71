"""What every kind of sound has in its row."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from crm.core.db import choice


class Gone(StrEnum):
    """Why a sound was deleted."""

    EXPIRED = "expired"
    ERASED = "erased"  # with the person
    NOT_AGREED = "not_agreed"  # what the caller agreed to does not hold (any more)
    ABSENT = "absent"  # the carrier has nothing


class SoundColumns:
    """A sound is with the carrier until it is in the store.

    There it is encrypted under a key of its own, which is kept in the row, sealed: without it, what may be left of the
    sound in a backup of the store cannot be heard. The row stays when the sound goes.
    """

    at_carrier: Mapped[bool] = mapped_column(default=True)
    key: Mapped[bytes | None] = mapped_column(LargeBinary)
    sha256: Mapped[str | None] = mapped_column(String(64))  # of what is in the store
    size: Mapped[int | None]  # bytes of it
    kept_under: Mapped[int | None]  # the ente under which it is there; zero where it was not known then
    keep_until: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @declared_attr
    @classmethod
    def gone(cls) -> Mapped[Gone | None]:
        """Why; a constraint belongs to one table."""
        return mapped_column(choice(Gone))
