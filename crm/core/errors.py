"""Domain errors. They know no HTTP; one table at the edge (`web.edge.errors`) maps them to answers."""

from collections.abc import Sequence


class DomainError(Exception):
    """Something a person asked for cannot be done; the message says why, in words fit for a screen."""


class NotFoundError(DomainError):
    """It does not exist, or not for whoever asks: the two are never told apart."""


class ForbiddenError(DomainError):
    """Whoever asks lacks the permission."""


class ConflictError(DomainError):
    """It was true a moment ago: somebody else was first, or the state moved on."""


class InvalidError(DomainError):
    """The input is wrong; the message says what to do about it, and each of `parts` what to do about one field."""

    def __init__(self, message: str, *, field: str = "", parts: Sequence["InvalidError"] = ()) -> None:
        super().__init__(message)
        self.field = field
        self.parts = tuple(parts)


class FieldError(InvalidError):
    """One field is wrong, and nothing else."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message, parts=[InvalidError(message, field=field)])
