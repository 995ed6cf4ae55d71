"""Who may be writing, by his address; and whether a receipt is to be believed. Pure: neither proves who somebody is."""

from collections.abc import Sequence
from dataclasses import dataclass

from telephony.mail.certified import Pec
from telephony.mail.models import Matched
from telephony.mail.signed import Proof


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contact that has the address; `verified`: somebody made sure that it is his."""

    ente_id: int
    contact_id: int
    verified: bool


@dataclass(frozen=True, slots=True)
class Match:
    """Who it probably is."""

    candidate: Candidate
    how: Matched


def match_of(candidates: Sequence[Candidate], *, ente_id: int | None) -> Match | None:
    """The one contact at whom an address is verified; else the one who has it. With several nobody is proposed.

    In a mailbox of a whole contract only a verified one says which ente it is about.
    """
    his = [one for one in candidates if ente_id in {None, one.ente_id}]
    verified = [one for one in his if one.verified]
    if len(verified) == 1:
        return Match(verified[0], Matched.VERIFIED)
    if len(his) == 1 and ente_id is not None:
        return Match(his[0], Matched.PROPOSED)
    return None


def counts(pec: Pec, proof: Proof, *, ours: bool, address: str) -> bool:
    """Whether a receipt says something of a mail of ours: it names one, it is put together as the rules want it, and
    nothing is wrong with its signature. Without trust anchors whose signature it is stays unchecked, and is shown so.
    """
    from_us = pec.data is not None and pec.data.sender == address
    return ours and from_us and pec.plausible and proof in {Proof.VALID, Proof.UNCHECKED}
