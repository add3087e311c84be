"""Chain the audit entries that are there, in the order they were written, and guard them."""

import sqlalchemy as sa
from alembic import op

from muster_platform.access import audit_guard
from muster_platform.access.audit_chain import FIELDS, HEAD_ID, START, hash_of
from muster_platform.db.base import Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BATCH = 1_000

_JSON = {"before", "after"}
_ENTRIES = sa.table(
    "audit_entries",
    sa.column("id", sa.BigInteger),
    sa.column("hash", sa.String),
    *(sa.column(name, Json if name in _JSON else None) for name in FIELDS),
)
_HEAD = sa.table("audit_head", *map(sa.column, ("id", "number", "hash", "at")))
_CHECK = sa.table(
    "audit_check",
    *map(sa.column, ("id", "number", "hash", "checked_at", "round_at", "fault", "logged_at")),
)


def upgrade() -> None:
    connection = op.get_bind()
    number, digest, at = _chain(connection)
    connection.execute(_HEAD.insert().values(id=HEAD_ID, number=number, hash=digest, at=at))
    connection.execute(
        _CHECK.insert().values(
            id=HEAD_ID, number=0, hash=START, checked_at=0, round_at=0, fault=None, logged_at=0
        )
    )
    audit_guard.put_up(connection)


def _chain(connection: sa.Connection) -> tuple[int, str, int]:
    """Number the entries without gaps and give each its hash; a new number is never a taken one."""
    number, digest, at, last = 0, START, 0, 0
    statement = sa.select(_ENTRIES).order_by(_ENTRIES.c.id).limit(BATCH)
    while rows := connection.execute(statement.where(_ENTRIES.c.id > last)).all():
        for row in rows:
            number, last, at = number + 1, row.id, row.at
            digest = hash_of(digest, number, row)
            connection.execute(
                _ENTRIES.update().where(_ENTRIES.c.id == row.id).values(id=number, hash=digest)
            )
    return number, digest, at


def downgrade() -> None:
    connection = op.get_bind()
    audit_guard.take_down(connection)
    connection.execute(_CHECK.delete())
    connection.execute(_HEAD.delete())
    if connection.dialect.name == "postgresql":
        # The older program counts by the sequence, which the chain left where it was.
        op.execute(
            "SELECT setval(pg_get_serial_sequence('audit_entries', 'id'), "
            "(SELECT coalesce(max(id), 0) + 1 FROM audit_entries), false)"
        )
