"""What an answer to a request says as a letter: the ente's letterhead, the request it answers, the words, who signs.
Pure.

No payment notice goes with it; where to call is said, with the number of the request.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from crm.contacts.addresses import Address
from crm.core.errors import InvalidError
from crm.positions.speech import when
from outbound.letters.address import amiss, lines
from outbound.letters.content import Sender
from outbound.letters.wording import LONGEST_SUBJECT

LONGEST_BODY, MOST_LINES, LONGEST_NAME = 2000, 60, 88  # an answer of so many lines weighs no more than 20 grams


@dataclass(frozen=True, slots=True)
class Draft:
    """As somebody writes it. `name`: to whom, as it stands on the letter."""

    name: str
    address: Address
    subject: str
    body: str

    @property
    def lines(self) -> tuple[str, ...]:
        """Of the address, the addressee first."""
        return lines(self.name, self.address)


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that is answered: its number, and those of the ente's protocol, if it has them."""

    label: str
    received_on: date
    protocol: str = ""
    protocol_on: date | None = None


def check(draft: Draft) -> None:
    """Raises `InvalidError` with what is wrong at each field of the form."""
    wrong = amiss(draft.address)
    for field, text, longest in (
        ("name", draft.name, LONGEST_NAME), ("subject", draft.subject, LONGEST_SUBJECT),
        ("body", draft.body, LONGEST_BODY),
    ):  # fmt: skip
        if not text:
            wrong.append(InvalidError("Serve: la lettera non parte senza.", field=field))
        elif len(text) > longest:
            wrong.append(InvalidError(f"Al massimo {longest} caratteri.", field=field))
    if draft.body.count("\n") >= MOST_LINES:
        wrong.append(InvalidError(f"Al massimo {MOST_LINES} righe.", field="body"))
    if wrong:
        raise InvalidError("Qualcosa non va: guarda i campi segnati.", parts=wrong)


def written(
    code: str, sender: Sender, asked: Asked, *, to: tuple[str, ...], subject: str, body: str, day: date
) -> dict[str, Any]:  # fmt: skip
    """All words of the letter as they are laid out, as JSON: those of a letter of a campaign, with nothing to pay."""
    return {
        "code": code, "ente": sender.name, "sector": sender.sector, "back": list(sender.back), "to": list(to),
        "day": when("", day).strip(), "subject": subject, "references": _references(asked),
        "paragraphs": _paragraphs(body), "rows": [], "total": "", "how": [], "call": _call(sender, asked.label),
        "privacy": sender.privacy, "footer": f"{sender.name} – codice fiscale {sender.codice_fiscale}",
        "signature": [one for one in (sender.name, sender.sector) if one], "notices": [],
    }  # fmt: skip


def _references(asked: Asked) -> str:
    words = f"Richiesta n. {asked.label}{when(' del ', asked.received_on)}"
    if not asked.protocol or asked.protocol_on is None:
        return words
    return f"{words}, protocollo n. {asked.protocol}{when(' del ', asked.protocol_on)}"


def _paragraphs(body: str) -> list[str]:
    """What is parted by empty lines; the lines of each stay as they are."""
    found: list[list[str]] = [[]]
    for line in body.splitlines():
        if words := " ".join(line.split()):
            found[-1].append(words)
        elif found[-1]:
            found.append([])
    return ["\n".join(one) for one in found if one]


def _call(sender: Sender, label: str) -> str:
    hours = f" ({'; '.join(sender.hours)})" if sender.hours else ""
    return f"Per questa richiesta ci telefoni: {sender.line}{hours}. Dica il numero {label}." if sender.line else ""
