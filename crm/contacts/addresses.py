"""Addresses as values: how they are written on one line, and when two writings are the same address."""

from dataclasses import dataclass

from crm.contacts.names import KEY_LENGTH, fold

ITALY = "IT"


@dataclass(frozen=True, slots=True)
class Address:
    """A place; `country` by ISO 3166-1, two letters."""

    street: str | None = None
    postcode: str | None = None
    town: str | None = None
    province: str | None = None
    country: str = ITALY

    @property
    def key(self) -> str:
        """The address folded: `Via Roma, 1` and `VIA ROMA 1` are the same place."""
        parts = (self.street, self.postcode, self.town, self.province, self.country)
        return fold(" ".join(part for part in parts if part))[:KEY_LENGTH].rstrip()

    @property
    def line(self) -> str:
        """`Via Roma 1, 50053 Empoli (FI)`; the country only when it is not Italy."""
        province = f"({self.province})" if self.province else None
        place = " ".join(part for part in (self.postcode, self.town, province) if part)
        country = self.country if self.country != ITALY else None
        return ", ".join(part for part in (self.street, place, country) if part)
