"""What has arrived since a file was opened. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from crm.positions.views import PaymentView, PositionView


def seen(payments: Mapping[int, Iterable[PaymentView]]) -> dict[str, list[str]]:
    """The payments of each position, as they are kept with the opening."""
    return {str(position_id): [_mark(paid) for paid in some] for position_id, some in payments.items()}


def arrived(position: PositionView, before: Mapping[str, Sequence[str]]) -> tuple[PaymentView, ...]:
    """The payments of a position that were not there when the file was opened; none of a debt that was not either."""
    if str(position.id) not in before:
        return ()
    known = Counter(before[str(position.id)])
    new = []
    for paid in position.payments:
        if known[_mark(paid)] > 0:
            known[_mark(paid)] -= 1
        else:
            new.append(paid)
    return tuple(new)


def _mark(paid: PaymentView) -> str:
    return f"{paid.paid_on.isoformat()}/{paid.cents}"
