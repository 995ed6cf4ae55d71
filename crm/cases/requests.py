"""What people ask for elsewhere than at a desk for requests, and which topic each of it is. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from crm.cases.lifecycle import Topic


class Wanted(StrEnum):
    """What somebody said in a call of a campaign, at his door or in an interview that is a request; the rest is a
    reminder at most.
    """

    INSTALMENTS = "instalments"
    DISPUTE = "dispute"  # of what he is asked to pay: the ente has to look at its act again
    ALREADY_PAID = "already_paid"  # he is owed the answer whether the payment was found
    COMPLAINT = "complaint"
    QUESTION = "question"


TOPICS: Mapping[Wanted, Topic] = MappingProxyType(
    {
        Wanted.INSTALMENTS: Topic.INSTALMENTS,
        Wanted.DISPUTE: Topic.SELF_CORRECTION,
        Wanted.ALREADY_PAID: Topic.INFORMATION,
        Wanted.COMPLAINT: Topic.COMPLAINT,
        Wanted.QUESTION: Topic.INFORMATION,
    }
)
ABOUT_DEBTS = frozenset({Wanted.INSTALMENTS, Wanted.DISPUTE, Wanted.ALREADY_PAID})
ONE_EACH = frozenset({Wanted.COMPLAINT})  # another one is another case: each of them counts
# How the notes of follow-ups began that were opened for these before there were cases; none: it is a reminder.
_BEGINNINGS: tuple[tuple[str, Topic | None], ...] = (
    ("Chiede la rateizzazione.", Topic.INSTALMENTS),
    ("Alla visita chiede la rateizzazione.", Topic.INSTALMENTS),
    ("Contesta quanto", Topic.SELF_CORRECTION),
    ("Alla visita contesta quanto", Topic.SELF_CORRECTION),
    ("La posta ha reso la lettera", None),
)


def topic_of(note: str) -> Topic | None:
    """The topic of what was to be opened as a case; none: nobody asked for anything. What is not known asks to be
    informed.
    """
    return next((topic for begins, topic in _BEGINNINGS if note.startswith(begins)), Topic.INFORMATION)
