"""What campaigns hold of a person: that he is in one, and when he was called."""

from crm.core.db import table_of
from crm.privacy.holders import Holder, TableHolder
from outbound.campaigns.models import Attempt, CampaignContact

HOLDERS: tuple[Holder, ...] = (
    TableHolder(table_of(CampaignContact), "Campagne in cui è"),
    TableHolder(
        table_of(Attempt), "Tentativi di chiamarlo", emptied={"number": None},
        why="Resta, senza il numero, che fu chiamato e quando: prova che i limiti sono stati rispettati.",
    ),
)  # fmt: skip
