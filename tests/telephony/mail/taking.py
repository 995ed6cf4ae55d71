"""A process that takes what comes to a mailbox, until somebody kills it: `database url, folder, mailbox, contract`."""

import sys
import threading
from pathlib import Path
from uuid import UUID, uuid4

from crm.core.db import Database
from crm.core.secrecy import Secrecy
from crm.documents.store import FolderStore
from telephony.mail.fetching import Fetcher


def keep_taking(fetcher: Fetcher, mailbox_id: int, contract_id: int, who: UUID, stop: threading.Event) -> None:
    """Read it whenever nobody else does."""
    while not stop.wait(0.02):
        leased = fetcher.lease(mailbox_id, contract_id, who)
        if leased is not None:
            with fetcher.opened(leased) as inbox:
                fetcher.round(leased, inbox)
            fetcher.release(leased)


if __name__ == "__main__":
    url, folder, *numbers = sys.argv[1:]
    database = Database(url, url, pool_size=2, secrecy=Secrecy(bytes(32)))
    mailbox, contract = map(int, numbers)
    keep_taking(Fetcher(database, FolderStore(Path(folder))), mailbox, contract, uuid4(), threading.Event())
