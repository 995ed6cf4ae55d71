"""What the stand-in does with proposals: takes each feed once, and answers them when somebody has decided."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

Record = dict[str, Any]


def _does_nothing(_proposal: Record, _now: datetime) -> str:
    return ""


class NotAFeedError(Exception):
    """It is refused whole."""


class KeyReusedError(Exception):
    """Another feed came under the same key."""


@dataclass(slots=True)
class Inbox:
    """Proposals to one ente. `at_once`: each is accepted as it comes.

    `does`: does what is accepted, or says why not.
    """

    at_once: bool = False
    does: Callable[[Record, datetime], str] = _does_nothing
    feeds: dict[str, str] = field(default_factory=dict)  # digests by Idempotency-Key
    proposals: dict[str, Record] = field(default_factory=dict)  # by id
    answers: list[Record] = field(default_factory=list)

    @property
    def waiting(self) -> list[Record]:
        """The proposals that nobody has decided."""
        answered = {one["id"] for one in self.answers}
        return [one for id_, one in self.proposals.items() if id_ not in answered]

    def take(self, key: str, content: bytes, ente: str, now: datetime) -> list[Record]:
        """Take a feed: the answers there are to it already. Under the same key it is taken once."""
        digest = sha256(content).hexdigest()
        if self.feeds.get(key, digest) != digest:
            raise KeyReusedError
        told = _proposals(content, ente)
        if key not in self.feeds:
            self.feeds[key] = digest
            self.proposals |= {one["id"]: one for one in told if one["id"] not in self.proposals}
            if self.at_once:
                self.decide(accepted=True, reason="", now=now)
        ids = {one["id"] for one in told}
        return [one for one in self.answers if one["id"] in ids]

    def decide(self, *, accepted: bool, reason: str, now: datetime) -> int:
        """Answer all that wait; how many. What cannot be done is refused, even if it was to be accepted."""
        reasons = {one["id"]: self.does(one, now) if accepted else reason for one in self.waiting}
        decided = [
            {"id": id_, "outcome": "rejected" if why else "accepted", "at": now.isoformat()}
            | ({"reason": why} if why else {})
            for id_, why in reasons.items()
        ]
        self.answers += decided
        return len(decided)


def _proposals(content: bytes, ente: str) -> list[Record]:
    try:
        header, *records, end = (json.loads(line) for line in content.decode().splitlines())
        many = end["corrections"] + end["notification_problems"] + end.get("decisions", 0)
        counted = end["record"] == "end" and many == len(records)
        whose = (header["record"], header["version"], header["ente"]) == ("proposals", 1, ente)
        if counted and whose and all(isinstance(one["id"], str) for one in records):
            return records
    except (ValueError, LookupError, TypeError):
        pass
    raise NotAFeedError
