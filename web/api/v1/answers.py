"""What every endpoint of the API shares: its address, and how it says no."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "/api/v1"
LANGUAGE = "it"  # of files


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was not answered."""

    message: str


ANSWERS: Mapping[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": said}
    for code, said in (
        (401, "The token is missing, unknown, revoked or expired"), (403, "The token's scope does not allow it"),
        (404, "There is no such thing, or it is another ente's"), (422, "A parameter is wrong"),
        (429, "Too many requests; Retry-After says for how many seconds to wait"),
    )
}  # fmt: skip
