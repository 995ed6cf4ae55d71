"""What may be sent from the pages, who has to say who he is, and what whoever follows it is shown. Pure.

A complaint or a question may be anonymous; what changes somebody's position, or gives away what is in a file, may not
(D.P.R. 445/2000, art. 38, wants the request signed: the office asks for it before it decides).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from crm.cases.lifecycle import Outcome, State, Topic
from crm.cases.models import PauseReason
from crm.cases.terms import TermKind
from crm.contacts.codice_fiscale import parse_codice_fiscale
from crm.contacts.email import to_email
from crm.contacts.phone import typed_number
from crm.core.errors import InvalidError

# What may be asked for, in the order in which the page has it, and whether without saying who one is.
ANONYMOUS: Mapping[Topic, bool] = MappingProxyType(
    {
        Topic.COMPLAINT: True,
        Topic.INFORMATION: True,
        Topic.FORMS: True,
        Topic.INSTALMENTS: False,
        Topic.SELF_CORRECTION: False,
        Topic.ANNULMENT: False,
        Topic.RELIEF: False,
        Topic.REFUND: False,
        Topic.SUSPENSION: False,
        Topic.ACCESS: False,
        Topic.DATA_PROTECTION: False,
    }
)
MOST_REASONS, MOST_ASKED, MOST_FILES = 4000, 400, 5
LONGEST = {"given_name": 80, "surname": 160, "email": 254, "phone": 30, "codice_fiscale": 20}
# Of what the citizen waits for, which term is his answer: the first of these that he has.
_ANSWERS = (TermKind.REPLY, TermKind.TOLD, TermKind.SENT, TermKind.DECIDED)


class Stage(StrEnum):
    """How far it is, for whoever sent it."""

    RECEIVED = "received"
    WORKING = "working"
    PAPERS = "papers"  # he was asked for them
    RESTS = "rests"
    ANSWERED = "answered"
    REDIRECTED = "redirected"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody writes, as typed."""

    reasons: str = ""
    asked: str = ""
    given_name: str = ""
    surname: str = ""
    codice_fiscale: str = ""
    email: str = ""
    phone: str = ""

    @property
    def anonymous(self) -> bool:
        """Whether he says neither who he is nor where he is reached."""
        return not any((self.given_name, self.surname, self.codice_fiscale, self.email, self.phone))


def story(told: Told) -> Told:
    """What happened, in the writing in which it is kept. Raises `InvalidError` with what is wrong at each field."""
    told = replace(told, reasons=_lines(told.reasons), asked=" ".join(told.asked.split()))
    wrong = []
    if not told.reasons:
        wrong.append(InvalidError("Scrivi che cosa è successo o che cosa chiedi.", field="reasons"))
    if len(told.reasons) > MOST_REASONS or not _can_be_read(told.reasons):
        wrong.append(_too_long("reasons"))
    if len(told.asked) > MOST_ASKED or not _can_be_read(told.asked):
        wrong.append(_too_long("asked"))
    _raise(wrong)
    return told


def sender(told: Told, topic: Topic) -> Told:
    """Who he is, likewise. Nothing at all will do where the topic may be anonymous."""
    told = replace(told, **{name: " ".join(getattr(told, name).split()) for name in LONGEST})
    if told.anonymous and ANONYMOUS[topic]:
        return told
    wrong = [
        _too_long(name)
        for name, longest in LONGEST.items()
        if len(getattr(told, name)) > longest or not _can_be_read(getattr(told, name))
    ]
    email = (to_email(told.email) or "") if told.email else ""
    phone = (typed_number(told.phone) or "") if told.phone else ""
    code = _parsed(told.codice_fiscale, wrong)
    if told.email and not email:
        wrong.append(InvalidError("L'indirizzo e-mail non è valido: ricontrollalo.", field="email"))
    if told.phone and not phone:
        wrong.append(InvalidError("Il numero di telefono non è valido: ricontrollalo.", field="phone"))
    if not ANONYMOUS[topic]:
        wrong += _needs_a_name(told)
    _raise(wrong)
    return replace(told, email=email, phone=phone, codice_fiscale=code)


def kept(values: Mapping[str, str]) -> Told:
    """What was kept of a draft."""
    return Told(**{one.name: values.get(one.name, "") for one in fields(Told)})


def stage(state: State, outcome: Outcome | None, *, rests: PauseReason | None) -> Stage:
    """How far a case is, in the words of whoever sent it. `rests`: why its terms do."""
    if outcome is Outcome.WITHDRAWN:
        return Stage.WITHDRAWN
    if outcome is Outcome.REDIRECTED:
        return Stage.REDIRECTED
    if state in {State.CLOSED, State.AT_GESTIONALE}:
        return Stage.ANSWERED if outcome is not None else Stage.CLOSED
    if rests is PauseReason.PAPERS_MISSING:
        return Stage.PAPERS
    if rests is not None:
        return Stage.RESTS
    return Stage.RECEIVED if state is State.RECEIVED else Stage.WORKING


def answer_due(terms: Iterable[tuple[TermKind, datetime | None]]) -> datetime | None:
    """When he is to have his answer, of the terms that run; none where none of them is that."""
    due = {kind: at for kind, at in terms if at is not None}
    return next((due[kind] for kind in _ANSWERS if kind in due), None)


def may_withdraw(state: State) -> bool:
    """Until it is decided upon, whoever sent it may take it back."""
    return state in {State.RECEIVED, State.WORKING}


def shows_answer(*, of_a_file: bool) -> bool:
    """Whether the code shows what was answered. Of a taxpayer's file it does not: nobody knows who holds the code."""
    return not of_a_file


def _needs_a_name(told: Told) -> list[InvalidError]:
    wrong = []
    if not told.surname:
        wrong.append(InvalidError("Scrivi il cognome, o il nome della società.", field="surname"))
    if not told.codice_fiscale:
        wrong.append(InvalidError("Per questa richiesta serve il codice fiscale.", field="codice_fiscale"))
    if not told.email and not told.phone:
        wrong.append(InvalidError("Lascia un'e-mail o un numero di telefono, per avere la risposta.", field="email"))
    return wrong


def _parsed(text: str, wrong: list[InvalidError]) -> str:
    if not text:
        return ""
    try:
        return parse_codice_fiscale(text)
    except InvalidError:
        wrong.append(InvalidError("Il codice fiscale non è valido: ricontrollalo.", field="codice_fiscale"))
        return ""


def _lines(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def _can_be_read(text: str) -> bool:
    return all(line.isprintable() for line in text.splitlines())


def _too_long(field: str) -> InvalidError:
    return InvalidError("È troppo lungo, o ha caratteri che non si possono scrivere.", field=field)


def _raise(wrong: list[InvalidError]) -> None:
    if wrong:
        raise InvalidError("Qualcosa va ricontrollato.", parts=wrong)
