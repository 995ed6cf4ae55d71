"""Errors in Twilio's own numbers."""

from collections.abc import Mapping
from typing import Any


class RestError(Exception):
    """A REST request that Twilio refuses, with its body `{code, message, more_info, status}`."""

    def __init__(self, status: int, code: int, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> Mapping[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def not_found(path: str) -> RestError:
    return RestError(404, 20404, f"The requested resource {path} was not found")


def missing(parameter: str, code: int) -> RestError:
    return RestError(400, code, f"No '{parameter}' number is specified")


class DocumentError(Exception):
    """A TwiML document that cannot be fetched (11200, 11205), read (12100, 12300) or executed (12200)."""

    def __init__(self, code: int, url: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.url = url
        self.message = message
