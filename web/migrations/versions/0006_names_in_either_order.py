"""Names are found in either order, and with a slip of the finger.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from crm.contacts.names import KEY_LENGTH, given_key, words_of
from crm.contacts.slips import stumps
from web.migrations.isolation import APP

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BATCH = 5_000


def upgrade() -> None:
    op.drop_index("ix_contact_name_key", table_name="contact")
    op.alter_column("contact", "name_key", type_=sa.String(KEY_LENGTH, collation="C"))
    op.add_column("contact", sa.Column("given_key", sa.String(KEY_LENGTH, collation="C")))
    op.create_table(
        "name_stump",
        sa.Column("stump", sa.String(40, collation="C"), nullable=False),
        sa.Column("word", sa.String(40, collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("stump", "word", name=op.f("pk_name_stump")),
    )
    op.execute(f"GRANT SELECT, INSERT ON name_stump TO {APP}")
    op.execute("ALTER TABLE contact NO FORCE ROW LEVEL SECURITY")
    _fill()
    op.execute("ALTER TABLE contact FORCE ROW LEVEL SECURITY")
    op.create_index("ix_contact_name_key", "contact", ["name_key"])
    op.create_index("ix_contact_given_key", "contact", ["given_key"], postgresql_where=sa.text("given_key IS NOT NULL"))


def downgrade() -> None:
    op.drop_table("name_stump")
    op.drop_index("ix_contact_given_key", table_name="contact", postgresql_where=sa.text("given_key IS NOT NULL"))
    op.drop_column("contact", "given_key")
    op.drop_index("ix_contact_name_key", table_name="contact")
    op.alter_column("contact", "name_key", type_=sa.String(KEY_LENGTH, collation="default"))
    op.create_index("ix_contact_name_key", "contact", ["name_key"], postgresql_ops={"name_key": "text_pattern_ops"})


def _fill() -> None:
    """The keys and words of the names that are there already."""
    connection, last = op.get_bind(), 0
    read = sa.text("SELECT id, surname, given_name, name_key FROM contact WHERE id > :last ORDER BY id LIMIT :batch")
    while rows := connection.execute(read, {"last": last, "batch": BATCH}).all():
        last = rows[-1].id
        keys = [{"id": row.id, "key": given_key(row.surname, row.given_name)} for row in rows if row.given_name]
        if keys:
            connection.execute(sa.text("UPDATE contact SET given_key = :key WHERE id = :id"), keys)
        words = {word for row in rows for word in words_of(row.name_key)}
        pairs = [{"stump": stump, "word": word} for word in sorted(words) for stump in sorted(stumps(word))]
        if pairs:
            connection.execute(sa.text("INSERT INTO name_stump VALUES (:stump, :word) ON CONFLICT DO NOTHING"), pairs)
