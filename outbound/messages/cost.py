"""What messages take and cost. Pure. Prices and costs are ten-thousandths of a euro: an SMS costs 0,0365 €."""

from collections.abc import Iterable
from dataclasses import dataclass

from crm.messages.segments import measured
from outbound.compliance.rules import Written

UNIT = 10_000  # of a euro
CENT = UNIT // 100


@dataclass(frozen=True, slots=True)
class Tally:
    """So many messages, in so many parts (segments of SMS), for so much."""

    messages: int = 0
    parts: int = 0
    cost: int = 0

    @property
    def cents(self) -> int:
        """The cost, rounded up to a cent."""
        return -(-self.cost // CENT)

    def times(self, share: float) -> "Tally":
        """Of so many times as many people."""
        return Tally(round(self.messages * share), round(self.parts * share), round(self.cost * share))


def parts(body: str, channel: Written) -> int:
    """For how many a message is paid: each segment of an SMS, anything else once."""
    return measured(body).segments if channel is Written.SMS else 1


def tally(bodies: Iterable[str], channel: Written, price: int) -> Tally:
    """Of these messages."""
    counted = [parts(one, channel) for one in bodies]
    return Tally(len(counted), sum(counted), sum(counted) * price)
