"""What campaigns hold of a person: that he is in one, when he was called, and when he was written to."""

from crm.core.db import table_of
from crm.privacy.holders import Holder, TableHolder
from outbound.campaigns.models import Attempt, CampaignContact, Look, WrittenAttempt

HOLDERS: tuple[Holder, ...] = (
    TableHolder(table_of(CampaignContact), "Campagne in cui è"),
    TableHolder(
        table_of(Attempt), "Tentativi di chiamarlo", emptied={"number": None},
        why="Resta, senza il numero, che fu chiamato e quando: prova che i limiti sono stati rispettati.",
    ),
    TableHolder(
        table_of(Look), "Chi lo ha avuto davanti per chiamarlo", emptied={"contact_id": None},
        why="Resta, senza dire di chi, quando un operatore ha chiesto il prossimo: le ore di lavoro si contano da qui.",
    ),
    TableHolder(
        table_of(WrittenAttempt), "Messaggi e lettere delle campagne", emptied={"address": None},
        why="Resta, senza l'indirizzo, che gli fu scritto e quando: prova che i limiti sono stati rispettati.",
    ),
)  # fmt: skip
