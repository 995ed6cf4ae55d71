"""Civic numbers as files of the company brought them, by street. They tell of no taxpayer, and are of no one ente."""

from datetime import datetime

from sqlalchemy import ForeignKey, Identity, Integer, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class CivicFile(Base):
    """A file of civic numbers. `mistakes`: the first lines that were left out, each with its number and the reason."""

    __tablename__ = "civic_file"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    towns: Mapped[list[str]] = mapped_column(JSONB)
    rows: Mapped[int]
    refused: Mapped[int]
    mistakes: Mapped[list[list[object]]] = mapped_column(JSONB)
    read_at: Mapped[datetime]
    read_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))


class CivicStreet(Base):
    """A street of a town. `town`, `key`: as addresses are compared (`streets`); the centre in degrees (WGS 84)."""

    __tablename__ = "civic_street"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("civic_file.id"))
    town: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(160))
    name: Mapped[str] = mapped_column(String(160))
    latitude: Mapped[float]
    longitude: Mapped[float]
    numbers: Mapped[int] = mapped_column(Integer)

    __table_args__ = (UniqueConstraint("town", "key"),)


class CivicNumber(Base):
    """A civic number. `number`: a street's, or metres of a road that counts kilometres; `suffix`: `A`, `BIS`."""

    __tablename__ = "civic_number"

    street_id: Mapped[int] = mapped_column(
        ForeignKey("civic_street.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    suffix: Mapped[str] = mapped_column(String(12), primary_key=True)
    postcode: Mapped[str] = mapped_column(String(10))
    latitude: Mapped[float]
    longitude: Mapped[float]


class CivicIncoming(Base):
    """A line of a file that is being read, within its transaction; none stays."""

    __tablename__ = "civic_incoming"

    file_id: Mapped[int] = mapped_column(ForeignKey("civic_file.id"), primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    town: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(160))
    street: Mapped[str] = mapped_column(String(160))
    number: Mapped[int] = mapped_column(Integer)
    suffix: Mapped[str] = mapped_column(String(12))
    postcode: Mapped[str] = mapped_column(String(10))
    latitude: Mapped[float]
    longitude: Mapped[float]
