"""What one letter says: the letter itself and a payment notice for each notice number. Pure.

pagoPA, "Guida tecnica sugli avvisi di pagamento", Allegato 2: the notice number in groups of four, the object of at
most 90 characters, the QR code of 25 mm, the fixed texts of where to pay. A notice that is late shows no due date, as
the variant without one. Where the ente has a postal account and Poste's leave, its bulletin follows (`bulletin.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from crm.positions.models import PositionState
from crm.positions.payable import payable_now, qr_content
from crm.positions.speech import ACT_NAMES, TAX_NAMES, euro, when
from crm.positions.summary import live_rates
from crm.positions.views import PositionView
from outbound.campaigns.plan import Phase
from outbound.letters import bulletin
from outbound.letters.address import Addressee
from outbound.letters.bulletin import Postal
from outbound.letters.wording import Field, LetterText, filled, paragraphs

LONGEST_OBJECT, LONGEST_ENTE, LONGEST_NAME = 90, 100, 70  # pagoPA, Allegato 2


@dataclass(frozen=True, slots=True)
class Sender:
    """The ente in whose name the letter is written. `back`: where it returns to if nobody takes it."""

    name: str
    codice_fiscale: str
    back: tuple[str, ...] = ()
    sector: str = ""
    cbill: str = ""
    line: str = ""  # as people dial it
    hours: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    privacy: str = ""
    postal: Postal | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is asked for: a notice, or a late instalment."""

    what: str  # TARI 2023
    act: str
    due_on: date | None
    late: bool
    cents: int
    notice_number: str | None
    position_id: int

    @property
    def object(self) -> str:
        """What is paid, as the notice says it: a capital first, at most 90 characters."""
        words = f"{self.what}, {self.act}"
        words = words if len(words) <= LONGEST_OBJECT else f"{words[: LONGEST_OBJECT - 1]}…"
        return words[0].upper() + words[1:]


@dataclass(frozen=True, slots=True)
class Facts:
    """What one letter is about."""

    code: str
    phase: Phase
    text: LetterText
    day: date
    until: date | None
    sender: Sender
    to: Addressee
    items: tuple[Item, ...]

    @property
    def cents(self) -> int:
        """All that is asked for."""
        return sum(one.cents for one in self.items)


def asked(positions: Iterable[PositionView], phase: Phase, today: date) -> tuple[Item, ...]:
    """What a letter may ask for, the most urgent first.

    Never what is settled, suspended, in an insolvency or in litigation, nor the next rate of a plan that is kept; a
    solicitation asks for what is late alone (or has no date of its own, once the ente's is over).
    """
    found = [item for one in positions if one.state is not PositionState.IN_LITIGATION for item in _items(one, today)]
    if phase is Phase.PERSONAL:
        found = [one for one in found if one.late or one.due_on is None]
    return tuple(sorted(found, key=lambda one: (not one.late, one.due_on or date.max, one.what, one.position_id)))


def written(facts: Facts) -> dict[str, Any]:
    """All words of the letter as they are laid out, as JSON."""
    sender, to = facts.sender, facts.to
    values = {
        Field.NAME: to.name, Field.ENTE: sender.name, Field.TAXES: _series(dict.fromkeys(i.what for i in facts.items)),
        Field.AMOUNT: euro(facts.cents), Field.NOTICES: _count(facts.items), Field.LINE: sender.line,
        Field.UNTIL: when("", facts.until).strip(),
    }  # fmt: skip
    payable = [one for one in facts.items if one.notice_number]
    return {
        "code": facts.code, "ente": sender.name, "sector": sender.sector, "back": list(sender.back),
        "to": list(to.lines), "day": when("", facts.day).strip(),
        "subject": filled(facts.text.subject, values), "paragraphs": paragraphs(filled(facts.text.body, values)),
        "rows": [_row(one) for one in facts.items], "total": euro(facts.cents),
        "how": _how(payable, len(facts.items), sender), "call": _call(sender), "privacy": sender.privacy,
        "footer": f"{sender.name} – codice fiscale {sender.codice_fiscale}",
        "notices": [_notice(one, facts) for one in payable],
    }  # fmt: skip


def grouped(notice_number: str) -> str:
    """The digits in groups of four, as they are printed."""
    return " ".join(notice_number[at : at + 4] for at in range(0, len(notice_number), 4))


def _items(position: PositionView, today: date) -> Iterable[Item]:
    act = f"{ACT_NAMES[position.act_kind][0].lower()} n. {position.act_number}"
    rates = bool(live_rates(position))
    for one in payable_now(position, today):
        if rates and not one.late:
            continue  # a plan that is kept: its next rate needs no letter
        rate = f", rata {one.instalment} di {one.instalments}" if one.instalment else ""
        what = f"{TAX_NAMES[position.tax]} {position.year}"
        yield Item(what, f"{act}{rate}", one.due_on, one.late, one.cents, one.notice_number, position.id)


def _row(item: Item) -> dict[str, Any]:
    day = f"{item.due_on:%d/%m/%Y}" if item.due_on else "–"
    return {
        "what": item.what, "act": item.act, "notice": grouped(item.notice_number) if item.notice_number else "–",
        "due": f"scaduto il {day}" if item.late and item.due_on else day, "euro": _number(item.cents),
    }  # fmt: skip


def _notice(item: Item, facts: Facts) -> dict[str, Any]:
    sender, number = facts.sender, item.notice_number or ""
    return {
        "object": item.object, "number": grouped(number), "euro": _number(item.cents),
        "until": f"{item.due_on:%d/%m/%Y}" if item.due_on and not item.late else "",
        "ente": sender.name[:LONGEST_ENTE], "ente_code": sender.codice_fiscale, "cbill": sender.cbill,
        "sector": sender.sector, "name": facts.to.name[:LONGEST_NAME], "name_code": facts.to.codice_fiscale,
        "lines": list(facts.to.lines[1:]),
        "qr": qr_content(notice_number=number, codice_fiscale=sender.codice_fiscale, cents=item.cents),
        "bulletin": _bulletin(item, facts, sender.postal) if sender.postal else None,
    }  # fmt: skip


def _bulletin(item: Item, facts: Facts, postal: Postal) -> dict[str, Any]:
    ente_code, to, number = facts.sender.codice_fiscale, facts.to, item.notice_number or ""
    return {
        "account": postal.account, "holder": postal.holder.upper(), "permit": postal.permit,
        "name": to.name[: bulletin.PRINTED_NAME].upper(), "object": item.object[: bulletin.PRINTED_OBJECT].upper(),
        "kind": bulletin.PAYMENT,
        "matrix": bulletin.matrix(
            notice_number=number, account=postal.account, cents=item.cents, ente_code=ente_code,
            payer_code=to.codice_fiscale, name=to.name, what=item.object,
        ),
    }  # fmt: skip


def _how(payable: Sequence[Item], items: int, sender: Sender) -> list[str]:
    said = []
    if payable:
        said.append(
            "Per pagare usi l'avviso pagoPA allegato: inquadri il codice QR con l'app IO o con l'app della sua banca, "
            "oppure lo porti in banca, in ricevitoria, dal tabaccaio o al Bancomat."
            if len(payable) == 1
            else f"Per pagare usi i {len(payable)} avvisi pagoPA allegati, uno per ogni somma: inquadri il codice QR "
            "con l'app IO o con l'app della sua banca, oppure li porti in banca, in ricevitoria, dal tabaccaio o al "
            "Bancomat."
        )
    if len(payable) < items:
        said.append("Per ciò che non ha un codice avviso ci telefoni: le diciamo come pagare.")
    return [*said, *sender.ways]


def _call(sender: Sender) -> str:
    hours = f" ({'; '.join(sender.hours)})" if sender.hours else ""
    return (
        f"Se ha già pagato, se qualcosa non le risulta o se vuole chiedere una rateizzazione, ci telefoni: "
        f"{sender.line}{hours}."
        if sender.line
        else ""
    )


def _count(items: Sequence[Item]) -> str:
    return "un avviso" if len(items) == 1 else f"{len(items)} avvisi"


def _series(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} e {last}" if first else last


def _number(cents: int) -> str:
    return euro(cents).removesuffix(" euro")
