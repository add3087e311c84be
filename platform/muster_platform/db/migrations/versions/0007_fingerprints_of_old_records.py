"""Records that are there already are counted: by fingerprint, device and day."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from muster_platform.logs.fingerprint import normalise, title

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BATCH = 500
"""Faults of one step: each comes with a stack trace."""
_TITLE_CHARS = 300
_FAULTS = """
    SELECT f.fingerprint, f.received_at, f.first_seen, f.last_seen, r.logger, r.message,
        r.exception_type, r.exception_message, r.stacktrace
    FROM (
        SELECT fingerprint, max(id) AS sample, min(received_at) AS received_at,
            min(ts) AS first_seen, max(ts) AS last_seen
        FROM log_records WHERE fingerprint > :after
        GROUP BY fingerprint ORDER BY fingerprint LIMIT :most
    ) f JOIN log_records r ON r.id = f.sample ORDER BY f.fingerprint
"""
_DAYS = """
    INSERT INTO fingerprint_days (fingerprint, day, device_key, version, count, level,
        first_seen, last_seen, sample_id)
    SELECT fingerprint, ts / 86400000, device_key, '', count(*), max(level), min(ts), max(ts),
        max(id)
    FROM log_records WHERE fingerprint <> '' GROUP BY fingerprint, ts / 86400000, device_key
"""
_NAMES = (
    *("id", "title", "exception_type", "logger", "created_at", "first_seen", "last_seen"),
    *("state", "resolved_in", "note", "version"),
)
_TABLE = sa.table("fingerprints", *map(sa.column, _NAMES))


def upgrade() -> None:
    connection = op.get_bind()
    after = ""
    while faults := connection.execute(sa.text(_FAULTS), {"after": after, "most": BATCH}).all():
        connection.execute(_TABLE.insert(), [_row(fault) for fault in faults])
        after = faults[-1].fingerprint
    connection.execute(sa.text(_DAYS))


def _row(fault: sa.Row[Any]) -> dict[str, object]:
    kind = fault.exception_type
    name = title(kind, fault.message, fault.exception_message, fault.stacktrace)
    return {
        "id": fault.fingerprint,
        "title": name[:_TITLE_CHARS],
        "exception_type": normalise(kind)[:_TITLE_CHARS] if kind else "",
        "logger": "" if kind else fault.logger,
        "created_at": fault.received_at,
        "first_seen": fault.first_seen,
        "last_seen": fault.last_seen,
        "state": "OPEN",
        "resolved_in": "",
        "note": "",
        "version": 1,
    }


def downgrade() -> None:
    for table in ("fingerprint_days", "fingerprint_acts", "fingerprints"):
        op.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - our own names
