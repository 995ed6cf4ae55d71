"""What can be paid now of a debt: which notice, how much, and the QR code that pagoPA prescribes. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import segno

from crm.positions.summary import HALTED, is_past_due, live_rates, owed_cents
from crm.positions.views import PositionView

# pagoPA, "L'avviso di pagamento analogico": a QR code of version 4, error correction M, printed 25 mm wide.
QR_VERSION, QR_LEVEL, QR_QUIET_MODULES = 4, "m", 4
MOST_CENTS = 99_999_999_99  # the amount has ten digits at the most


@dataclass(frozen=True, slots=True)
class Payable:
    """A notice or an instalment that can be paid. Without a notice number it is not paid through pagoPA."""

    cents: int
    due_on: date | None
    late: bool
    notice_number: str | None
    instalment: int | None
    instalments: int  # of the plan; none without one


def payable_now(position: PositionView, today: date) -> tuple[Payable, ...]:
    """What the taxpayer may pay today, the most urgent first; nothing of a debt that is settled or halted.

    In an instalment plan it is each late rate and the next one; a plan that lapsed leaves the whole residual.
    """
    if position.state in HALTED or not owed_cents(position):
        return ()
    if live_rates(position):
        return tuple(_rates(position, today))
    late = is_past_due(position, today)
    return (Payable(owed_cents(position), position.due_on, late, position.notice_number, None, 0),)


def qr_content(*, notice_number: str, codice_fiscale: str, cents: int) -> str:
    """What the QR code of a notice says; `codice_fiscale` is that of the ente, which is the creditor."""
    if not 0 < cents <= MOST_CENTS:
        raise ValueError(f"{cents} cents cannot be paid with one notice")
    return f"PAGOPA|002|{notice_number}|{codice_fiscale}|{cents:02d}"


def qr_svg(content: str) -> str:
    """The code as an SVG element with its quiet zone: as large as the style sheet says, and without inline styles."""
    code = segno.make_qr(content, version=QR_VERSION, error=QR_LEVEL, boost_error=False)
    return code.svg_inline(border=QR_QUIET_MODULES, omitsize=True, light="#fff", svgclass="qr", lineclass=None)


def _rates(position: PositionView, today: date) -> Iterable[Payable]:
    unpaid = sorted((one for one in live_rates(position) if one.paid_on is None), key=lambda one: one.due_on)
    late = [one for one in unpaid if one.due_on < today]
    count = len(position.instalments)
    for one in unpaid[: len(late) + 1]:
        if one.cents:
            notice = one.notice_number or (position.notice_number if one.cents == position.residual_cents else None)
            yield Payable(one.cents, one.due_on, one.due_on < today, notice, one.number, count)
