"""An invented debt, for trying the self-service in words. Any notice number finds it; PIN and code are `FACTOR`."""

from datetime import date, timedelta

from crm.core.clock import start_of_day
from crm.positions.models import ActKind, NotificationState, PositionState, Tax
from crm.positions.views import PositionView, PrintedView
from telephony.ivr.languages import Language
from telephony.selfservice import prompts, telling
from telephony.selfservice.dialogue import Answer, Request, Want
from telephony.selfservice.prompts import Line

FACTOR = "123456"


def answer(request: Request, today: date, language: Language) -> Answer:
    """What would be answered about it."""
    debt = (_debt(request.notice, today),)
    match request.want:
        case Want.PIN | Want.CODE:
            return Answer(granted=request.keyed == FACTOR)
        case Want.SEND_CODE:
            return Answer(granted=False)
        case Want.PAPER:
            says = telling.printed(debt, request.notice, language)
        case Want.WAYS:
            says = telling.ways(request.notice, (), language)
        case Want.DUE:
            says = telling.due(debt, today, language)
        case Want.INSTALMENTS:
            says = telling.instalments(debt, today, language)
        case Want.NOTIFICATION:
            says = telling.notification(debt, language)
        case Want.LINK:
            says = (prompts.line(Line.LINK_SENT, language),)
    return Answer(granted=True, says=says)


def _debt(notice: str, today: date) -> PositionView:
    issued = today - timedelta(days=30)
    return PositionView(
        id=0, ente_id=0, contact_id=0, reference="", notice_number=notice, tax=Tax.TARI, year=issued.year,
        act_kind=ActKind.AVVISO_PAGAMENTO, act_number="1", state=PositionState.TO_PAY, state_on=None, state_note=None,
        tax_cents=12_350, sanctions_cents=0, interest_cents=0, costs_cents=0, paid_cents=0, residual_cents=12_350,
        issued_on=issued, due_on=today + timedelta(days=30), notification=NotificationState.NOTIFIED,
        notified_on=issued + timedelta(days=9), notification_note=None, payments=(), instalments=(),
        as_of=start_of_day(today), printed=PrintedView(12_350, today + timedelta(days=30)),
    )  # fmt: skip
