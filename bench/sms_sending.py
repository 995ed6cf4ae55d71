"""What engine and worker do about a campaign's messages, on a weekday at ten: `python -m bench.sms_sending owe|send`.

SMS leave in certain hours alone, and a measurement runs at any: these processes' clock is moved, not the rules.
"""

import sys
import time
from datetime import UTC, datetime, timedelta

from crm.core import jobs
from crm.core.db import Database, Scope
from crm.core.settings import load_settings
from crm.enti import queries as enti
from crm.messages import bulk, outbox
from outbound.messages.sending import Sender, before_leaving
from telephony.calls.addresses import Addresses
from telephony.messages.delivery import Delivery
from web.migrations import tables
from web.wiring import carrier_of

TEN = datetime(2026, 11, 24, 9, tzinfo=UTC)  # a Tuesday, in Rome
PAUSE_S = 0.1


def main(role: str, began: float) -> None:
    """Do it until somebody ends it. `began`: when the measurement did, as a Unix time."""
    assert tables.METADATA.tables
    settings = load_settings()
    database = Database(
        settings.database_url, settings.database_routing_url, pool_size=4,
        clock=lambda: TEN + timedelta(seconds=time.time() - began),
    )  # fmt: skip
    addresses = Addresses(settings.public_url)
    if role == "owe":
        sender = Sender(database, addresses)
        while True:
            sender.send_all()
            time.sleep(PAUSE_S)
    delivery = Delivery(carrier_of(settings), None, addresses, before=before_leaving)
    runners = {bulk.DELIVER: delivery.runner_of_many(), outbox.DELIVER: delivery.runner()}
    with database.begin(Scope.nothing()) as session:
        scope = Scope.of_enti(enti.served(session))
    while True:
        with database.begin(scope) as session:
            due = jobs.due(session)
        done = [jobs.run(database, runners, job_id=job_id, ente_id=ente_id) for job_id, ente_id in due]
        if not any(done):
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
