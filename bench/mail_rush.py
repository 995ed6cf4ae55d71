"""A thousand mails at once in a mailbox on a real Dovecot, two engines that may read it, the one that does is killed.

Counted are, in the database: how many mails were taken, which of them twice, and how many acknowledgements are owed.
The lease of the killed one, which lasts two minutes, is ended at once.
"""

import time
from collections import Counter

import psycopg

from bench.mail_letters import mail, told
from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result
from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core import secrecy
from crm.core.db import Database, Scope
from telephony.mail import boxes
from tests.dovecot import running
from web.run import claims

MANY, QUICK = 1_000, 100
PATIENCE_S = 600
ONCE = "SELECT message_id FROM mail WHERE inbound"
OWED = "SELECT cause FROM message WHERE template = 'mail_received'"


def measure(place: Place, options: Options) -> list[Result]:
    """From the first mail that is taken to the last, without the while in which nobody reads."""
    many = QUICK if options.quick else MANY
    centre = place.centre("rush")
    with running() as server:
        maildir = server.mailbox()
        maildir.deliver(*(mail(number) for number in range(many)))
        _open(centre, server.port, maildir.user)
        environ = [{**centre.environ, "FILODIRETTO_METRICS_PORT": str(claims.free_port())} for _ in range(2)]
        first = place.start("engine", "web.cli", "engine", environ=environ[0])
        place.wait(first, lambda: _taken(centre) > 0, PATIENCE_S)
        began = time.monotonic()
        second = place.start("engine", "web.cli", "engine", environ=environ[1])
        place.wait(second, lambda: _taken(centre) >= many // 2, PATIENCE_S)
        seconds = time.monotonic() - began
        first.kill()  # SIGKILL, with a mail in its hands
        with psycopg.connect(place.postgres.dsn(centre.name), autocommit=True) as connection:
            connection.execute("UPDATE mailbox SET leased_until = now()")
        half = _taken(centre)
        place.wait(second, lambda: _taken(centre) > half, PATIENCE_S)
        began = time.monotonic()
        place.wait(second, lambda: _taken(centre) >= many, PATIENCE_S)
        seconds += time.monotonic() - began
        place.stop(first, second)
    counted = Counter(str(row[0]) for row in centre.query(ONCE))
    owed = Counter(str(row[0]) for row in centre.query(OWED))
    twice = sum(n > 1 for n in (*counted.values(), *owed.values()))
    rate = many / seconds
    good = len(counted) == len(owed) == many and not twice
    what = f"{many:,} mails at once from Dovecot, two engines, one killed midway"
    said = f"{rate:,.0f}/s, {len(counted):,} taken, {len(owed):,} acknowledged, {twice} twice"
    centre.close()
    return [Result(what, "each once", "–", said, "", good, {"rate": rate, "twice": twice})]


def _open(centre: Centre, port: int, user: str) -> None:
    settings = centre.settings
    sealed = secrecy.from_settings(settings)
    database = Database(settings.database_url, settings.database_routing_url, pool_size=2, secrecy=sealed)
    by = Principal(centre.cast.sara, "Sara", "it", frozenset({Held(Role.SUPERVISOR, None, centre.cast.contract)}))
    with database.begin(Scope.of_contract(centre.cast.contract)) as session:
        boxes.add(session, by, told(centre, imap_port=port, username=user))
    database.dispose()


def _taken(centre: Centre) -> int:
    return int(centre.query("SELECT count(*) FROM mail WHERE inbound")[0][0])
