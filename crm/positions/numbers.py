"""The numbers of acts, whatever way they are written."""

import re

KEY_LENGTH = 60
_CALLED = re.compile(r"^\s*(?:n|nr|num|numero)\b[.°º]?\s*", re.IGNORECASE)
_RUNS = re.compile(r"[0-9]+|[a-z]+")


def act_key(text: str) -> str:
    """What tells the numbers of two acts apart: their letters and digits, without the zeros that come before.

    `2024/118`, `2024-00118` and `2024 118` are one number; so are `ING/2024/7` and `ing2024-07`.
    """
    runs = _RUNS.findall(text.casefold())
    return "/".join(run.lstrip("0") or "0" if run[0].isdigit() else run for run in runs)[:KEY_LENGTH]


def spoken(text: str) -> str:
    """A number without the `n.` with which it is written in a sentence."""
    return _CALLED.sub("", text)
