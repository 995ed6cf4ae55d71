"""Words of names that nobody has any more are forgotten; companies are found as people call them.

The keys of names are computed again, a batch at a time and changed ones alone. The way back leaves them: the next full
feed writes those of the version that reads it.

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op

from crm.contacts.names import given_key, name_key, words_of
from crm.contacts.slips import stumps
from web.migrations.isolation import APP

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

BATCH = 10_000
READ = sa.text(
    "SELECT id, surname, given_name, name_key, given_key FROM contact WHERE id > :last AND name_key <> ''"
    " ORDER BY id LIMIT :batch"
)
WRITE = sa.text(
    "UPDATE contact c SET name_key = n.name_key, given_key = n.given_key FROM unnest("
    "CAST(:ids AS bigint[]), CAST(:names AS text[]), CAST(:given AS text[])) AS n (id, name_key, given_key)"
    " WHERE c.id = n.id"
)
FILE = sa.text(
    "INSERT INTO name_stump SELECT * FROM unnest(CAST(:stumps AS text[]), CAST(:words AS text[]))"
    " ON CONFLICT DO NOTHING"
)


def upgrade() -> None:
    op.execute(f"GRANT DELETE ON name_stump TO {APP}")
    op.execute("ALTER TABLE contact NO FORCE ROW LEVEL SECURITY")
    _keys()
    op.execute("ALTER TABLE contact FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute(f"REVOKE DELETE ON name_stump FROM {APP}")


def _keys() -> None:
    """Whoever was erased has no key, and keeps none."""
    connection, last, filed = op.get_bind(), 0, set[str]()
    while rows := connection.execute(READ, {"last": last, "batch": BATCH}).all():
        last = rows[-1].id
        keys = {one.id: (name_key(one.surname, one.given_name), given_key(one.surname, one.given_name)) for one in rows}
        changed = {one.id: keys[one.id] for one in rows if keys[one.id] != (one.name_key, one.given_key)}
        if not changed:
            continue
        names, given = zip(*changed.values(), strict=True)
        connection.execute(WRITE, {"ids": list(changed), "names": list(names), "given": list(given)})
        words = {word for name in names for word in words_of(name)} - filed
        filed |= words
        pairs = [(stump, word) for word in sorted(words) for stump in sorted(stumps(word))]
        told = {"stumps": [stump for stump, _ in pairs], "words": [word for _, word in pairs]}
        connection.execute(FILE, told)
