"""Telling the carrier where our numbers lead."""

from sqlalchemy import select

from crm.core.db import Database, Scope
from telephony.calls.addresses import Addresses
from telephony.carriers.port import Carrier
from telephony.lines.models import PhoneLine


class Provisioner:
    """Points every line of ours, at the carrier, to this installation."""

    def __init__(self, database: Database, carrier: Carrier, addresses: Addresses) -> None:
        self._database = database
        self._carrier = carrier
        self._addresses = addresses

    def run(self) -> int:
        """Provision all lines; returns how many. Raises `CarrierError`."""
        with self._database.begin(Scope.across_enti()) as session:
            lines = session.execute(select(PhoneLine.number, PhoneLine.label)).all()
        for number, label in lines:
            self._carrier.provision(
                number,
                voice_url=self._addresses.voice(),
                status_url=self._addresses.status(),
                message_url=self._addresses.texts(),
                label=label,
            )
        return len(lines)
