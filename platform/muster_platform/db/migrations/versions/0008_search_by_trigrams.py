"""The list's search finds words inside ids and names: by trigrams on PostgreSQL."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    # A trusted extension since PostgreSQL 13: the owner of the database may create it.
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("DROP INDEX ix_devices_search")
    op.execute("CREATE INDEX ix_devices_search ON devices USING gin (search gin_trgm_ops)")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP INDEX ix_devices_search")
    op.execute("CREATE INDEX ix_devices_search ON devices (search text_pattern_ops)")
