"""The office of campaigns with a press: letters are laid out as their words, a page for itself and one each notice."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from crm.core import jobs
from crm.core.jobs import Runner
from crm.documents.privacy import FORGET, forgetter
from crm.documents.store import FolderStore
from outbound.campaigns.plan import Channel, Phase, Plan, Step
from outbound.letters import making, queries, returning, service, settling, withdrawing
from outbound.letters.models import Letter
from outbound.letters.postage import Prices, Weight
from outbound.letters.printed import Printed
from outbound.letters.usual import USUAL
from tests.cast import EMPOLI_LINE, add_contact, add_position
from tests.outbound.test_campaigns import Office

PRICES = Prices(3, 12, {Weight.G20: 95, Weight.G50: 240})
LETTERS = Plan(
    steps=(Step(Channel.LETTER), Step(Channel.CALL, 10)), letters=USUAL, line=EMPOLI_LINE, queue_id=1,
    scripts={Phase.PERSONAL: "La chiamo."}, fresh_hours=720,
)  # fmt: skip


class Press(Office):
    """Made letters are files in a folder. `broken_at`: how many are laid out before the power goes; none: it stays."""

    store: FolderStore
    broken_at: int | None = None
    laid_out = 0

    def typeset(self, said: Mapping[str, Any], at: datetime) -> Printed:
        if self.laid_out == self.broken_at:
            raise KeyboardInterrupt
        self.laid_out += 1
        return Printed(json.dumps([said, at.isoformat()], sort_keys=True).encode(), 1 + len(said["notices"]))

    def runners(self) -> dict[str, Runner]:
        return {
            service.MAKE: making.maker(self.store, self.typeset), service.SETTLE: settling.SETTLER,
            service.CHECK: withdrawing.CHECKER, returning.APPLY: returning.APPLIER, FORGET: forgetter(self.store),
        }  # fmt: skip

    def jobs_done(self) -> None:
        while due := self.work(jobs.due):
            for job_id, ente_id in due:
                jobs.run(self.database, self.runners(), job_id=job_id, ente_id=ente_id)

    def people(self, count: int) -> list[int]:
        """So many who owe Empoli 812 euro, each with a notice."""

        def make(session: Any) -> list[int]:
            made = []
            for n in range(count):
                one = add_contact(session, self.cast.empoli, f"VRDLCU70A41D{n:03d}W", "VERDI", f"N{n}", None)
                add_position(session, self.cast.empoli, one, f"P-{n}", "301000000000012373")
                made.append(one)
            return made

        return list(self.work(make))

    def ask(self, campaign: int, **about: Any) -> int:
        of = {"campaign_id": campaign, "prices": PRICES, "duplex": True} | about
        return int(self.work(lambda s: service.ask(s, self.sara, **of)))

    def batch(self, batch_id: int) -> Any:
        return self.work(lambda s: queries.batch(s, batch_id))

    def letters(self, batch_id: int) -> list[Letter]:
        def look(session: Any) -> list[Letter]:
            rows = list(session.scalars(select(Letter).where(Letter.batch_id == batch_id).order_by(Letter.number)))
            session.expunge_all()
            return rows

        return list(self.work(look))

    def sent(self, campaign: int) -> int:
        """A batch that was made and handed over."""
        batch = self.ask(campaign)
        self.jobs_done()
        self.work(lambda s: service.hand_over(s, self.sara, batch_id=batch, to="Tipografia Arno"))
        self.jobs_done()
        return batch

    def read(self, path: Path, text: str) -> int:
        path.write_text(text)
        of = {"ente_id": self.cast.empoli, "name": "esiti.csv", "path": path}
        return int(self.work(lambda s: returning.receive(s, self.sara, **of)))
