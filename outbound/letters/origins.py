"""Which of the origins a batch is of."""

from outbound.letters import from_campaigns, from_cases
from outbound.letters.origin import Origin


def of(campaign_id: int | None) -> Origin:
    """Of a batch, by its campaign; none: answers to requests."""
    return from_cases if campaign_id is None else from_campaigns
