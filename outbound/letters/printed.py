"""A letter as a file, and who makes it: laying out is the business of whoever has paper, here only its port stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Printed:
    """A PDF and its pages."""

    content: bytes
    pages: int


Typeset = Callable[[Mapping[str, Any], datetime], Printed]
