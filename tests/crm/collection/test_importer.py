"""Importing feeds into PostgreSQL."""

import pytest
from sqlalchemy import select
from crm.collection.importer import import_feed
from crm.collection.models import ImportState, ImportRefusal
from crm.core.db import Scope
from crm.contacts.models import Contact, ContactReach
from crm.positions.models import Position

pytestmark = pytest.mark.integration


def test_a_taxpayer_and_his_debt_are_stored(db, write_feed, records):
    s = import_feed(db, write_feed(records["rossi"], records["tari"], b'{"record":"end","taxpayers":1,"positions":1}'))
    with db.begin(Scope.of_enti([s.ente_id])) as session:
        print([vars(r) for r in session.scalars(select(ImportRefusal))])
        print([vars(r) for r in session.scalars(select(Position))], [(r.kind, r.value) for r in session.scalars(select(ContactReach))])
    assert (s.state, s.failure, s.counts.created) == (ImportState.DONE, None, 2)
    s = import_feed(db, write_feed(records["rossi"], records["tari"], b'{"record":"end","taxpayers":1,"positions":1}'))
    assert s.counts.unchanged == 2
