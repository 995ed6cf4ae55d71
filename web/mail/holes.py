"""Why a place of a template stays as it is."""

from enum import StrEnum


class NotFilled(StrEnum):
    NOT_KNOWN = "not_known"
    NOT_VERIFIED = "not_verified"
    NOT_OPEN = "not_open"
    NOTHING_OWED = "nothing_owed"
    NO_CASE = "no_case"
    NO_MAIL = "no_mail"
