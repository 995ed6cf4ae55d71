"""Invented debts, each coherent with itself: a paid one has payments, a fermo follows an unpaid act."""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from crm.positions.models import ActKind, NotificationState, PositionState, Tax
from crm.positions.notice import check_digits
from web.demo import histories

STATES = {
    PositionState.TO_PAY: 22, PositionState.OVERDUE: 20, PositionState.PARTLY_PAID: 7, PositionState.PAID: 24,
    PositionState.IN_INSTALMENTS: 8, PositionState.SUSPENDED: 3, PositionState.ANNULLED: 2,
    PositionState.RELIEVED: 2, PositionState.FERMO: 4, PositionState.IPOTECA: 1, PositionState.PIGNORAMENTO: 3,
    PositionState.IN_LITIGATION: 2, PositionState.INSOLVENCY: 2,
}  # fmt: skip
TAXES = {Tax.TARI: 48, Tax.IMU: 22, Tax.SANZIONI_CDS: 16, Tax.SERVIZI_SCOLASTICI: 8, Tax.CANONE_UNICO: 6}
AMOUNTS = {  # euro of tax, from and to
    Tax.TARI: (85, 520), Tax.IMU: (140, 2600), Tax.CANONE_UNICO: (60, 1900), Tax.SANZIONI_CDS: (42, 345),
    Tax.SERVIZI_SCOLASTICI: (120, 780),
}  # fmt: skip
ENFORCED = {PositionState.FERMO, PositionState.IPOTECA, PositionState.PIGNORAMENTO}
CHANNELS = ("pagoPA", "pagoPA", "pagoPA", "F24", "bonifico", "sportello")
SUSPENSIONS = ("istanza di annullamento in esame", "verifica dei versamenti", "richiesta di rettifica della superficie")
ANNULMENTS = ("autotutela: immobile già venduto", "autotutela: avviso duplicato", "errore di persona")
RELIEFS = ("sgravio per versamento già eseguito", "sgravio per agevolazione ISEE", "sgravio su sentenza")


@dataclass(slots=True)
class Debts:
    """Draws debts of one ente from a seed, in the words of the feed."""

    dice: random.Random
    today: date
    segregation: str
    _count: int = field(default=0)

    def of(self, codice_fiscale: str, *, is_company: bool) -> dict[str, Any]:
        """A position of this taxpayer."""
        self._count += 1
        dice = self.dice
        state = _drawn(dice, STATES)
        if state is PositionState.INSOLVENCY and not is_company and dice.random() < 0.8:
            state = PositionState.OVERDUE
        tax = Tax.IMU if state is PositionState.IPOTECA else _drawn(dice, TAXES)
        act = self._act(state)
        issued, due, notification = self._dates(state, act)
        amounts = self._amounts(tax, act, state)
        total = sum(amounts.values())
        record = {
            "record": "position", "reference": f"{tax.value.upper()}-{issued.year}-{self._count:06d}",
            "codice_fiscale": codice_fiscale, "notice_number": self._notice_number(), "tax": tax.value,
            "year": issued.year - (0 if act is ActKind.AVVISO_PAGAMENTO else dice.randint(1, 3)),
            "act_kind": act.value, "act_number": f"{issued.year}/{self._count}", "state": state.value,
            "issued_on": issued.isoformat(), "due_on": due.isoformat(), **notification,
        }  # fmt: skip
        record |= self._standing(state, total, issued, due)
        paid = sum(payment["amount"] for payment in record.get("payments", []))
        residual = 0 if state in {PositionState.ANNULLED, PositionState.RELIEVED} else total - paid
        record["amounts"] = {name: _euro(cents) for name, cents in amounts.items()}
        record["amounts"] |= {"paid": _euro(paid), "residual": _euro(residual)}
        asked = total - amounts.get("interest", 0)  # which grows only later
        record["printed"] = {"amount": _euro(asked), "due_on": due.isoformat()}
        record["acts"] = histories.acts(dice, record)
        if told := histories.steps(dice, record, self.today):
            record["steps"] = told
        if state is PositionState.IN_INSTALMENTS:
            record["plan"] = histories.plan(dice, record, self.today)
        for part in (*record.get("payments", []), *record.get("instalments", [])):
            part["amount"] = _euro(part["amount"])
        return record

    def _act(self, state: PositionState) -> ActKind:
        if state in ENFORCED:
            return self.dice.choice((ActKind.INGIUNZIONE, ActKind.INGIUNZIONE, ActKind.ACCERTAMENTO_ESECUTIVO))
        if state is PositionState.IN_LITIGATION:
            return self.dice.choice((ActKind.ACCERTAMENTO_ESECUTIVO, ActKind.INGIUNZIONE))
        return self.dice.choices(list(ActKind), weights=(50, 20, 18, 12))[0]

    def _dates(self, state: PositionState, act: ActKind) -> tuple[date, date, dict[str, Any]]:
        """Issued, due, and how the notification went. Acts are payable within 60 days (L. 160/2019, c. 792)."""
        dice = self.dice
        if state is PositionState.TO_PAY:
            issued = self.today - timedelta(days=dice.randint(3, 25))
            sent = self._notification(issued, act, fresh=True)
            return issued, self.today + timedelta(days=dice.randint(4, 75)), sent
        oldest = 400 if state in ENFORCED else 150
        issued = self.today - timedelta(days=dice.randint(oldest, 1500))
        must_arrive = state in ENFORCED | {PositionState.IN_LITIGATION}
        notification = self._notification(issued, act, fresh=False, must_arrive=must_arrive)
        return issued, issued + timedelta(days=dice.randint(85, 120)), notification

    def _notification(self, issued: date, act: ActKind, *, fresh: bool, must_arrive: bool = False) -> dict[str, Any]:
        dice = self.dice
        notified = {
            "notification": NotificationState.NOTIFIED.value,
            "notified_on": (issued + timedelta(days=dice.randint(2 if fresh else 6, 3 if fresh else 28))).isoformat(),
        }
        chance = dice.random()
        if must_arrive:
            return notified
        if act is ActKind.AVVISO_PAGAMENTO and chance < 0.55:  # sent by ordinary mail, not notified
            state = NotificationState.NOT_SENT if fresh and chance < 0.1 else NotificationState.SENT
            return {"notification": state.value}
        if chance > 0.93:
            note = dice.choice(histories.FAILURES)
            return {"notification": NotificationState.FAILED.value, "notification_note": note}
        return notified

    def _amounts(self, tax: Tax, act: ActKind, state: PositionState) -> dict[str, int]:
        """Cents by component. A mortgage needs a debt above 20,000 euro (d.P.R. 602/1973, art. 77)."""
        low, high = (21_000, 64_000) if state is PositionState.IPOTECA else AMOUNTS[tax]
        base = self.dice.randint(low * 100, high * 100)
        if act is ActKind.AVVISO_PAGAMENTO:
            return {"tax": base, "sanctions": 0, "interest": 0, "costs": 0}
        sanctions = 0 if act is ActKind.SOLLECITO or tax is Tax.SANZIONI_CDS else base * 30 // 100
        interest = base * self.dice.randint(5, 60) // 1000
        costs = self.dice.choice((588, 874, 1162)) if act is not ActKind.SOLLECITO else 110
        return {"tax": base, "sanctions": sanctions, "interest": interest, "costs": costs}

    def _standing(self, state: PositionState, total: int, issued: date, due: date) -> dict[str, Any]:
        dice = self.dice
        yesterday = self.today - timedelta(days=1)
        since = min(due + timedelta(days=dice.randint(60, 240)), yesterday)
        if state in {PositionState.TO_PAY, PositionState.OVERDUE}:
            return {}
        if state is PositionState.PAID:
            day = min(issued + timedelta(days=dice.randint(5, 140)), yesterday)
            return {"state_on": day.isoformat(), "payments": [self._payment(day, total)]}
        if state is PositionState.PARTLY_PAID:
            return {"payments": [self._payment(since, total * dice.randint(15, 80) // 100)]}
        if state is PositionState.IN_INSTALMENTS:
            return self._plan(total, since)
        return {"state_on": since.isoformat(), "state_note": self._note(state, since)}

    def _note(self, state: PositionState, since: date) -> str:
        dice = self.dice
        notes = {
            PositionState.SUSPENDED: SUSPENSIONS, PositionState.ANNULLED: ANNULMENTS, PositionState.RELIEVED: RELIEFS,
            PositionState.PIGNORAMENTO: ("presso il datore di lavoro", "presso la banca"),
            PositionState.FERMO: (f"veicolo targato {_plate(dice)}",),
            PositionState.IPOTECA: (f"foglio {dice.randint(1, 90)}, particella {dice.randint(1, 900)}",),
            PositionState.IN_LITIGATION: (
                f"Corte di giustizia tributaria, R.G. {dice.randint(40, 900)}/{since.year}",
            ),
            PositionState.INSOLVENCY: (f"liquidazione giudiziale n. {dice.randint(1, 90)}/{since.year}",),
        }  # fmt: skip
        return dice.choice(notes[state])

    def _plan(self, total: int, granted: date) -> dict[str, Any]:
        dice = self.dice
        count = 4 if total <= 50_000 else dice.choice((6, 8, 10, 12)) if total <= 300_000 else 18
        started = max(granted, self.today - timedelta(days=30 * (count - 1)))
        missed = dice.choice((0, 0, 0, 1, 2))
        dues = [started + timedelta(days=30 * index) for index in range(count)]
        past = sum(day < self.today for day in dues)
        honoured = max(0, min(past, count - 1) - missed)
        cents = [total // count] * (count - 1) + [total - total // count * (count - 1)]
        rates, payments = [], []
        for index, (day, amount) in enumerate(zip(dues, cents, strict=True)):
            rate: dict[str, Any] = {"number": index + 1, "due_on": day.isoformat(), "amount": amount}
            if index >= honoured:
                rate["notice_number"] = self._notice_number(index + 1)
            else:
                paid_on = min(day + timedelta(days=dice.randint(-6, 4)), self.today)
                rate["paid_on"] = paid_on.isoformat()
                payments.append(self._payment(paid_on, amount))
            rates.append(rate)
        return {"state_on": granted.isoformat(), "instalments": rates, "payments": payments}

    def _payment(self, day: date, cents: int) -> dict[str, Any]:
        registered_on = min(day + timedelta(days=cents % 12), self.today)
        return {
            "paid_on": day.isoformat(), "amount": cents, "channel": self.dice.choice(CHANNELS),
            "registered_on": registered_on.isoformat(),
        }  # fmt: skip

    def _notice_number(self, rate: int = 0) -> str:
        # Unpredictable within its ente, but never repeated: count and rate are the last part of the number's base.
        base = f"3{self.segregation}{self.dice.randrange(10**4):04d}{rate:02d}{self._count:07d}"
        return base + check_digits(base)


def _drawn(dice: random.Random, weights: dict[Any, int]) -> Any:
    return dice.choices(list(weights), weights=list(weights.values()))[0]


def _plate(dice: random.Random) -> str:
    letters = "ABCDEFGHJKLMNPRSTVWXYZ"
    return f"{dice.choice('EFG')}{dice.choice(letters)}{dice.randint(100, 999)}{''.join(dice.choices(letters, k=2))}"


def _euro(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
