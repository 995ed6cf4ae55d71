"""Which forms keep what is typed, and what each of them is about. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum

from crm.core.errors import InvalidError

_WRITTEN = re.compile(r"(?P<form>[a-z_-]{1,24})/(?P<about>0|[1-9][0-9]{0,17})(?:/(?P<part>[a-z0-9_]{1,32}))?")


class FormKind(StrEnum):
    """A form by what it is for. Most are about a contact."""

    FOLLOW_UP = "follow-up"
    CORRECTION = "correction"
    NOTIFICATION_PROBLEM = "notification_problem"
    MESSAGE = "message"
    APPOINTMENT = "appointment"
    REACH = "card-reach"
    ADDRESS = "card-address"
    RELATION = "card-relation"
    MANDATE = "card-mandate"
    RELATION_END = "card-relation-end"
    WISHES = "card-wishes"
    NO_CALLS = "card-no-calls"
    CONSENT = "card-consent"
    CONDITION = "card-condition"
    GATE = "gate"  # its part is the conversation: what was answered in one is no answer in another
    OPINION = "opinion"
    QUALITY = "quality"  # about nothing; its part is the evaluation, and so below
    QUALITY_CORRECTION = "quality-correction"
    BROADCAST = "broadcast"  # about a contract
    LIST = "list"  # about nothing: a list of contacts that somebody is making
    LETTER = "letter"  # its part is the request that is answered by post
    MAIL = "mail"  # about nothing; its part is the correspondence that is answered


ABOUT_NOBODY = frozenset(
    {
        FormKind.OPINION,
        FormKind.QUALITY,
        FormKind.QUALITY_CORRECTION,
        FormKind.BROADCAST,
        FormKind.LIST,
        FormKind.MAIL,
    }
)


@dataclass(frozen=True, slots=True)
class Place:
    """Which form, about which contact (or text, or contract), and which part of them, where there are several."""

    form: FormKind
    about: int
    part: str = ""

    def __str__(self) -> str:
        return f"{self.form}/{self.about}" + (f"/{self.part}" if self.part else "")

    @property
    def of_contact(self) -> bool:
        """Whether it is about somebody."""
        return self.form not in ABOUT_NOBODY

    @classmethod
    def parse(cls, text: str) -> "Place":
        """As `str` writes it. Raises `InvalidError`."""
        found = _WRITTEN.fullmatch(text)
        if found is None or found["form"] not in set(FormKind):
            raise InvalidError("Questo modulo non esiste: ricarica la pagina.")
        return cls(FormKind(found["form"]), int(found["about"]), found["part"] or "")
