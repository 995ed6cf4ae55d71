"""What may go wrong when somebody signs in."""

from datetime import datetime

from crm.core.errors import DomainError


class SignInError(DomainError):
    """The name or the password is wrong, and which of the two is not said; or a code is."""


class TooManyAttemptsError(DomainError):
    """Too many attempts failed, of this name or from this place. `until`, as `at`, completes the message."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until
