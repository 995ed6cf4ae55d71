"""The end of a day at the desks: whoever was not served is no longer waiting, and nobody sits anywhere."""

from functools import partial

from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.enti import queries as enti
from crm.turns import service


def end_days(database: Database) -> int:
    """End the days that are over, of every ente; how many turns were still open."""
    with database.begin(Scope.nothing()) as session:
        served = enti.served(session)
    return total_of_each(
        served, lambda one: database.transact(Scope.of_enti([one]), partial(service.end_days, ente_id=one))
    )
