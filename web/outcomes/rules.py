"""What a campaign sets of its outcomes, in the form of its plan."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from crm.core.errors import InvalidError
from outbound.outcomes.catalogue import ALWAYS, CATALOGUE, WAITS, OutcomeRules, Said

MILLS = 1000  # of a euro
OPTIONAL = tuple(one for one in Said if one not in ALWAYS)


def shown(rules: OutcomeRules) -> dict[str, Any]:
    """What the form has in it."""
    price = "" if rules.minute_mills is None else f"{Decimal(rules.minute_mills) / MILLS:f}".replace(".", ",")
    return {
        "rules": rules, "minute_price": price, "optional": OPTIONAL,
        "waits": [(one, rules.waits.get(one, CATALOGUE[one].wait_days)) for one in WAITS],
    }  # fmt: skip


def written(fields: Mapping[str, str], was: OutcomeRules, wrong: list[InvalidError]) -> OutcomeRules:
    """The rules as the form has them; what cannot be read is added to `wrong`. Unchanged where the form has none."""
    if "promise_days" not in fields:
        return was

    def whole(name: str, usual: int) -> int:
        text = fields.get(name, "").strip()
        if text.isascii() and text.isdecimal() and len(text) < 4:
            return int(text)
        if text:
            wrong.append(InvalidError("Scrivi un numero intero.", field=name))
        return usual

    waits = {one: whole(f"wait-{one}", CATALOGUE[one].wait_days) for one in WAITS}
    return replace(
        was, promise_days=whole("promise_days", was.promise_days), grace_days=whole("grace_days", was.grace_days),
        waits={one: days for one, days in waits.items() if days != CATALOGUE[one].wait_days},
        off=tuple(one for one in OPTIONAL if not fields.get(f"said-{one}")),
        minute_mills=_price(fields.get("minute_price", ""), wrong),
    )  # fmt: skip


def _price(text: str, wrong: list[InvalidError]) -> int | None:
    text = text.strip().replace(",", ".")
    if not text:
        return None
    try:
        mills = Decimal(text) * MILLS if len(text) < 10 else Decimal("NaN")
    except InvalidOperation:
        mills = Decimal("NaN")
    if not mills.is_finite() or mills < 0 or mills != mills.to_integral_value():
        wrong.append(
            InvalidError("Scrivi un prezzo in euro, come 0,045: al massimo tre decimali.", field="minute_price")
        )
        return None
    return int(mills)
