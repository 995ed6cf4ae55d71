"""The people who call in practice, and what they owe. Nobody: no municipality has the code X999, no mobile the prefix.

What they owe moves with today, so that what is late is late on any day.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crm.positions.models import ActKind, NotificationChannel, NotificationState, PositionState, StepKind, Tax
from crm.positions.views import (
    ActView,
    InstalmentView,
    NotificationView,
    PaymentView,
    PlanView,
    PositionView,
    StepView,
)

ENTE_ID = 0
ENTE = "Comune di Prova"
CREDITOR = "00000000000"  # no codice fiscale: what is scanned cannot be paid


@dataclass(frozen=True, slots=True)
class Invented:
    """Somebody who does not exist."""

    id: int
    name: str
    codice_fiscale: str
    born_on: date
    birthplace: str
    address: str
    phone: str

    @property
    def acts(self) -> frozenset[str]:
        """The numbers that stand on what he received: of the act, and of the notice."""
        return frozenset({f"{self.id}/PROVA", f"{self.id:018d}"})


ROSA = Invented(
    1, "ESEMPI ROSA", "SMPRSO70B41X999R", date(1970, 2, 1), "Prova", "Via degli Esempi 1, Prova", "+393000000001"
)
GINO = Invented(
    2, "FINTI GINO", "FNTGNI64C12X999T", date(1964, 3, 12), "Prova", "Via dei Finti 12, Prova", "+393000000002"
)
BRUNO = Invented(
    3, "INVENTATI BRUNO", "NVNBRN58A15X999K", date(1958, 1, 15), "Prova", "Piazza Inventata 3, Prova", "+393000000003"
)
UGO = Invented(
    4, "FANTASIA UGO", "FNTGUO55H20X999W", date(1955, 6, 20), "Prova", "Viale della Fantasia 8, Prova", "+393000000004"
)
NINO = Invented(
    5, "IPOTESI NINO", "PTSNNI72M08X999D", date(1972, 8, 8), "Prova", "Vicolo Ipotesi 5, Prova", "+393000000005"
)
ADA = Invented(
    6, "SUPPOSTI ADA", "SPPDAA80S55X999B", date(1980, 11, 15), "Prova", "Via dei Supposti 2, Prova", "+393000000006"
)
DARIO = Invented(
    7, "MODELLI DARIO", "MDLDRA77T03X999P", date(1977, 12, 3), "Prova", "Largo dei Modelli 9, Prova", "+393000000007"
)
EVERYBODY = (ROSA, GINO, BRUNO, UGO, NINO, ADA, DARIO)
BY_ID = {one.id: one for one in EVERYBODY}


def found(text: str) -> tuple[Invented, ...]:
    """Those that somebody looks for by name, codice fiscale, telephone, act or notice number; at least three signs."""
    words = text.upper().split()
    joined = "".join(words)
    if len(joined) < 3:
        return ()
    return tuple(one for one in EVERYBODY if all(word in one.name for word in words) or _has_number(one, joined))


def _has_number(one: Invented, joined: str) -> bool:
    return joined in {one.codice_fiscale, one.phone, one.phone.removeprefix("+39"), *one.acts}


def owed_by(person: Invented, today: date, as_of: datetime) -> tuple[PositionView, ...]:
    """What somebody owes, as the collection system would tell it."""
    at = _Told(person, today, as_of)
    match person.id:
        case GINO.id:
            return (at.in_instalments(),)
        case UGO.id:
            return (at.assessed(),)
        case DARIO.id:
            return (at.with_fermo_notice(),)
        case _:
            return (at.to_pay(),)


@dataclass(frozen=True, slots=True)
class _Told:
    person: Invented
    today: date
    as_of: datetime

    def to_pay(self) -> PositionView:
        return self._position(
            Tax.TARI, ActKind.AVVISO_PAGAMENTO, PositionState.TO_PAY, tax=21_450, due=self._on(20), issued=self._on(-40)
        )

    def assessed(self) -> PositionView:
        return self._position(
            Tax.IMU, ActKind.ACCERTAMENTO_ESECUTIVO, PositionState.OVERDUE, tax=64_000, sanctions=14_200,
            interest=3_040, due=self._on(-15), issued=self._on(-110),
        )  # fmt: skip

    def in_instalments(self) -> PositionView:
        due = [self._on(-75 + 30 * rate) for rate in range(5)]
        rates = tuple(
            InstalmentView(number, day, 11_850, day - timedelta(days=2) if number < 3 else None, self._notice)
            for number, day in enumerate(due, start=1)
        )
        payments = tuple(
            PaymentView(one.paid_on, one.cents, "pagoPA", one.notice_number) for one in rates if one.paid_on
        )
        return self._position(
            Tax.TARI, ActKind.SOLLECITO, PositionState.IN_INSTALMENTS, tax=59_250, paid=23_700, due=self._on(-90),
            issued=self._on(-150), payments=payments, instalments=rates,
            plan=PlanView(self._on(-85), None, None, None),
        )  # fmt: skip

    def with_fermo_notice(self) -> PositionView:
        step = StepView(StepKind.FERMO_NOTICE, self._on(-12), None, None, None, None, None)
        return self._position(
            Tax.SANZIONI_CDS, ActKind.INGIUNZIONE, PositionState.OVERDUE, tax=17_300, sanctions=17_300, costs=1_450,
            due=self._on(-30), issued=self._on(-130), steps=(step,),
        )  # fmt: skip

    def _position(
        self, tax_kind: Tax, act_kind: ActKind, state: PositionState, *, tax: int, due: date, issued: date,
        sanctions: int = 0, interest: int = 0, costs: int = 0, paid: int = 0,
        payments: tuple[PaymentView, ...] = (), instalments: tuple[InstalmentView, ...] = (),
        steps: tuple[StepView, ...] = (), plan: PlanView | None = None,
    ) -> PositionView:  # fmt: skip
        number, notified = f"{self.person.id}/PROVA", issued + timedelta(days=12)
        served = NotificationView(
            NotificationChannel.RACCOMANDATA, issued, NotificationState.NOTIFIED, notified, None, None
        )
        return PositionView(
            id=self.person.id, ente_id=ENTE_ID, contact_id=self.person.id, reference=f"PROVA-{self.person.id}",
            notice_number=self._notice, tax=tax_kind, year=issued.year - 1, act_kind=act_kind, act_number=number,
            state=state, state_on=None, state_note=None, tax_cents=tax, sanctions_cents=sanctions,
            interest_cents=interest, costs_cents=costs, paid_cents=paid,
            residual_cents=tax + sanctions + interest + costs - paid, issued_on=issued, due_on=due,
            notification=NotificationState.NOTIFIED, notified_on=notified, notification_note=None, payments=payments,
            instalments=instalments, as_of=self.as_of, acts=(ActView(act_kind, number, issued, (served,)),),
            steps=steps, plan=plan,
        )  # fmt: skip

    @property
    def _notice(self) -> str:
        return f"{self.person.id:018d}"

    def _on(self, days: int) -> date:
        return self.today + timedelta(days=days)
